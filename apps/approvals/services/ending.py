"""Access that was asked for ends: its removal is ordered, and it is over once that is seen."""

from datetime import datetime
from typing import Any

from django.utils import timezone

from apps.approvals.models import AccessRequest, BreakGlass
from apps.approvals.selectors.removal import (
    Removal,
    Use,
    actions_of,
    explained_otherwise,
    removal_of,
)
from apps.approvals.services.each import each_request
from apps.approvals.states import RequestKind
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.policies import ALLOW
from apps.grants.models import Grant
from apps.remediation.models import Order
from apps.remediation.services.orders import EXPIRES, OrderRequest, orders_plan, orders_withdraw
from apps.remediation.states import OrderKind


def requests_end_due(*, moment: datetime, actor: Actor) -> int:
    """Order the removal of access whose time is up; nothing ends by time alone.

    Where others explain all of it, or its source no longer shows it, it is over at once.
    """

    def end(request: AccessRequest) -> bool:
        removal = removal_of(request, at=moment)
        if removal is None:
            request_note_end(request, because=_why_nothing(request), actor=actor)
        else:
            why = f"It was asked for until {request.access_ends_at:%Y-%m-%d}, and that time is up."
            removal_order(removal, use=request, reason=why, moment=moment, actor=actor)
        return True

    return each_request(AccessRequest.objects.ending_by(moment).without_removal(), end)


def requests_note_ends(*, actor: Actor) -> int:
    """Note which access is over: its removal was seen, or its grant ended. Returns how many."""

    def note(request: AccessRequest) -> bool:
        request_note_end(request, because="Its access was seen to be gone.", actor=actor)
        return True

    return each_request(AccessRequest.objects.over(), note)


def request_note_end(request: AccessRequest, *, because: str, actor: Actor) -> None:
    """Note on a locked request that its access is over, or goes on under another."""
    request.access_ended_at, request.ended_because = timezone.now(), because
    request.save(update_fields=["access_ended_at", "ended_because"])
    record(
        actor=actor,
        verb=Verb.REQUEST_ENDED,
        target=request,
        changes={"access_ended_at": (None, request.access_ended_at.isoformat())},
        reason=because,
    )


def uses_follow(newer: Use, *, actor: Actor) -> None:
    """Let earlier uses of the same grant follow one that is in place since this moment.

    A removal that was ordered is taken back, and ordered anew where less is to go than before;
    `DomainError` where a connection has begun to carry it out.
    A request that the newer use covers for at least as long is over with it.
    """
    now = timezone.now()
    requests = AccessRequest.objects.running().filter(grant=newer.grant_id)
    if isinstance(newer, AccessRequest):
        requests = requests.exclude(pk=newer.pk)
    for request in requests.select_for_update(of=["self"]).order_by("pk"):
        _reorder(request, newer, now, actor)
        ends = request.access_ends_at
        if ends is not None and removal_of(request, at=max(now, ends)) is None:
            request_note_end(request, because=f"{_named(newer)} goes on from here.", actor=actor)
    for use in BreakGlass.objects.filter(grant=newer.grant_id).order_by("pk"):
        if use != newer:
            _reorder(use, newer, now, actor)


def _reorder(use: Use, newer: Use, now: datetime, actor: Actor) -> None:
    waiting = list(Order.objects.open_from(use))
    if not waiting:
        return
    removal = removal_of(use, at=now)
    wanted = None if removal is None else (removal.kind, _kept(removal.target))
    stale = [order for order in waiting if (order.kind, _kept(order.target)) != wanted]
    why = f"{_named(newer)} allows it again, or some of it."
    orders_withdraw(
        order_ids=[order.pk for order in stale], reason=why, actor=actor, authority=ALLOW
    )
    if stale and removal is not None:
        removal_order(removal, use=use, reason=stale[0].reason, moment=now, actor=actor)


def _kept(target: dict[str, Any]) -> list[str]:
    kept: list[str] = target.get("actions", [])
    return kept


def _named(use: Use) -> str:
    return f"{'Request' if isinstance(use, AccessRequest) else 'Break-glass use'} {use.pk}"


def grant_follow(
    newer: AccessRequest, *, was_to_end_at: datetime | None, actor: Actor
) -> Order | None:
    """Let a grant to which no request led follow the one that explains it from now on.

    A removal that waits is taken back, unless a connection has begun it (`DomainError`); what the
    request does not ask for goes.
    """
    does = "renews" if newer.kind == RequestKind.RENEWAL else "explains"
    grant = Grant.objects.prefetch_related("statements").get(access_requests=newer)
    waiting = Order.objects.open_from(grant).values_list("pk", flat=True)
    orders_withdraw(
        order_ids=list(waiting), reason=f"{_named(newer)} {does} it.", actor=actor, authority=ALLOW
    )
    kept = actions_of(grant) & ({*newer.actions} | explained_otherwise(newer, at=timezone.now()))
    removed = sorted(actions_of(grant) - kept)
    if not removed:
        return None
    why = f"{_named(newer)} {does} the rest of it, and not this."
    removal = Removal(grant, removed=removed, kept=sorted(kept))
    return removal_order(removal, use=grant, reason=why, moment=was_to_end_at, actor=actor)


def removal_order(
    removal: Removal,
    *,
    use: Use | Grant,
    reason: str,
    actor: Actor,
    moment: datetime | None = None,
) -> Order:
    """Order a removal in the name of what led to the access; `moment` is when it is due."""
    grant, now = removal.grant, timezone.now()
    is_due = grant.expires_at is not None and grant.expires_at <= (moment or now)
    ends_as = EXPIRES if removal.kind == OrderKind.REVOKE and is_due else {}
    [order] = orders_plan(
        requests=[
            OrderRequest(
                kind=removal.kind,
                label=grant.label,
                reason=reason,
                decided_at=now,
                grant_id=grant.pk,
                target={**removal.target, **ends_as},
                origin_type=use._meta.label_lower,
                origin_id=use.pk,
                decided_by_id=actor.user.pk if isinstance(actor, Person) else None,
                due_at=moment or now,
            )
        ],
        actor=actor,
    )
    return order


def _why_nothing(request: AccessRequest) -> str:
    if request.renewals.running().exists():
        return "It was renewed."
    return "Nothing of it was left to remove: it is gone, or other requests explain it."
