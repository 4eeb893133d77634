"""Asking for access, and taking it back."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.approvals import policies
from apps.approvals.digests import scope_digest
from apps.approvals.models import AccessRequest, RequestNote
from apps.approvals.services.held import demand_held
from apps.approvals.services.letters import tell_asker
from apps.approvals.services.moves import request_move
from apps.approvals.services.routing import design_of, digest_now, request_route
from apps.approvals.services.wanted import (
    highest_level,
    identity_of,
    outliving,
    permissions_of,
)
from apps.approvals.states import NoteKind, RequestKind, RequestState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Machine, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.grants.states import WRITING, Level
from apps.inventory.models import Agent, Identity, Task
from apps.inventory.services.reasons import required_reason
from apps.reviews.selectors.reach import completed_by

LONGEST = {Level.WRITE: "write_grant_days", Level.ADMIN: "admin_grant_days"}


@dataclass(frozen=True, slots=True)
class Ask:
    """What is asked for. Levels and tags follow from the actions, by the catalogue.

    A renewal names the request that it renews, or the grant where no request led to it; so does
    who asks for the approval of what a source shows. Of these level and tags are what is held.
    """

    agent_id: int
    identity_id: int
    service: str
    actions: Sequence[str]
    reason: str
    resources: Sequence[str] = ("*",)
    task_id: int | None = None
    days: int | None = None
    ticket: str = ""
    kind: RequestKind = RequestKind.NEW
    grant_id: int | None = None
    renews_id: int | None = None
    idempotency_key: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The request, and whether it is one that was open already."""

    request: AccessRequest
    joined: bool


@transaction.atomic
def request_submit(*, ask: Ask, actor: Actor) -> Asked:
    """Ask for access. The same thing asked for while a request is open joins that one.

    Refuses what the catalogue does not know, a task of another agent, an identity the agent
    does not act as, write and admin without task or end, and what is held already; and of what
    is there, more than there is. Two asking for the same at one moment get one request: they
    wait for each other at the agent.
    """
    agent = Agent.objects.select_related("team", "owner").locked(ask.agent_id)
    enforce(policies.can_ask(actor, agent))
    if (made := _asked_before(ask, actor)) is not None:
        return Asked(made, joined=False)
    identity = identity_of(agent, ask.identity_id)
    held = demand_held(ask, identity, actor)
    level, tags = (held.level, held.tags) if held else _by_the_catalogue(ask, identity)
    _demand_sense(ask, agent, level)
    scope = scope_digest(
        agent_id=agent.pk,
        identity_id=identity.pk,
        service=ask.service,
        level=level,
        actions=ask.actions,
        resources=ask.resources,
    )
    there = AccessRequest.objects.open().filter(_same(ask, scope))
    if (same := there.select_for_update(of=["self"]).first()) is not None:
        return Asked(_join(same, ask, actor), joined=True)
    hint = " Its page says what to ask for."
    before = (
        held.outlives if held else outliving(identity, ask.service, level, ask.actions, hint=hint)
    )
    request = _request(ask, agent, identity, level, actor)
    request.grant_id = held.grant_id if held else None
    request.tags, request.scope_sha256, request.held_before = sorted(tags), scope, before
    request.combinations = _combinations(request)
    request.save(force_insert=True)
    record(
        actor=actor,
        verb=Verb.REQUEST_SUBMITTED,
        target=request,
        changes={"state": (None, request.state), "asked": (None, request.asked)},
        reason=request.reason,
    )
    return Asked(request_route(request, actor=actor), joined=False)


@transaction.atomic
def request_cancel(*, request_id: int, reason: str, actor: Actor) -> AccessRequest:
    """Take a request back before it is in place."""
    request = AccessRequest.objects.locked(request_id)
    enforce(policies.can_cancel(actor, request))
    request.ended_because = required_reason(reason, "the request is cancelled")
    request_move(
        request,
        RequestState.CANCELLED,
        actor=actor,
        reason=request.ended_because,
        also=["ended_because"],
    )
    tell_asker(request, what="Cancelled", because=request.ended_because, actor=actor)
    return request


def _asked_before(ask: Ask, actor: Actor) -> AccessRequest | None:
    """The same call made twice by a machine is one request, whatever became of it."""
    if not isinstance(actor, Machine) or not ask.idempotency_key:
        return None
    rows = AccessRequest.objects.filter(asked_by_client=actor.client_id)
    return rows.filter(idempotency_key=ask.idempotency_key).first()


def _by_the_catalogue(ask: Ask, identity: Identity) -> tuple[str, set[str]]:
    """The level and the tags of new access."""
    permissions = permissions_of(
        identity, service=ask.service, actions=ask.actions, resources=ask.resources
    )
    return highest_level(permissions), {tag for one in permissions for tag in one.tags}


def _demand_sense(ask: Ask, agent: Agent, level: str) -> None:
    required_reason(ask.reason, "it is needed")
    if not [one for one in ask.resources if one.strip()]:
        raise DomainError("Name the resources it is for; * means all of them.")
    tasks = Task.objects.filter(agent=agent, retired_at__isnull=True)
    if ask.task_id is not None and not tasks.filter(pk=ask.task_id).exists():
        raise DomainError(f"That is no task of {agent}'s purpose.")
    if ask.days is not None and ask.days < 1:
        raise DomainError("Access lasts at least a day.")
    if level not in WRITING:
        return
    if ask.task_id is None:
        raise DomainError("Say which task of the agent's purpose this write access serves.")
    longest = longest_days(level)
    if ask.days is None or ask.days > longest:
        raise DomainError(f"{Level(level).label} access lasts at most {longest} days.")


def _same(ask: Ask, scope: str) -> Q:
    """Open requests that this one joins: for the same access, or about the same that is there."""
    same = Q(scope_sha256=scope)
    if ask.kind == RequestKind.FOUND:
        same |= Q(kind=RequestKind.FOUND, grant=ask.grant_id)
    if ask.kind == RequestKind.RENEWAL:
        of = {"grant": ask.grant_id} if ask.renews_id is None else {}
        same |= Q(kind=RequestKind.RENEWAL, renews=ask.renews_id, **of)
    return same


def longest_days(level: str) -> int:
    """For how many days write or admin access may be asked for at most."""
    days: int = preference(LONGEST[Level(level)])
    return days


def _request(ask: Ask, agent: Agent, identity: Identity, level: str, actor: Actor) -> AccessRequest:
    now = timezone.now()
    request = AccessRequest(
        kind=ask.kind,
        agent=agent,
        identity=identity,
        system=identity.system,
        service=ask.service,
        level=level,
        label=f"{agent} · {identity.system} · {ask.service} · {level}"[:400],
        actions=sorted(set(ask.actions)),
        resources=sorted({one.strip() for one in ask.resources if one.strip()}),
        days=ask.days,
        task_id=ask.task_id,
        reason=ask.reason.strip(),
        ticket=ask.ticket.strip(),
        asked_by=actor.user if isinstance(actor, Person) else None,
        asked_by_client="" if isinstance(actor, Person) else str(actor)[:100],
        asked_by_label=str(actor)[:150],
        idempotency_key=ask.idempotency_key,
        renews_id=ask.renews_id,
        design_digest=design_of(agent.pk),
        submitted_at=now,
        lapses_at=now + timedelta(days=preference("request_days")),
    )
    request.asked = terms_of(request)
    request.digest = digest_now(request)
    return request


def terms_of(request: AccessRequest) -> dict[str, Any]:
    """What is on the table: what approvers may take from."""
    return {
        "actions": list(request.actions),
        "resources": list(request.resources),
        "days": request.days,
    }


def _combinations(request: AccessRequest) -> list[dict[str, Any]]:
    """The dangerous combinations it would complete, in words that outlive the grants.

    Access that is there is judged as if it were not: it is part of what it would complete.
    """
    wanted = Grant(
        identity=request.identity,
        system=request.system,
        service=request.service,
        level=request.level,
        tags=request.tags,
        label="what is asked for",
    )
    return [
        {
            "name": one.name,
            "severity": one.severity,
            "parts": [
                {
                    "does": share.does,
                    "by": [str(grant) for grant in share.grants],
                    "more": share.more,
                }
                for share in one.shares
            ],
            "broken_by": [str(grant) for grant in one.removals],
            "is_exact": one.is_exact,
            "through": one.through,
        }
        for one in completed_by(request.agent, wanted, instead_of=request.grant_id)
    ]


def _join(request: AccessRequest, ask: Ask, actor: Actor) -> AccessRequest:
    """Note that somebody else asks for the same; they benefit from it, and never judge it."""
    person = actor.user if isinstance(actor, Person) else None
    if person is not None and person.pk == request.asked_by_id:
        return request
    note = RequestNote.objects.create(
        request=request,
        kind=NoteKind.JOINED,
        text=ask.reason.strip(),
        author=person,
        author_label=str(actor)[:150],
    )
    record(
        actor=actor,
        verb=Verb.NOTE_WRITTEN,
        target=note,
        changes={"kind": (None, note.kind)},
        reason=note.text,
    )
    return request
