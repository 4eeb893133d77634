"""What stands in the way of an order: tried again where that can heal it, else a person's."""

from datetime import timedelta

from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.links import public_url
from apps.notices.services import page_send
from apps.remediation.models import Order
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderKind, OrderState, StepStatus

MOST_ATTEMPTS = 8
LONGEST_WAIT = timedelta(minutes=5)
TROUBLE = ["attempts", "trouble", "wake_at"]


def put_off(order: Order, said: str, actor: Actor, *, after: float = 0.0) -> None:
    """Try again later, each time further off; after the eighth time a person must.

    `after` is how many seconds the provider asked to be left alone.
    """
    order.attempts += 1
    if order.attempts >= MOST_ATTEMPTS:
        give_up(order, f"{said} (tried {order.attempts} times)", actor)
        return
    order.trouble = said
    wait = timedelta(seconds=max(after, 2**order.attempts))
    order.wake_at = timezone.now() + min(LONGEST_WAIT, wait)
    if order.state == OrderState.EXECUTING:
        _move(order, OrderState.RETRYING, said, actor)
    else:
        order.save(update_fields=TROUBLE)


def give_up(order: Order, said: str, actor: Actor) -> None:
    """Leave the order to a person, with what the provider said. An undo is given up alone.

    Whoever carries it out by hand says so anew: what the connection did was not enough.
    """
    order.trouble = said
    if order.undo_asked_at is not None:
        _give_up_undo(order, said, actor)
        return
    order.wake_at = order.executed_at = order.executed_by = None
    if order.state == OrderState.EXECUTED:
        _move(order, OrderState.VERIFY_FAILED, said, actor)
    _move(order, OrderState.MANUAL_NEEDED, said, actor)
    if order.kind == OrderKind.KILL:
        _page(order, said, actor)


def _page(order: Order, said: str, actor: Actor) -> None:
    """A kill that a person has to finish waits for nobody to look by chance."""
    page_send(
        about=order,
        subject=f"Not killed: {order.label}",
        body=f"{said}\n\nThe commands to do it by hand: {public_url(order.get_absolute_url())}",
        severity="critical",
        team_id=None,
        dedupe_key=f"not-killed:{order.pk}",
        actor=actor,
    )


def _give_up_undo(order: Order, said: str, actor: Actor) -> None:
    """The order stands as before. What was taken back of it halfway is seen by looking anew; one
    that was verified is so no more, and is carried out anew."""
    asked_at = order.undo_asked_at
    order.undo_asked_at = order.undo_asked_by = None
    order.attempts, order.wake_at = 0, None
    halfway = order.steps.filter(status=StepStatus.UNDONE).exists()
    if order.state == OrderState.EXECUTED:
        if halfway:
            order.looked_at = None
        order.wake_at = timezone.now() if order.looked_at is None else order.watch_until
    if order.state == OrderState.VERIFIED and halfway:
        order.looked_at, order.wake_at = None, timezone.now()
    order.save(update_fields=[*TROUBLE, "undo_asked_at", "undo_asked_by", "looked_at"])
    if order.state == OrderState.VERIFIED and halfway:
        _move(order, OrderState.VERIFY_FAILED, f"Its undo failed halfway: {said}", actor)
    record(
        actor=actor,
        verb=Verb.ORDER_UNDO_FAILED,
        target=order,
        changes={"undo_asked_at": (asked_at and asked_at.isoformat(), None)},
        reason=said,
    )


def _move(order: Order, state: OrderState, said: str, actor: Actor) -> None:
    orders_move(
        orders=[order],
        state=state,
        actor=actor,
        reason=said,
        also=[*TROUBLE, "executed_at", "executed_by"],
    )
