"""Connections carry orders out: one act at a time, each in a transaction of its own.

The rows are locked while their systems are asked, so no two workers ever act on one order. A
worker that dies loses the answers and nothing else: the orders wake up again, and a step does
twice what it does once.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence

from django.db import transaction
from django.utils import timezone

from apps.connectors.adapters.live import Adapter
from apps.connectors.models import Connection
from apps.connectors.services.adapters import adapter_of
from apps.connectors.states import READS
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.remediation.models import Order, OrderStep
from apps.remediation.services.moves import orders_move
from apps.remediation.services.settling import settle, undone
from apps.remediation.services.turns import Next, Turn, ask, turn_of
from apps.remediation.states import OrderState, StepStatus
from apps.remediation.subjects import wanted_of

# Puts the questions of these turns, by whatever means; the answers are with the turns afterwards.
type AskAll = Callable[[Sequence[tuple[Turn, Adapter]]], None]


def order_run(*, order_id: int, actor: Actor) -> Order:
    """Do all that is due of an order now, and return it as it then is.

    Does nothing where another worker has it, where nothing is due, or where no connection carries
    it out.
    """
    orders_advance(order_ids=[order_id], actor=actor, adapters={}, ask_all=_one_by_one)
    return Order.objects.get(pk=order_id)


def orders_advance(
    *, order_ids: Collection[int], actor: Actor, adapters: dict[int, Adapter], ask_all: AskAll
) -> None:
    """Do all that is due of some orders. `adapters` are kept by their connection, and made once."""
    left = set(order_ids)
    while left:
        left = _act(left, actor, adapters, ask_all)


def _one_by_one(questions: Sequence[tuple[Turn, Adapter]]) -> None:
    for turn, adapter in questions:
        ask(turn, adapter)


@transaction.atomic
def _act(
    order_ids: Collection[int], actor: Actor, adapters: dict[int, Adapter], ask_all: AskAll
) -> set[int]:
    """Do the one thing that comes next for each of these orders. Returns those that did one."""
    turns = [turn for turn in _turns(order_ids) if turn.next is not None]
    _begin([turn for turn in turns if turn.next == Next.BEGIN], actor)
    undone([turn for turn in turns if turn.next == Next.UNDONE], actor)
    asking = [turn for turn in turns if turn.next in {Next.STEP, Next.LOOK, Next.UNDO}]
    _keep_wanted(asking)
    ask_all(_questions(asking, adapters))
    settle(asking, actor)
    return {turn.order.pk for turn in turns}


def _turns(order_ids: Collection[int]) -> list[Turn]:
    now = timezone.now()
    orders = list(Order.objects.taken(order_ids, now))
    steps: dict[int, list[OrderStep]] = defaultdict(list)
    for step in OrderStep.objects.filter(order__in=orders).order_by("order", "position"):
        steps[step.order_id].append(step)
    return [turn_of(order, steps[order.pk], now) for order in orders]


def _begin(turns: Sequence[Turn], actor: Actor) -> None:
    now = timezone.now()
    anew = [turn.order.pk for turn in turns if turn.order.state == OrderState.VERIFY_FAILED]
    if anew:
        OrderStep.objects.filter(order__in=anew).update(status=StepStatus.WAITING)
    for turn in turns:
        turn.order.begun_at = turn.order.begun_at or now
        turn.order.wake_at = now
    orders_move(
        orders=[turn.order for turn in turns],
        state=OrderState.EXECUTING,
        actor=actor,
        reason="Carried out by its connection.",
        also=["begun_at", "wake_at"],
    )


def _keep_wanted(turns: Sequence[Turn]) -> None:
    looking = [turn for turn in turns if turn.next == Next.LOOK]
    wanted = wanted_of([turn.order for turn in looking], as_ordered=True)
    for turn in looking:
        turn.wanted = wanted[turn.order.pk]


def _questions(turns: Sequence[Turn], adapters: dict[int, Adapter]) -> list[tuple[Turn, Adapter]]:
    """The turns that can be asked. Where a connection's secret is missing, that is the answer."""
    questions = []
    for turn in turns:
        connection = turn.order.connection
        assert connection is not None  # noqa: S101  (what `taken` has selected)
        if (reason := _may_not(turn, connection)) is not None:
            turn.answer = reason
            continue
        try:
            if connection.pk not in adapters:
                adapters[connection.pk] = adapter_of(connection)
        except DomainError as error:
            turn.answer = error
        else:
            questions.append((turn, adapters[connection.pk]))
    return questions


def _may_not(turn: Turn, connection: Connection) -> DomainError | None:
    """Why a connection does nothing for an order that it was given, when it still might."""
    if connection.state not in READS:
        return DomainError(f"The connection {connection} was retired meanwhile.")
    if turn.next != Next.LOOK and not connection.removes:
        return DomainError(f"The connection {connection} may no longer remove anything.")
    return None
