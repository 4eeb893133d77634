"""The two fingerprints of an agent: what it is designed to be, and what it may do.

Each is the SHA-256 of canonical JSON. A missing part is null, never left out; each part is
hashed on its own too, so that a drift says what changed.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import batched
from typing import Any

from django.db import transaction
from django.db.models import Prefetch, QuerySet

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.grants.models import AgentFingerprint, Grant, GrantStatement
from apps.grants.states import FingerprintKind
from apps.inventory.models import Agent, Binding, Task

CHUNK = 200
# The order of columns of a statement in its digest.
STATEMENT = (
    "effect",
    "actions",
    "resources",
    "not_resources",
    "conditions",
    "policy",
    "group",
)

type Document = Mapping[str, Any]


def fingerprints_refresh(*, agent_ids: Collection[int], actor: Actor) -> int:
    """Compute both fingerprints of these agents, and keep those that changed.

    A changed fingerprint is a new row of history, and one entry that says which parts changed.
    Returns how many changed. Agents are locked in order of key, a chunk to a transaction, so
    that two refreshes of one agent cannot both see the old state.
    """
    return sum(
        _refresh_chunk(chunk, actor=actor)
        for chunk in batched(sorted(set(agent_ids)), CHUNK, strict=False)
    )


def digest_of(value: Any) -> str:
    """SHA-256 of canonical JSON: sorted keys, no spaces."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


def statements_digest(statements: Iterable[Mapping[str, Any]]) -> str:
    """What a grant's statements say, whatever order they stand in."""
    lines = [{name: line[name] for name in STATEMENT} for line in statements]
    return digest_of(sorted(lines, key=lambda line: json.dumps(line, sort_keys=True)))


@transaction.atomic
def _refresh_chunk(agent_ids: Sequence[int], *, actor: Actor) -> int:
    agents = list(_agents(agent_ids))
    documents = {
        FingerprintKind.DESIGN: {agent.pk: _design(agent) for agent in agents},
        FingerprintKind.ACCESS: _access_of([agent.pk for agent in agents]),
    }
    newest = _newest([agent.pk for agent in agents])
    changed = [
        fingerprint
        for kind, by_agent in documents.items()
        for agent in agents
        if (fingerprint := _if_changed(agent, kind, by_agent[agent.pk], newest))
    ]
    AgentFingerprint.objects.bulk_create(changed)
    facts = [Fact(one, _said(one, newest.get((one.agent_id, one.kind)))) for one in changed]
    record_many(actor=actor, verb=Verb.FINGERPRINT_CHANGED, facts=facts)
    return len(changed)


def _agents(agent_ids: Sequence[int]) -> QuerySet[Agent]:
    tasks = Task.objects.filter(retired_at__isnull=True).order_by("position", "pk")
    return (
        Agent.objects.filter(pk__in=agent_ids)
        .select_for_update(of=["self"], no_key=True)
        .order_by("pk")
        .prefetch_related(Prefetch("tasks", tasks), "tasks__needs__system", "calls")
    )


def _newest(agent_ids: Sequence[int]) -> dict[tuple[int, str], AgentFingerprint]:
    rows = (
        AgentFingerprint.objects.filter(agent__in=agent_ids)
        .order_by("agent_id", "kind", "-pk")
        .distinct("agent_id", "kind")
    )
    return {(row.agent_id, row.kind): row for row in rows}


def _if_changed(
    agent: Agent,
    kind: FingerprintKind,
    document: Document,
    newest: Mapping[tuple[int, str], AgentFingerprint],
) -> AgentFingerprint | None:
    digest = digest_of(document)
    before = newest.get((agent.pk, kind))
    if before is not None and before.digest == digest:
        return None
    parts = {name: digest_of(part) for name, part in document.items()}
    return AgentFingerprint(agent=agent, kind=kind, digest=digest, parts=parts)


def _said(
    fingerprint: AgentFingerprint, before: AgentFingerprint | None
) -> dict[str, tuple[Any, Any]]:
    old = {} if before is None else before.parts
    changed = sorted(name for name, part in fingerprint.parts.items() if old.get(name) != part)
    return {
        "digest": (None if before is None else before.digest, fingerprint.digest),
        "parts": (None, changed if before is not None else ["first seen"]),
    }


def _design(agent: Agent) -> Document:
    return {
        "purpose": agent.purpose or None,
        "tasks": [_task(task) for task in agent.tasks.all()] or None,
        "version": agent.version or None,
        "instructions": agent.instructions_sha256 or None,
        "model": agent.model or None,
        "tools": sorted(agent.tools, key=digest_of) or None,
        "sub_agents": sorted(call.callee_id for call in agent.calls.all()) or None,
        "environment": agent.environment,
        "owner": agent.owner_id,
        "autonomy": {"level": agent.autonomy, "human_step": agent.has_human_step},
    }


def _task(task: Task) -> Document:
    needs = [
        {
            "system": need.system.name,
            "service": need.service or None,
            "level": need.level,
            "tags": sorted(need.tags),
        }
        for need in task.needs.all()
    ]
    return {"title": task.title, "needs": sorted(needs, key=digest_of)}


def _access_of(agent_ids: Sequence[int]) -> dict[int, Document]:
    """What agents sign in as, and what those identities hold now."""
    bound: dict[int, list[int]] = defaultdict(list)
    named: dict[int, list[str]] = {}
    bindings = Binding.objects.live().filter(agent__in=agent_ids)
    for agent_id, identity_id, system, external_id in bindings.values_list(
        "agent_id", "identity_id", "identity__system__name", "identity__external_id"
    ):
        bound[agent_id].append(identity_id)
        named[identity_id] = [system, external_id]
    held = _grants_of(list(named))
    return {
        agent_id: {
            "identities": sorted(named[pk] for pk in bound[agent_id]) or None,
            "grants": sorted(
                [*named[pk], *line] for pk in bound[agent_id] for line in held.get(pk, ())
            )
            or None,
        }
        for agent_id in agent_ids
    }


def _grants_of(identity_ids: Sequence[int]) -> dict[int, list[list[str]]]:
    """Every grant held now, as (system, service, level, digest of its statements)."""
    rows = list(
        Grant.objects.present()
        .filter(identity__in=identity_ids)
        .order_by()
        .values("pk", "identity_id", "system__name", "service", "level", "content_sha256")
    )
    unread = [row["pk"] for row in rows if not row["content_sha256"]]
    digests = _statement_digests(unread)
    held: dict[int, list[list[str]]] = defaultdict(list)
    for row in rows:
        digest = row["content_sha256"] or digests[row["pk"]]
        line = [row["system__name"], row["service"], row["level"], digest]
        held[row["identity_id"]].append(line)
    return held


def _statement_digests(grant_ids: Sequence[int]) -> dict[int, str]:
    lines: dict[int, list[dict[str, Any]]] = defaultdict(list)
    statements = GrantStatement.objects.filter(grant__in=grant_ids).order_by()
    for line in statements.values("grant_id", *STATEMENT):
        lines[line["grant_id"]].append(line)
    return {pk: statements_digest(lines[pk]) for pk in grant_ids}
