"""Connections carry out what is awake: many orders side by side, each connection at its pace."""

import logging
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import batched
from threading import Lock

from django.db import OperationalError, transaction
from django.utils import timezone

from apps.connectors.adapters.live import Adapter
from apps.core.actors import Actor
from apps.remediation.models import Order
from apps.remediation.services.running import AskAll, orders_advance
from apps.remediation.services.troubles import give_up
from apps.remediation.services.turns import Turn, ask, ask_apart
from apps.remediation.states import OrderState

MOST_AT_ONCE = 2000
# So many rows are locked together while their systems are asked.
CHUNK = 50
SIDE_BY_SIDE = 4
AT_WORK = {
    OrderState.PLANNED,
    OrderState.EXECUTING,
    OrderState.RETRYING,
    OrderState.EXECUTED,
    OrderState.VERIFY_FAILED,
}

logger = logging.getLogger(__name__)


class _Pace:
    """Lets so many calls a second through, evenly; whoever comes early waits for their turn."""

    def __init__(self, calls_per_second: int):
        self._apart = 1 / calls_per_second
        self._next = 0.0
        self._lock = Lock()

    def __call__(self) -> None:
        with self._lock:
            now = time.monotonic()
            turn = max(now, self._next)
            self._next = turn + self._apart
        time.sleep(turn - now)


def orders_run_awake(*, actor: Actor) -> int:
    """Do what is due of every order that is awake. Returns how many were looked at.

    Safe to run beside itself: an order in another worker's hands is left to it.
    """
    awake = Order.objects.awake_at(timezone.now()).exclude(connection=None)
    pks = list(awake.values_list("pk", flat=True)[:MOST_AT_ONCE])
    adapters: dict[int, Adapter] = {}
    with _side_by_side() as ask_all:
        for chunk in batched(pks, CHUNK, strict=False):
            _advance(chunk, actor, adapters, ask_all)
    return len(pks)


def _advance(
    pks: Sequence[int], actor: Actor, adapters: dict[int, Adapter], ask_all: AskAll
) -> None:
    """One order that cannot be carried out stops no other: it goes to a person."""
    try:
        orders_advance(order_ids=pks, actor=actor, adapters=adapters, ask_all=ask_all)
    except OperationalError:
        raise
    except Exception as error:
        logger.exception("Orders %s could not be advanced.", pks)
        if len(pks) > 1:
            for pk in pks:
                _advance([pk], actor, adapters, ask_all)
        else:
            _set_aside(pks[0], f"Countersign failed at it ({type(error).__name__}).", actor)


@transaction.atomic
def _set_aside(pk: int, said: str, actor: Actor) -> None:
    order = Order.objects.locked(pk)
    if order.state in AT_WORK or order.undo_asked_at is not None:
        give_up(order, said, actor)


@contextmanager
def _side_by_side() -> Iterator[AskAll]:
    """Put several questions at once, and none faster than its connection may be asked."""
    paces: dict[int, _Pace] = {}

    def paced(question: tuple[Turn, Adapter]) -> None:
        turn, adapter = question
        connection = turn.order.connection
        assert connection is not None  # noqa: S101  (its adapter was made of it)
        paces[connection.pk]()
        ask_apart(turn, adapter)

    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="orders") as pool:

        def ask_all(questions: Sequence[tuple[Turn, Adapter]]) -> None:
            if len(questions) == 1:
                ask(*questions[0])
                return
            for turn, _ in questions:
                connection = turn.order.connection
                if connection is not None and connection.pk not in paces:
                    paces[connection.pk] = _Pace(connection.calls_per_second)
            list(pool.map(paced, questions))

        yield ask_all
