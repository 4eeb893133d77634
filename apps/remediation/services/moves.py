"""The one place where an order's state changes."""

from collections.abc import Iterable, Sequence

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.rows import rows_write
from apps.remediation.models import Order
from apps.remediation.states import ORDER_MOVES, OrderState


def orders_move(
    *,
    orders: Sequence[Order],
    state: OrderState,
    actor: Actor,
    reason: str,
    also: Iterable[str] = (),
) -> None:
    """Move locked or new orders to one state and record each move.

    `also` names further fields that the caller changed on them. Call inside a transaction.
    Raises `IllegalTransition` before anything is written.
    """
    before = {order.pk: order.state for order in orders}
    for order in orders:
        ORDER_MOVES.check(order.state, state)
    for order in orders:
        order.state = state
    rows_write(orders, ["state", *also])
    record_many(
        actor=actor,
        verb=_VERBS.get(state, Verb.ORDER_MOVED),
        facts=(Fact(order, {"state": (before[order.pk], state)}, reason) for order in orders),
    )


# Each move has a verb of its own where two happen in one transaction: a verb is recorded once
# per record and transaction.
_VERBS = {
    OrderState.SCHEDULED: Verb.ORDER_SCHEDULED,
    OrderState.EXECUTING: Verb.ORDER_BEGUN,
    OrderState.RETRYING: Verb.ORDER_PUT_OFF,
    OrderState.EXECUTED: Verb.ORDER_EXECUTED,
    OrderState.PLANNED: Verb.ORDER_PLANNED,
    OrderState.MANUAL_NEEDED: Verb.ORDER_HANDED_OVER,
    OrderState.NOT_APPLICABLE: Verb.ORDER_DROPPED,
    OrderState.CONFIRMED: Verb.ORDER_CONFIRMED,
    OrderState.VERIFIED: Verb.ORDER_VERIFIED,
    OrderState.VERIFY_FAILED: Verb.ORDER_REOPENED,
    OrderState.EXCEPTION: Verb.ORDER_EXCEPTED,
    OrderState.ROLLED_BACK: Verb.ORDER_WITHDRAWN,
}
