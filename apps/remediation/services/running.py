"""A connection carries an order out: one act at a time, each in a transaction of its own.

The order's row is locked while the provider is asked, so no two workers ever act on one order. A
worker that dies loses the call's answer and nothing else: the order wakes up again, and a step
does twice what it does once.
"""

from collections.abc import Callable
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.connectors.adapters.live import Absent, Adapter, ProviderError, Unavailable, heals
from apps.connectors.adapters.removal import When
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import ALLOW
from apps.core.references import ReferenceRefused
from apps.inventory.services.credentials import credential_move
from apps.inventory.states import CredentialState
from apps.remediation.models import Order, OrderStep
from apps.remediation.services.looking import look, look_is_due
from apps.remediation.services.moves import orders_move
from apps.remediation.services.troubles import give_up, put_off
from apps.remediation.states import OrderState, StepStatus

type Pace = Callable[[], None]
type Act = Callable[[Order, Adapter, Actor], None]


def order_run(*, order_id: int, actor: Actor, pace: Pace | None = None) -> Order:
    """Do all that is due of an order now, and return it as it then is.

    Does nothing where another worker has it, where nothing is due, or where no connection carries
    it out. `pace` is called before each question to the provider, and may wait.
    """
    wait = pace or _at_once
    adapters: dict[int, Adapter] = {}
    while _act(order_id, actor, adapters, wait):
        pass
    return Order.objects.get(pk=order_id)


def _at_once() -> None:
    """One order never waits for others."""


@transaction.atomic
def _act(order_id: int, actor: Actor, adapters: dict[int, Adapter], pace: Pace) -> bool:
    order = Order.objects.taken(order_id)
    now = timezone.now()
    if order is None or order.connection is None or order.wake_at is None or order.wake_at > now:
        return False
    if order.state in {OrderState.PLANNED, OrderState.RETRYING, OrderState.VERIFY_FAILED}:
        _begin(order, actor, now)
        return True
    act = _due(order, now)
    if act is None:
        return False
    try:
        if order.pk not in adapters:
            adapters[order.pk] = adapter_of(order.connection)
        pace()
        act(order, adapters[order.pk], actor)
    except (ReferenceRefused, DomainError) as error:
        give_up(order, str(error), actor)
    except ProviderError as error:
        if heals(error):
            put_off(order, str(error), actor, after=error.retry_after)
        else:
            give_up(order, str(error), actor)
    return True


def _begin(order: Order, actor: Actor, now: datetime) -> None:
    if order.state == OrderState.VERIFY_FAILED:
        order.steps.exclude(status=StepStatus.WAITING).update(status=StepStatus.WAITING)
    order.begun_at = order.begun_at or now
    order.wake_at = now
    orders_move(
        orders=[order],
        state=OrderState.EXECUTING,
        actor=actor,
        reason=f"Carried out by the connection {order.connection}.",
        also=["begun_at", "wake_at"],
    )


def _due(order: Order, now: datetime) -> Act | None:
    """The one act that comes next; None where only time or a person brings the next."""
    if order.state == OrderState.EXECUTING:
        return _next_step if _waiting(order, When.NOW) else _executed
    if order.state in {OrderState.EXECUTED, OrderState.VERIFIED} and order.undo_asked_at:
        return _undo_next if _done(order) else _rolled_back
    if order.state != OrderState.EXECUTED:
        return None
    if look_is_due(order):
        return look
    if _waiting(order, When.LATER) and _is_final(order, now):
        return _next_step
    return None


def _is_final(order: Order, now: datetime) -> bool:
    """Whether the watch is over, or somebody else has confirmed that it was right."""
    return order.confirmed_at is not None or (
        order.watch_until is not None and order.watch_until <= now
    )


def _waiting(order: Order, when: When) -> OrderStep | None:
    return order.steps.filter(status=StepStatus.WAITING, when=when).order_by("position").first()


def _done(order: Order) -> OrderStep | None:
    return order.steps.filter(status=StepStatus.DONE).order_by("-position").first()


def _next_step(order: Order, adapter: Adapter, actor: Actor) -> None:
    step = _waiting(order, When.NOW) or _waiting(order, When.LATER)
    assert step is not None  # noqa: S101  (what made this the act that is due)
    step.begun_at, step.attempts = timezone.now(), step.attempts + 1
    try:
        outcome = adapter.run(step.op, step.arguments)
        step.said, step.undo = outcome.said, dict(outcome.undo)
    except Absent as error:
        # Counts only after a re-read: the look that follows is what proves it.
        step.said = f"Not found: {error.said}"
    except ProviderError as error:
        _keep_failure(step, error)
        raise
    step.status, step.done_at = StepStatus.DONE, timezone.now()
    step.save()
    order.attempts, order.trouble = 0, ""
    order.save(update_fields=["attempts", "trouble"])
    record(
        actor=actor,
        verb=Verb.ORDER_STEP_DONE,
        target=order,
        changes={"step": (None, step.title)},
        reason=step.said,
    )
    if order.state == OrderState.EXECUTING and not _waiting(order, When.NOW):
        _executed(order, adapter, actor)


def _keep_failure(step: OrderStep, error: ProviderError) -> None:
    step.said = str(error)
    step.save(update_fields=["said", "begun_at", "attempts"])


def _executed(order: Order, adapter: Adapter, actor: Actor) -> None:
    now = timezone.now()
    within = max(order.steps.filter(when=When.NOW).values_list("effective_seconds", flat=True))
    order.executed_at = now
    order.effective_by = now + timedelta(seconds=within)
    order.wake_at = now
    orders_move(
        orders=[order],
        state=OrderState.EXECUTED,
        actor=actor,
        reason="Every step that stops it was carried out.",
        also=["executed_at", "effective_by", "wake_at"],
    )
    credential = order.credential
    if credential is not None and credential.state == CredentialState.ACTIVE:
        credential_move(
            credential_id=credential.pk,
            state=CredentialState.SUSPENDED,
            reason=f"Order {order.pk}: {order.reason}",
            actor=actor,
            authority=ALLOW,
        )


def _undo_next(order: Order, adapter: Adapter, actor: Actor) -> None:
    step = _done(order)
    assert step is not None  # noqa: S101  (what made this the act that is due)
    try:
        outcome = adapter.undo(step.op, step.arguments, step.undo)
    except Absent as error:
        raise Unavailable(error.said, call=error.call) from error
    step.said, step.status, step.done_at = outcome.said, StepStatus.UNDONE, timezone.now()
    step.save(update_fields=["said", "status", "done_at"])
    record(
        actor=actor,
        verb=Verb.ORDER_STEP_UNDONE,
        target=order,
        changes={"step": (step.title, None)},
        reason=step.said,
    )


def _rolled_back(order: Order, adapter: Adapter, actor: Actor) -> None:
    order.wake_at = None
    orders_move(
        orders=[order],
        state=OrderState.ROLLED_BACK,
        actor=actor,
        reason=f"Undone: {order.undo_reason}",
        also=["wake_at"],
    )
    credential = order.credential
    if credential is not None and credential.state == CredentialState.SUSPENDED:
        credential_move(
            credential_id=credential.pk,
            state=CredentialState.ACTIVE,
            reason=f"Order {order.pk} was undone: {order.undo_reason}",
            actor=actor,
            authority=ALLOW,
        )
