"""Connections carry out what is awake: many orders side by side, each connection at its pace."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from threading import Lock

from django.db import connection as database
from django.utils import timezone

from apps.core.actors import Actor
from apps.remediation.models import Order
from apps.remediation.services.running import order_run

MOST_AT_ONCE = 2000
SIDE_BY_SIDE = 6


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
    rows = list(
        awake.values_list("pk", "connection", "connection__calls_per_second")[:MOST_AT_ONCE]
    )
    paces = {pk: _Pace(rate) for _, pk, rate in rows}
    work = [(pk, paces[connection_id]) for pk, connection_id, _ in rows]
    if len(work) <= 1:
        return _run(work, actor)
    shares = [work[at::SIDE_BY_SIDE] for at in range(SIDE_BY_SIDE)]
    with ThreadPoolExecutor(SIDE_BY_SIDE, thread_name_prefix="orders") as pool:
        return sum(pool.map(lambda share: _run_apart(share, actor), shares))


def _run(work: Sequence[tuple[int, Callable[[], None]]], actor: Actor) -> int:
    for pk, pace in work:
        order_run(order_id=pk, actor=actor, pace=pace)
    return len(work)


def _run_apart(work: Sequence[tuple[int, Callable[[], None]]], actor: Actor) -> int:
    """In a thread of its own, which has a database connection of its own to give back."""
    try:
        return _run(work, actor)
    finally:
        database.close()
