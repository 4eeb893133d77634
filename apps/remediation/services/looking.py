"""Nothing is removed until it is seen to be removed: orders are looked at in their systems."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import How, Seen, Sighting
from apps.connectors.adapters.removal import When
from apps.core.actors import Actor
from apps.core.rows import rows_write
from apps.remediation.models import Order, OrderProof
from apps.remediation.services.effects import order_take_effect
from apps.remediation.services.moves import orders_move
from apps.remediation.services.turns import Turn
from apps.remediation.states import UNDO_FOR, OrderKind, OrderState, ProofKind

# Systems are consistent only after a while: a look that still shows it is repeated until then.
LOOK_AGAIN = timedelta(seconds=5)
PATIENCE = timedelta(minutes=2)
MOST_FAILED_LOOKS = 3
KILL_FINAL_AFTER = timedelta(days=1)

SEEN = ("stopped_at", "stopped_how", "looked_at", "attempts", "trouble", "wake_at")
HOW = {
    How.RE_READ: "The configuration was read anew",
    How.REFUSED: "It was tried, and refused",
    How.WORKED: "It was tried, and worked",
    How.NO_USE: "No use in the log",
}


def looked(sightings: Sequence[tuple[Turn, Sighting]], actor: Actor) -> None:
    """Keep what was seen as proof. What no longer works is watched, or verified at once; what
    still does is looked at again, and in the end carried out anew."""
    now = timezone.now()
    gone = [(turn, sighting) for turn, sighting in sightings if _is_enough(turn, sighting)]
    for turn, sighting in gone:
        order = turn.order
        order.looked_at, order.stopped_how = now, told(sighting, now)
        order.stopped_at = order.stopped_at if order.is_stopped else now
        order.attempts, order.trouble = 0, ""
    OrderProof.objects.bulk_create(_proof(turn.order, actor) for turn, _ in gone)
    _watch([turn.order for turn, _ in gone if turn.waiting(When.LATER)], actor, now)
    _verified([turn.order for turn, _ in gone if not turn.waiting(When.LATER)], actor, now)
    for turn, sighting in sightings:
        if not _is_enough(turn, sighting):
            _still_there(turn.order, sighting, actor, now)


def _is_enough(turn: Turn, sighting: Sighting) -> bool:
    """Disabled is enough while deleting is still to come. Once that was done, only absence is, or
    what holds it back for good."""
    was_made_final = any(step.when == When.LATER for step in turn.steps)
    if was_made_final and not turn.waiting(When.LATER):
        return sighting.seen == Seen.ABSENT or sighting.stays
    return sighting.seen != Seen.LIVE


def _watch(orders: Sequence[Order], actor: Actor, now: datetime) -> None:
    """What can be undone stands for a while, before it is made final."""
    for order in orders:
        if order.watch_until is None:
            is_kill = order.kind == OrderKind.KILL
            order.watch_until = now + (KILL_FINAL_AFTER if is_kill else UNDO_FOR)
        order.wake_at = now if order.confirmed_at else order.watch_until
    rows_write(orders, ["watch_until", *SEEN])
    record_many(
        actor=actor,
        verb=Verb.ORDER_STOPPED,
        facts=[
            Fact(order, {"stopped_at": (None, now.isoformat())}, order.stopped_how)
            for order in orders
        ],
    )


def _verified(orders: Sequence[Order], actor: Actor, now: datetime) -> None:
    for order in orders:
        order.verified_at, order.verified_how, order.wake_at = now, order.stopped_how, None
    orders_move(
        orders=orders,
        state=OrderState.VERIFIED,
        actor=actor,
        reason="It was seen to be gone.",
        also=["verified_at", "verified_how", *SEEN],
    )
    for order in orders:
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
    _failed(order, OrderState.VERIFY_FAILED, actor)
    if order.wake_at is None:
        order.executed_at = order.executed_by = None
        _failed(order, OrderState.MANUAL_NEEDED, actor)


def _failed(order: Order, state: OrderState, actor: Actor) -> None:
    orders_move(
        orders=[order],
        state=state,
        actor=actor,
        reason=order.trouble,
        also=["attempts", "trouble", "wake_at", "executed_at", "executed_by"],
    )


def _proof(order: Order, actor: Actor) -> OrderProof:
    return OrderProof(
        order=order,
        kind=ProofKind.SEEN,
        text=order.stopped_how,
        given_by_label=str(actor)[:150],
    )


def told(sighting: Sighting, now: datetime) -> str:
    """A sighting in a sentence: how it was looked, when, and what the system said."""
    text = f"{HOW[sighting.how]} at {now:%Y-%m-%d %H:%M:%S} UTC: {sighting.seen}. {sighting.said}"
    if sighting.complete_until is None:
        return text
    return f"{text} The log is complete until {sighting.complete_until:%Y-%m-%d %H:%M} UTC."
