"""Break-glass: access at once for a few hours, seen by everybody near it, reviewed afterwards."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.approvals import policies
from apps.approvals.digests import scope_digest
from apps.approvals.models import BreakGlass
from apps.approvals.selectors.removal import removal_of
from apps.approvals.services.alarms import page_on_call, tell_over, tell_reviewed
from apps.approvals.services.ending import removal_order, uses_follow
from apps.approvals.services.provisioning import end_what_is_gone
from apps.approvals.services.wanted import highest_level, identity_of, outliving, permissions_of
from apps.approvals.states import BREAK_GLASS_MOVES, BreakGlassState, BreakGlassVerdict
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import ALLOW, enforce
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.grants.services.issuing import Issue, grant_issue, grant_tie, grant_widen
from apps.grants.services.justifications import grant_justify
from apps.inventory.models import Agent
from apps.inventory.services.reasons import required_reason
from apps.remediation.models import Order


@dataclass(frozen=True, slots=True)
class Emergency:
    """What somebody takes, for whom, and why. Level and tags follow from the catalogue."""

    agent_id: int
    identity_id: int
    service: str
    actions: Sequence[str]
    reason: str
    hours: int
    resources: Sequence[str] = ("*",)
    ticket: str = ""


@dataclass(frozen=True, slots=True)
class Taken:
    """The use, and whether it is one that was in force already."""

    use: BreakGlass
    again: bool


@transaction.atomic
def break_glass_take(*, emergency: Emergency, actor: Person) -> Taken:
    """Take access that nobody approved. The door asks for a fresh sign-in first.

    From this moment it counts as in force, and everybody who is on call is paged. Taking the
    same twice gives one use: two who do so wait for each other at the agent.
    """
    agent = Agent.objects.select_related("team", "owner").locked(emergency.agent_id)
    enforce(policies.can_take(actor, agent))
    reason = required_reason(emergency.reason, "it cannot wait")
    _demand_short(emergency.hours)
    use = _wanted(emergency, agent, actor)
    there = BreakGlass.objects.active().filter(scope_sha256=use.scope_sha256)
    if (same := there.select_for_update(of=["self"]).first()) is not None:
        if same.ends_at > use.taken_at:
            return Taken(same, again=True)
        _end(same, "Its time was up.", actor)
    use.held_before = outliving(use.identity, use.service, use.level, use.actions)
    use.grant = _in_force(use, actor)
    use.save(force_insert=True)
    record(
        actor=actor,
        verb=Verb.BREAK_GLASS_TAKEN,
        target=use,
        changes={
            "state": (None, use.state),
            "actions": (None, use.actions),
            "resources": (None, use.resources),
            "ends_at": (None, use.ends_at.isoformat()),
        },
        reason=reason,
    )
    uses_follow(use, actor=actor)
    page_on_call(use, actor)
    return Taken(use, again=False)


@transaction.atomic
def break_glass_end(*, use_id: int, reason: str, actor: Actor) -> BreakGlass:
    """End it before its time. Its removal is ordered, and somebody else reviews it."""
    use = _locked(use_id)
    enforce(policies.can_end_use(actor, use))
    return _end(use, required_reason(reason, "it ends now"), actor)


def break_glass_end_due(*, moment: datetime, actor: Actor) -> int:
    """End every use whose time is up. Returns how many; run twice, it ends none twice."""
    due = list(BreakGlass.objects.due(moment).order_by("pk").values_list("pk", flat=True))
    return sum(_end_due(pk, moment, actor) for pk in due)


@transaction.atomic
def break_glass_review(
    *, use_id: int, verdict: BreakGlassVerdict, review: str, actor: Person
) -> BreakGlass:
    """Judge a use that is over: somebody of security, else a steward, never who took it."""
    use = _locked(use_id)
    enforce(policies.can_review_use(actor, use))
    use.review = required_reason(review, "you judge it so")
    use.verdict, use.reviewed_by, use.reviewed_at = verdict, actor.user, timezone.now()
    _move(
        use,
        BreakGlassState.REVIEWED,
        Verb.BREAK_GLASS_REVIEWED,
        reason=use.review,
        also=["verdict", "review", "reviewed_by", "reviewed_at"],
        actor=actor,
    )
    tell_reviewed(use, actor)
    return use


def _demand_short(hours: int) -> None:
    longest = preference("break_glass_hours")
    if not 1 <= hours <= longest:
        raise DomainError(f"Break-glass access lasts at least one and at most {longest} hours.")


def _wanted(emergency: Emergency, agent: Agent, actor: Person) -> BreakGlass:
    identity = identity_of(agent, emergency.identity_id)
    resources = sorted({one.strip() for one in emergency.resources if one.strip()})
    if not resources:
        raise DomainError("Name the resources it is for; * means all of them.")
    actions = sorted(set(emergency.actions))
    permissions = permissions_of(
        identity, service=emergency.service, actions=actions, resources=resources
    )
    level, now = highest_level(permissions), timezone.now()
    return BreakGlass(
        agent=agent,
        identity=identity,
        system=identity.system,
        service=emergency.service,
        level=level,
        tags=sorted({tag for one in permissions for tag in one.tags}),
        label=f"{agent} · {identity.system} · {emergency.service} · {level}"[:400],
        actions=actions,
        resources=resources,
        scope_sha256=scope_digest(
            agent_id=agent.pk,
            identity_id=identity.pk,
            service=emergency.service,
            level=level,
            actions=actions,
            resources=resources,
        ),
        reason=emergency.reason.strip(),
        ticket=emergency.ticket.strip(),
        hours=emergency.hours,
        taken_by=actor.user,
        taken_at=now,
        ends_at=now + timedelta(hours=emergency.hours),
    )


def _in_force(use: BreakGlass, actor: Person) -> Grant:
    """The grant by which it is held from now on: one of its own, or more on one that is there."""
    because = f"Break-glass by {actor}"
    issue = Issue(
        request_id=None,
        identity_id=use.identity_id,
        service=use.service,
        level=use.level,
        actions=use.actions,
        resources=use.resources,
        tags=use.tags,
        expires_at=use.ends_at,
        requested_by_id=actor.user.pk,
        granted_by_id=actor.user.pk,
        because=because,
    )
    of = {"identity": use.identity_id, "service": use.service, "level": use.level}
    held = Grant.objects.present().filter(**of).first()
    if held is None:
        end_what_is_gone(use, because=because, actor=actor)
        grant = grant_issue(issue=issue, actor=actor, authority=ALLOW)
    else:
        grant = grant_widen(grant_id=held.pk, issue=issue, actor=actor, authority=ALLOW)
        if use.held_before or held.request_id is not None:
            return grant  # it has an end, and a reason, of its own
        last = max(use.ends_at, held.expires_at or use.ends_at)
        longer = replace(issue, expires_at=last)
        grant = grant_tie(grant_id=held.pk, issue=longer, actor=actor, authority=ALLOW)
    grant_justify(
        grant_id=grant.pk,
        reason=use.reason,
        ticket=use.ticket,
        until=timezone.localdate(use.ends_at),
        actor=actor,
        authority=ALLOW,
    )
    return grant


@transaction.atomic
def _end_due(use_id: int, moment: datetime, actor: Actor) -> bool:
    due = BreakGlass.objects.due(moment).filter(pk=use_id).select_related(*_BESIDE)
    use = due.select_for_update(of=["self"], skip_locked=True).first()
    if use is None:
        return False
    _end(use, "Its time was up.", actor)
    return True


def _end(use: BreakGlass, because: str, actor: Actor) -> BreakGlass:
    """End a locked use: order the removal of what it added, and ask for its review."""
    now = timezone.now()
    use.ended_at, use.ended_because = now, because
    use.ended_by = actor.user if isinstance(actor, Person) else None
    use.review_due_at = now + timedelta(days=preference("break_glass_review_days"))
    _move(
        use,
        BreakGlassState.ENDED,
        Verb.BREAK_GLASS_ENDED,
        reason=because,
        also=["ended_at", "ended_because", "ended_by", "review_due_at"],
        actor=actor,
    )
    removal = removal_of(use, at=now)
    if removal is not None and not Order.objects.removing().filter(grant=use.grant_id).exists():
        why = f"Break-glass use {use.pk} by {use.taken_by} is over."
        removal_order(removal, use=use, reason=why, actor=actor)
    tell_over(use, actor)
    return use


_BESIDE = ("agent__owner", "agent__team", "identity", "system__owner", "taken_by")


def _locked(use_id: int) -> BreakGlass:
    return BreakGlass.objects.select_related(*_BESIDE).locked(use_id)


def _move(
    use: BreakGlass,
    state: BreakGlassState,
    verb: Verb,
    *,
    reason: str,
    also: Sequence[str],
    actor: Actor,
) -> None:
    before = use.state
    BREAK_GLASS_MOVES.check(before, state)
    use.state = state
    use.save(update_fields=["state", *also])
    record(actor=actor, verb=verb, target=use, changes={"state": (before, state)}, reason=reason)
