"""Nothing is removed until it is seen to be removed: an order is looked at in its system."""

from datetime import datetime, timedelta

from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Adapter, How, Seen, Sighting
from apps.connectors.adapters.removal import When
from apps.core.actors import Actor
from apps.remediation.models import Order, OrderProof
from apps.remediation.services.effects import order_take_effect
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderKind, OrderState, ProofKind, StepStatus
from apps.remediation.subjects import wanted_of

# Systems are consistent only after a while: a look that still shows it is repeated until then.
LOOK_AGAIN = timedelta(seconds=5)
PATIENCE = timedelta(minutes=2)
MOST_FAILED_LOOKS = 3
KILL_FINAL_AFTER = timedelta(days=1)
WATCHED_FOR = timedelta(days=7)

SEEN = ("stopped_at", "stopped_how", "looked_at", "attempts", "trouble")
HOW = {
    How.RE_READ: "The configuration was read anew",
    How.REFUSED: "It was tried, and refused",
    How.WORKED: "It was tried, and worked",
    How.NO_USE: "No use in the log",
}


def look_is_due(order: Order) -> bool:
    """Whether what was done last has not been seen to work yet."""
    if order.looked_at is None:
        return True
    return bool(order.steps.filter(status=StepStatus.DONE, done_at__gt=order.looked_at).exists())


def look(order: Order, adapter: Adapter, actor: Actor) -> None:
    """Look whether an order's subject still works, and keep what was seen as proof."""
    sighting = adapter.verify(wanted_of([order])[order.pk])
    now = timezone.now()
    final = order.steps.filter(when=When.LATER)
    waits = final.filter(status=StepStatus.WAITING).exists()
    is_enough = {Seen.DISABLED, Seen.ABSENT} if waits or not final.exists() else {Seen.ABSENT}
    if sighting.seen not in is_enough:
        _still_there(order, sighting, actor, now)
        return
    _keep(order, sighting, actor)
    order.looked_at, order.stopped_how = now, _told(sighting, now)
    order.stopped_at = order.stopped_at or now
    order.attempts, order.trouble = 0, ""
    if waits:
        _watch(order, actor, now)
    else:
        _verified(order, actor, now)


def _watch(order: Order, actor: Actor, now: datetime) -> None:
    """What can be undone stands for a while, before it is made final."""
    if order.watch_until is None:
        is_kill = order.kind == OrderKind.KILL
        order.watch_until = now + (KILL_FINAL_AFTER if is_kill else WATCHED_FOR)
    order.wake_at = now if order.confirmed_at else order.watch_until
    order.save(
        update_fields=[
            "watch_until",
            "wake_at",
            *SEEN,
        ]
    )
    record(
        actor=actor,
        verb=Verb.ORDER_STOPPED,
        target=order,
        changes={"stopped_at": (None, now.isoformat())},
        reason=order.stopped_how,
    )


def _verified(order: Order, actor: Actor, now: datetime) -> None:
    order.verified_at, order.verified_how, order.wake_at = now, order.stopped_how, None
    orders_move(
        orders=[order],
        state=OrderState.VERIFIED,
        actor=actor,
        reason=order.verified_how,
        also=[
            "verified_at",
            "verified_how",
            "wake_at",
            *SEEN,
        ],
    )
    order_take_effect(order=order, actor=actor)


def _still_there(order: Order, sighting: Sighting, actor: Actor, now: datetime) -> None:
    """Look again while it may still spread; then it has failed, and is carried out anew."""
    order.trouble = f"It still works: {sighting.said}"
    due = (order.effective_by or now) + PATIENCE
    if now < due:
        order.wake_at = now + LOOK_AGAIN
        order.save(update_fields=["trouble", "wake_at"])
        return
    order.attempts += 1
    order.wake_at = None if order.attempts >= MOST_FAILED_LOOKS else now + LOOK_AGAIN
    also = ["attempts", "trouble", "wake_at"]
    orders_move(
        orders=[order],
        state=OrderState.VERIFY_FAILED,
        actor=actor,
        reason=order.trouble,
        also=also,
    )
    if order.wake_at is None:
        orders_move(
            orders=[order],
            state=OrderState.MANUAL_NEEDED,
            actor=actor,
            reason=order.trouble,
            also=also,
        )


def _keep(order: Order, sighting: Sighting, actor: Actor) -> None:
    OrderProof.objects.create(
        order=order,
        kind=ProofKind.SEEN,
        text=_told(sighting, timezone.now()),
        given_by_label=str(actor)[:150],
    )


def _told(sighting: Sighting, now: datetime) -> str:
    told = f"{HOW[sighting.how]} at {now:%Y-%m-%d %H:%M:%S} UTC: {sighting.seen}. {sighting.said}"
    if sighting.complete_until is None:
        return told
    return f"{told} The log is complete until {sighting.complete_until:%Y-%m-%d %H:%M} UTC."
