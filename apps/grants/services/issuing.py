"""Grants that were asked for here: put in place, or tied to the request that explains them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import Verdict, enforce
from apps.grants.models import Grant, GrantStatement
from apps.grants.services.fingerprints import (
    STATEMENT,
    fingerprints_refresh,
    statements_digest,
)
from apps.grants.states import LIVE
from apps.inventory.models import Binding, Identity


@dataclass(frozen=True, slots=True)
class Issue:
    """What a request led to, or a break-glass use, which is no request.

    `expires_at` is None for read access without an end.
    """

    request_id: int | None
    identity_id: int
    service: str
    level: str
    actions: Sequence[str]
    resources: Sequence[str]
    tags: Sequence[str]
    expires_at: datetime | None
    requested_by_id: int | None = None
    granted_by_id: int | None = None
    because: str = ""

    def __str__(self) -> str:
        return self.because or f"Request {self.request_id}"


@transaction.atomic
def grant_issue(*, issue: Issue, actor: Actor, authority: Verdict) -> Grant:
    """Note access that was put in place by hand, before a source shows it."""
    enforce(authority)
    identity = Identity.objects.select_related("system").get(pk=issue.identity_id)
    grant = Grant.objects.create(
        identity=identity,
        system=identity.system,
        service=issue.service,
        level=issue.level,
        label=f"{identity} · {identity.system} · {issue.service} · {issue.level}"[:400],
        tags=sorted(issue.tags),
        request_id=issue.request_id,
        requested_by_id=issue.requested_by_id,
        granted_by_id=issue.granted_by_id,
        expires_at=issue.expires_at,
    )
    _write(grant, [_statement(issue.actions, issue.resources)])
    record(
        actor=actor,
        verb=Verb.GRANT_ISSUED,
        target=grant,
        changes={"state": (None, grant.state), "request": (None, issue.request_id)},
        reason=str(issue),
    )
    _refresh(grant, actor)
    return grant


@transaction.atomic
def grant_widen(*, grant_id: int, issue: Issue, actor: Actor, authority: Verdict) -> Grant:
    """Note on a grant that no source tells of what a request added to it.

    Of a grant with a source nothing is written: its next reading shows what it has become.
    """
    enforce(authority)
    grant = Grant.objects.locked(grant_id)
    lines = _lines(grant)
    held = {action for line in lines for action in line["actions"]}
    if grant.stream or set(issue.actions) <= held:
        return grant
    grant.tags = sorted({*grant.tags, *issue.tags})
    _write(grant, [*lines, _statement(set(issue.actions) - held, issue.resources)])
    record(
        actor=actor,
        verb=Verb.GRANT_WIDENED,
        target=grant,
        changes={"actions": (sorted(held), sorted(held | set(issue.actions)))},
        reason=str(issue),
    )
    _refresh(grant, actor)
    return grant


@transaction.atomic
def grant_narrow(
    *, grant_id: int, actions: Collection[str], reason: str, actor: Actor, authority: Verdict
) -> Grant:
    """Keep only these actions on a grant that no source tells of: the rest is seen to be gone."""
    enforce(authority)
    grant = Grant.objects.locked(grant_id)
    if grant.stream:
        raise DomainError("Its source says what it allows.")
    lines = _lines(grant)
    held = {action for line in lines for action in line["actions"]}
    for line in lines:
        line["actions"] = [action for action in line["actions"] if action in actions]
    _write(grant, [line for line in lines if line["actions"]])
    record(
        actor=actor,
        verb=Verb.GRANT_NARROWED,
        target=grant,
        changes={"actions": (sorted(held), sorted(held & set(actions)))},
        reason=reason,
    )
    _refresh(grant, actor)
    return grant


@transaction.atomic
def grant_tie(*, grant_id: int, issue: Issue, actor: Actor, authority: Verdict) -> Grant:
    """Tie a grant that a source shows to the request that explains it, with its end."""
    enforce(authority)
    grant = Grant.objects.locked(grant_id)
    if grant.state not in LIVE:
        raise DomainError(f"{grant} has ended.")
    if issue.expires_at is not None and issue.expires_at <= timezone.now():
        raise DomainError("It would end before now.")
    before = grant.request_id, grant.expires_at
    grant.request_id, grant.expires_at = issue.request_id, issue.expires_at
    grant.requested_by_id, grant.granted_by_id = issue.requested_by_id, issue.granted_by_id
    grant.save(update_fields=["request_id", "expires_at", "requested_by", "granted_by"])
    record(
        actor=actor,
        verb=Verb.GRANT_TIED,
        target=grant,
        changes={
            "request": (before[0], issue.request_id),
            "expires_at": (_plain(before[1]), _plain(issue.expires_at)),
        },
        reason=str(issue),
    )
    return grant


def _statement(actions: Collection[str], resources: Collection[str]) -> dict[str, Any]:
    return {
        "effect": "allow",
        "actions": sorted(actions),
        "resources": sorted(resources),
        "not_resources": [],
        "conditions": {},
        "policy": "",
        "group": "",
    }


def _lines(grant: Grant) -> list[dict[str, Any]]:
    return list(grant.statements.order_by("position").values(*STATEMENT))


def _write(grant: Grant, lines: Sequence[dict[str, Any]]) -> None:
    """Write a grant's statements, and what its row says of them."""
    actions = sorted({action for line in lines for action in line["actions"]})
    resources = sorted({name for line in lines for name in line["resources"]})
    grant.action_count = len(actions)
    grant.actions_sample = ", ".join(actions[:10])
    grant.resource_scope = ", ".join(resources)[:200]
    grant.content_sha256 = statements_digest(lines)
    grant.content_changed_at = timezone.now()
    grant.save(
        update_fields=[
            "tags",
            "action_count",
            "actions_sample",
            "resource_scope",
            "content_sha256",
            "content_changed_at",
        ]
    )
    grant.statements.all().delete()
    GrantStatement.objects.bulk_create(
        GrantStatement(grant=grant, position=at, **line) for at, line in enumerate(lines)
    )


def _refresh(grant: Grant, actor: Actor) -> None:
    live = Binding.objects.live().filter(identity=grant.identity_id)
    fingerprints_refresh(agent_ids=list(live.values_list("agent_id", flat=True)), actor=actor)


def _plain(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
