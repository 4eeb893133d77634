"""One order's turn: what comes next for it, the question that puts to its system, the answer."""

import logging
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from typing import Any

from django.db import DatabaseError
from django.db import connection as database

from apps.connectors.adapters.live import (
    Absent,
    Adapter,
    How,
    Outcome,
    ProviderError,
    Seen,
    Sighting,
    Unavailable,
)
from apps.connectors.adapters.removal import Wanted, When
from apps.core.errors import DomainError
from apps.remediation.models import Order, OrderStep
from apps.remediation.states import OrderKind, OrderState, StepStatus

logger = logging.getLogger(__name__)


class Next(Enum):
    BEGIN = "begin"
    STEP = "step"
    LOOK = "look"
    UNDO = "undo"
    UNDONE = "undone"


@dataclass(slots=True)
class Turn:
    """An order in hand, locked, with its steps. `answer` is what its system said, or the error
    that kept it from saying anything."""

    order: Order
    steps: list[OrderStep]
    wanted: Wanted | None = None
    next: Next | None = None
    step: OrderStep | None = None
    answer: Outcome | Sighting | Exception | None = field(default=None, repr=False)

    def waiting(self, when: When) -> list[OrderStep]:
        return [
            step for step in self.steps if step.status == StepStatus.WAITING and step.when == when
        ]

    @property
    def done(self) -> list[OrderStep]:
        return [step for step in self.steps if step.status == StepStatus.DONE]

    @property
    def failed(self) -> ProviderError | DomainError | None:
        is_failure = isinstance(self.answer, ProviderError | DomainError)
        return self.answer if is_failure else None  # type: ignore[return-value]


def turn_of(order: Order, steps: list[OrderStep], now: datetime) -> Turn:
    """What comes next for an order; nothing where only time or a person brings the next."""
    turn = Turn(order, steps)
    if order.state in {OrderState.PLANNED, OrderState.RETRYING, OrderState.VERIFY_FAILED}:
        turn.next = Next.BEGIN
    elif order.state == OrderState.EXECUTING:
        turn.next, turn.step = Next.STEP, turn.waiting(When.NOW)[0]
    elif order.undo_asked_at is not None:
        turn.next, turn.step = (Next.UNDO, turn.done[-1]) if turn.done else (Next.UNDONE, None)
    elif order.state == OrderState.EXECUTED:
        _after(turn, now)
    return turn


def _after(turn: Turn, now: datetime) -> None:
    """Once it was carried out: look whether it worked; then, when that is due, make it final."""
    if _was_not_looked_at(turn):
        turn.next = Next.LOOK
    elif (final := turn.waiting(When.LATER)) and _is_final(turn.order, now):
        turn.next, turn.step = Next.STEP, final[0]


def _was_not_looked_at(turn: Turn) -> bool:
    looked_at = turn.order.looked_at
    return looked_at is None or any(
        step.done_at is not None and step.done_at > looked_at for step in turn.done
    )


def _is_final(order: Order, now: datetime) -> bool:
    """Whether the watch is over, or somebody else has confirmed that it was right."""
    return order.confirmed_at is not None or (
        order.watch_until is not None and order.watch_until <= now
    )


def ask(turn: Turn, adapter: Adapter) -> None:
    """Put a turn's question to its system, and keep the answer with the turn."""
    try:
        turn.answer = _answer(turn, adapter)
    except (ProviderError, DomainError) as error:
        turn.answer = error
    except DatabaseError:
        raise
    except Exception as error:
        # An answer nobody foresaw is this order's trouble, and no other's. Its words are not
        # kept: they may hold anything.
        logger.exception("Order %s: an adapter failed at %s.", turn.order.pk, turn.next)
        turn.answer = Unavailable(
            f"Countersign could not read the answer ({type(error).__name__})."
        )


def ask_apart(turn: Turn, adapter: Adapter) -> None:
    """The same in a thread of its own, which must leave no database connection behind."""
    try:
        ask(turn, adapter)
    finally:
        database.close()


def _answer(turn: Turn, adapter: Adapter) -> Any:
    if turn.next == Next.LOOK and turn.order.kind == OrderKind.TAKE_BACK:
        return _looked_by_doing(turn.steps, adapter)
    if turn.next == Next.LOOK:
        assert turn.wanted is not None  # noqa: S101  (an order of a connection is about something)
        return adapter.verify(turn.wanted)
    step = turn.step
    assert step is not None  # noqa: S101  (what made this turn's next)
    if turn.next == Next.UNDO:
        return _undone(step, adapter)
    try:
        return adapter.run(step.op, step.arguments)
    except Absent as error:
        # Counts only after a re-read: the look that follows is what proves it.
        return Outcome(f"Not found: {error.said}")


def _looked_by_doing(steps: list[OrderStep], adapter: Adapter) -> Sighting:
    """Each step once more: where all of them find nothing left to do, it is gone."""
    left = []
    for step in steps:
        try:
            outcome = adapter.run(step.op, step.arguments)
        except Absent:
            continue
        if outcome.changed:
            left.append(step.title)
    if left:
        return Sighting(Seen.LIVE, How.RE_READ, f"It was there again: {'; '.join(left)}")
    return Sighting(Seen.ABSENT, How.RE_READ, f"Nothing of {len(steps)} steps was left to do.")


def _undone(step: OrderStep, adapter: Adapter) -> Outcome:
    try:
        return adapter.undo(step.op, step.arguments, step.undo)
    except Absent as error:
        raise Unavailable(error.said, call=error.call) from error
