"""Grants: suspended, resumed, and ended once the access is seen to be gone."""

from collections.abc import Collection, Sequence
from datetime import datetime
from itertools import batched

from django.db import transaction
from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import Verdict, enforce
from apps.grants import policies
from apps.grants.models import Grant
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.grants.services.justifications import (
    NewJustification,
    grant_justify,
    justifications_add,
)
from apps.grants.states import GRANT_MOVES, LIVE, GrantState
from apps.inventory.models import Binding
from apps.inventory.services.reasons import required_reason

__all__ = [
    "NewJustification",
    "grant_expire",
    "grant_justify",
    "grant_resume",
    "grant_revoke",
    "grant_suspend",
    "grants_end",
    "grants_expire_gone",
    "justifications_add",
]
CHUNK = 1000


@transaction.atomic
def grant_revoke(
    *, grant_id: int, reason: str, actor: Actor, authority: Verdict | None = None
) -> Grant:
    """Note that a grant is gone for good; the order that removed it has been verified.

    `authority` is the verdict of another app's rule that covers this; without one, the actor
    must pass `can_revoke`. Raises `IllegalTransition` if it ended already.
    """
    grant = Grant.objects.locked(grant_id)
    enforce(policies.can_revoke(actor, grant) if authority is None else authority)
    text = required_reason(reason, "the grant ended")
    _move([grant], GrantState.REVOKED, verb=Verb.GRANT_REVOKED, actor=actor, reason=text)
    return grant


@transaction.atomic
def grant_expire(*, grant_id: int, reason: str, actor: Actor, authority: Verdict) -> Grant:
    """Note that a grant ended with its time: the order that removed it has been verified."""
    grant = Grant.objects.locked(grant_id)
    enforce(authority)
    text = required_reason(reason, "the grant ended")
    _move([grant], GrantState.EXPIRED, verb=Verb.GRANT_EXPIRED, actor=actor, reason=text)
    return grant


@transaction.atomic
def grant_suspend(
    *, grant_id: int, reason: str, actor: Actor, authority: Verdict | None = None
) -> Grant:
    """Note that a grant is out of force, reversibly."""
    grant = Grant.objects.locked(grant_id)
    enforce(policies.can_suspend(actor, grant) if authority is None else authority)
    text = required_reason(reason, "the grant is suspended")
    _move([grant], GrantState.SUSPENDED, verb=Verb.GRANT_SUSPENDED, actor=actor, reason=text)
    return grant


@transaction.atomic
def grant_resume(
    *, grant_id: int, reason: str, actor: Actor, authority: Verdict | None = None
) -> Grant:
    """Note that a suspended grant is in force again."""
    grant = Grant.objects.locked(grant_id)
    enforce(policies.can_resume(actor, grant) if authority is None else authority)
    text = required_reason(reason, "the grant is in force again")
    _move([grant], GrantState.ACTIVE, verb=Verb.GRANT_RESUMED, actor=actor, reason=text)
    return grant


def grants_end(
    *,
    grant_ids: Collection[int],
    state: GrantState,
    verb: Verb,
    reason: str,
    actor: Actor,
    authority: Verdict,
) -> int:
    """End many grants, in chunks of a transaction each. Those already ended are left as they are,
    so that a run cut short is simply run again. Returns how many it ended.
    """
    enforce(authority)
    if state in LIVE:
        raise DomainError("A grant ends by being revoked or by expiring.")
    text = required_reason(reason, "the grants end")
    return sum(
        _end_chunk(chunk, state, verb=verb, actor=actor, reason=text)
        for chunk in batched(sorted(set(grant_ids)), CHUNK, strict=False)
    )


@transaction.atomic
def grants_expire_gone(*, moment: datetime, limit: int, actor: Actor) -> int:
    """End grants whose time is up and which their source no longer shows.

    Time alone ends nothing: what a source still shows, or no source tells of, ends by an order
    once its removal is seen. Leaves aside what others hold now.
    """
    due = Grant.objects.due_at(moment).gone().select_for_update(of=["self"], skip_locked=True)
    grants = list(due.order_by("pk")[:limit])
    _move(
        grants,
        GrantState.EXPIRED,
        verb=Verb.GRANT_EXPIRED,
        actor=actor,
        reason="Its time was up, and its source no longer shows it.",
    )
    return len(grants)


@transaction.atomic
def _end_chunk(
    grant_ids: Sequence[int], state: GrantState, *, verb: Verb, actor: Actor, reason: str
) -> int:
    live = Grant.objects.live().filter(pk__in=grant_ids).order_by("pk")
    grants = list(live.select_for_update(of=["self"]))
    _move(grants, state, verb=verb, actor=actor, reason=reason)
    return len(grants)


def _move(
    grants: Sequence[Grant], state: GrantState, *, verb: Verb, actor: Actor, reason: str
) -> None:
    """Move grants that the caller has locked; one entry each, and their agents' fingerprints."""
    facts = []
    ended_at = None if state in LIVE else timezone.now()
    for grant in grants:
        before = grant.state
        GRANT_MOVES.check(before, state)
        grant.state, grant.ended_at = state, ended_at
        facts.append(Fact(grant, {"state": (before, state)}, reason))
    Grant.objects.filter(pk__in=[grant.pk for grant in grants]).update(
        state=state, ended_at=ended_at
    )
    record_many(actor=actor, verb=verb, facts=facts)
    if state not in LIVE:
        fingerprints_refresh(agent_ids=_agents_holding(grants), actor=actor)


def _agents_holding(grants: Sequence[Grant]) -> list[int]:
    identities = {grant.identity_id for grant in grants}
    bound = Binding.objects.live().filter(identity__in=identities)
    return list(bound.order_by().values_list("agent_id", flat=True).distinct())
