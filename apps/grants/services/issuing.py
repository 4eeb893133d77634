"""Grants that were asked for here: put in place, or tied to the request that explains them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import Verdict, enforce
from apps.grants.models import Grant, GrantStatement
from apps.grants.services.fingerprints import fingerprints_refresh, statements_digest
from apps.grants.states import LIVE
from apps.inventory.models import Binding, Identity


@dataclass(frozen=True, slots=True)
class Issue:
    """What a request led to. `expires_at` is None for read access without an end."""

    request_id: int
    identity_id: int
    service: str
    level: str
    actions: Sequence[str]
    resources: Sequence[str]
    tags: Sequence[str]
    expires_at: datetime | None
    requested_by_id: int | None = None
    granted_by_id: int | None = None


@transaction.atomic
def grant_issue(*, issue: Issue, actor: Actor, authority: Verdict) -> Grant:
    """Note access that was put in place by hand, before a source shows it."""
    enforce(authority)
    identity = Identity.objects.select_related("system").get(pk=issue.identity_id)
    statement = {
        "effect": "allow",
        "actions": sorted(issue.actions),
        "resources": sorted(issue.resources),
        "not_resources": [],
        "conditions": {},
        "policy": "",
        "group": "",
    }
    grant = Grant.objects.create(
        identity=identity,
        system=identity.system,
        service=issue.service,
        level=issue.level,
        label=f"{identity} · {identity.system} · {issue.service} · {issue.level}"[:400],
        tags=sorted(issue.tags),
        action_count=len(issue.actions),
        actions_sample=", ".join(sorted(issue.actions)[:10]),
        resource_scope=", ".join(sorted(issue.resources))[:200],
        content_sha256=statements_digest([statement]),
        request_id=issue.request_id,
        requested_by_id=issue.requested_by_id,
        granted_by_id=issue.granted_by_id,
        expires_at=issue.expires_at,
    )
    GrantStatement.objects.create(grant=grant, position=0, **statement)
    record(
        actor=actor,
        verb=Verb.GRANT_ISSUED,
        target=grant,
        changes={"state": (None, grant.state), "request": (None, issue.request_id)},
        reason=f"Request {issue.request_id}",
    )
    agents = Binding.objects.live().filter(identity=identity).values_list("agent_id", flat=True)
    fingerprints_refresh(agent_ids=list(agents), actor=actor)
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
        reason=f"Request {issue.request_id}",
    )
    return grant


def _plain(moment: datetime | None) -> str | None:
    return None if moment is None else moment.isoformat()
