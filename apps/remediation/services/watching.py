"""What was ended is watched: a use after that is the worst news there is, and pages somebody."""

from collections.abc import Sized
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Greatest
from django.utils import timezone

from apps.activity.models import EventRow, UseHour
from apps.activity.states import Outcome
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Adapter, Call, Capability, How, ProviderError
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.links import public_url
from apps.core.references import ReferenceRefused
from apps.notices.services import page_send
from apps.remediation.models import Order, OrderProof
from apps.remediation.services.looking import HOW
from apps.remediation.services.moves import orders_move
from apps.remediation.states import GRACE, OrderState, ProofKind
from apps.remediation.subjects import subject_of

HOUR = timedelta(hours=1)
# Of whose present end no use is told yet: as `Order.is_used_after` says of one.
UNTOLD = Q(used_after_at__isnull=True) | Q(used_after_at__lt=F("effective_by"))
WATCHED_FOR = timedelta(days=30)
LOOKED_AT_EVERY = timedelta(minutes=15)
MOST_AT_ONCE = 200
MOST_CALLS = 500
# A log that is silent for less long says little.
WORTH_TELLING = timedelta(hours=1)
# Ends that a use which worked belies.
ENDED = (OrderState.EXECUTED, OrderState.VERIFIED, OrderState.CONFIRMED)


@dataclass(frozen=True, slots=True)
class _Use:
    order_id: int
    at: datetime
    how: str
    worked: bool


def orders_watch(*, actor: Actor) -> int:
    """Look for uses of what was ended: in what was read of it, in the systems' own logs, and in
    those of the trail.

    Returns how many were found. One that worked reopens its order; a refused one tells that
    somebody still holds it. Each order tells the first after its end, and each that worked after
    that; where it was ended anew, it tells so anew.
    """
    now = timezone.now()
    uses: dict[int, _Use] = {}
    for use in [*_by_log(now), *_by_trail(), *_by_last_use(now)]:
        if use.order_id not in uses or use.worked:
            uses[use.order_id] = use
    return sum(_note(use, actor) for use in uses.values())


def _by_last_use(now: datetime) -> list[_Use]:
    rows = Order.objects.watched_at(now - WATCHED_FOR).filter(
        UNTOLD, credential__last_used_at__gt=F("effective_by") + GRACE
    )
    how = "Its source tells a last use after it was ended."
    first = rows.order_by("stopped_at", "pk")
    used = first.values_list("pk", "credential__last_used_at")[:MOST_AT_ONCE]
    return [_Use(pk, at, how, worked=True) for pk, at in used if at is not None]


def _by_trail() -> list[_Use]:
    """Calls of the logs that are here, whichever way they came in and however late.

    However long ago it was ended, too: a log may be brought in at any time. An order that told of
    a use already tells only what worked after that. Each order is looked up in an index.
    """
    told_until = Greatest(OuterRef("effective_by") + GRACE, OuterRef("used_after_at"))
    after = UseHour.objects.filter(
        credential_id=OuterRef("credential_id"),
        hour__gt=OuterRef("effective_by") - HOUR,
        last_at__gt=told_until,
    )
    used = Order.objects.seen_dead().filter(Exists(after.worked()) | (Q(Exists(after)) & UNTOLD))
    found = (_told_by_trail(order) for order in used.order_by("stopped_at", "pk")[:MOST_AT_ONCE])
    return [use for use in found if use is not None]


def _told_by_trail(order: Order) -> _Use | None:
    if order.effective_by is None or order.credential_id is None:
        return None
    rows = (
        EventRow.objects.of_trail()
        .calls()
        .used_with(
            order.credential_id,
            max(order.effective_by + GRACE, order.used_after_at or order.effective_by),
        )
    )
    rows = rows.order_by("happened_at", "leaf_index")
    calls = list(rows[:MOST_CALLS])
    worked = [one for one in calls if one.outcome not in {Outcome.DENIED, Outcome.FAILED}]
    if len(calls) >= MOST_CALLS and not worked:
        worked = list(rows.worked()[:1])
    if not calls or (order.is_used_after and not worked):
        return None
    first = (worked or calls)[0]
    how = "worked" if worked else f"was refused ({first.get_outcome_display().lower()})"
    told = (
        f"The trail holds {_many(calls)} since; {first.name} from"
        f" {first.address or 'an address not told'} {how}."
    )
    return _Use(order.pk, first.happened_at, told, worked=bool(worked))


def _many(calls: Sized) -> str:
    if len(calls) >= MOST_CALLS:
        return f"{MOST_CALLS} calls or more"
    return "1 call" if len(calls) == 1 else f"{len(calls)} calls"


def _by_log(now: datetime) -> list[_Use]:
    due = Order.objects.watched_at(now - WATCHED_FOR).unwatched_since(now - LOOKED_AT_EVERY)
    found = []
    for order in due.select_related("connection", "credential__identity__system")[:MOST_AT_ONCE]:
        calls, complete_until = _logged(order, now)
        Order.objects.filter(pk=order.pk).update(watched_at=now)
        if calls and (not order.is_used_after or any(not call.error for call in calls)):
            found.append(_told(order, calls))
        elif not calls and complete_until is not None:
            _keep_silence(order, complete_until)
    return found


def _keep_silence(order: Order, complete_until: datetime) -> None:
    """That a log which is complete tells of no use is proof as well; it is kept once."""
    since = order.effective_by
    if since is None or complete_until < since + WORTH_TELLING:
        return
    said = HOW[How.NO_USE]
    if order.proofs.filter(text__startswith=said).exists():
        return
    OrderProof.objects.create(
        order=order,
        kind=ProofKind.SEEN,
        text=f"{said} since {since:%Y-%m-%d %H:%M} UTC. It is complete until"
        f" {complete_until:%Y-%m-%d %H:%M} UTC.",
        given_by_label="remediation.watch_orders",
    )


def _told(order: Order, calls: list[Call]) -> _Use:
    worked = [call for call in calls if not call.error]
    first = (worked or calls)[0]
    what = f"{first.service} {first.name} from {first.address or 'an address not told'}"
    how = "worked" if worked else f"was refused ({first.error})"
    told = f"The log holds {_many(calls)} since; {what} {how}."
    return _Use(order.pk, first.at, told, worked=bool(worked))


def _logged(order: Order, now: datetime) -> tuple[list[Call], datetime | None]:
    """Calls after it should have been dead, and until when the log is complete. Neither where it
    cannot be had now."""
    if order.connection is None or order.effective_by is None or order.credential is None:
        return [], None
    try:
        adapter: Adapter = adapter_of(order.connection)
        if Capability.LOG not in adapter.capabilities:
            return [], None
        since = max(order.effective_by + GRACE, order.used_after_at or order.effective_by)
        calls = list(adapter.calls(subject_of(order.credential), since=since))
        return calls, adapter.log_complete_until(now)
    except (ProviderError, ReferenceRefused, DomainError):
        return [], None


@transaction.atomic
def _note(use: _Use, actor: Actor) -> int:
    order = Order.objects.locked(use.order_id)
    was, ended = order.used_after_at, order.effective_by
    if ended is None or use.at <= ended:
        return 0  # it was ended anew since it was looked at
    if was is not None and order.is_used_after and not (use.worked and use.at > was):
        return 0
    order.used_after_at, order.used_after_how = use.at, use.how
    fields = ["used_after_at", "used_after_how"]
    if use.worked and order.state in ENDED:
        _reopen(order, fields, actor)
    else:
        order.save(update_fields=fields)
    record(
        actor=actor,
        verb=Verb.ORDER_USED_AFTER,
        target=order,
        changes={"used_after_at": (was and was.isoformat(), use.at.isoformat())},
        reason=use.how,
    )
    worked = "worked" if use.worked else "refused"
    page_send(
        about=order,
        subject=f"Used after revocation: {order.label}",
        body=f"{use.how}\n\n{public_url(order.get_absolute_url())}",
        severity="critical",
        team_id=None,
        dedupe_key=f"used-after:{order.pk}:{ended:%Y%m%dT%H%M%S}:{worked}",
        actor=actor,
    )
    enqueue("findings.recheck")
    return 1


def _reopen(order: Order, fields: list[str], actor: Actor) -> None:
    """A connection carries it out anew. What a person did, a person looks at, and does anew."""
    is_by_hand = order.connection_id is None or order.executed_by_id is not None
    order.wake_at = None if is_by_hand else timezone.now()
    if is_by_hand:
        order.executed_at = order.executed_by = None
    order.looked_at, order.attempts = None, 0
    orders_move(
        orders=[order],
        state=OrderState.VERIFY_FAILED,
        actor=actor,
        reason=f"It was used after it was ended. {order.used_after_how}",
        also=[*fields, "wake_at", "looked_at", "attempts", "executed_at", "executed_by"],
    )
    if not is_by_hand:
        enqueue("remediation.run_order", order_id=order.pk)
