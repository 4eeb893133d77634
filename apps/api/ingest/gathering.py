"""Bodies that wait together are committed together; who sent one waits for its commit.

What arrives while one batch is written makes the next. A transaction costs as much as a hundred
records: one of few waits a moment where others are being read, and for nothing where none is.
"""

import asyncio
import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from django.db import DatabaseError, DataError, close_old_connections

from apps.activity.conventions.spans import Unreadable
from apps.activity.services.append import Ready, Receipt, ready_append, ready_append_but
from apps.api.ingest.room import Full

logger = logging.getLogger(__name__)
# A batch is closed with so many records; so many may wait in all.
MOST_IN_BATCH = 8_000
MOST_WAITING = 40_000
# With so many it waits for no other, nor for longer than so many seconds.
ENOUGH, HELD_BACK = 2_000, 0.1

type Waiting = tuple[Ready, asyncio.Future[Receipt]]


class Unkept(Exception):
    """The database did not take it: nothing of it was kept."""


class Gatherer:
    """One writer for each process. Of a batch that fails, each body is tried alone; of a body that
    the database refuses, each record."""

    def __init__(self, coming: Callable[[], int]) -> None:
        """`coming` says how many bodies are being read."""
        self._coming = coming
        self._queue: asyncio.Queue[Waiting] = asyncio.Queue()
        self._writer = ThreadPoolExecutor(max_workers=1, thread_name_prefix="trail")
        self._waiting = 0
        self._task: asyncio.Task[None] | None = None

    async def keep(self, delivery: Ready) -> Receipt:
        """Return once the delivery is committed: of how many records its receipt says.

        Raises `Full` and `Unkept`.
        """
        count = delivery.count
        if self._waiting and self._waiting + count > MOST_WAITING:
            raise Full
        if self._task is None or self._task.done():
            self._task = asyncio.get_running_loop().create_task(self._run())
        self._waiting += count
        try:
            told: asyncio.Future[Receipt] = asyncio.get_running_loop().create_future()
            self._queue.put_nowait((delivery, told))
            return await told
        finally:
            self._waiting -= count

    async def _run(self) -> None:
        while True:
            await self._write(await self._gathered(await self._queue.get()))

    async def _gathered(self, first: Waiting) -> list[Waiting]:
        """With whatever else waits; a little is held back for what will soon be ready."""
        batch, count = [first], first[0].count
        until = asyncio.get_running_loop().time() + HELD_BACK
        while count < MOST_IN_BATCH:
            if self._queue.empty() and (count >= ENOUGH or not self._coming()):
                break
            try:
                async with asyncio.timeout_at(until):
                    batch.append(await self._queue.get())
            except TimeoutError:
                break
            count += batch[-1][0].count
        return batch

    async def _write(
        self,
        batch: list[Waiting],
        append: Callable[[list[Ready]], list[Receipt]] = ready_append,
    ) -> None:
        try:
            receipts = await self._in_thread(append, [delivery for delivery, _ in batch])
        except DatabaseError as error:
            if len(batch) > 1:
                for one in batch:
                    await self._write([one])
                return
            final = isinstance(error, DataError)
            if final and append is ready_append:
                await self._write(batch, _append_but)
                return
            logger.exception("The trail could not be written.")
            # What it can never hold is the sender's fault, who need not come again.
            _refuse(batch, Unreadable("This cannot be kept.") if final else Unkept(str(error)))
            return
        except Exception as error:
            # Whoever waits hears of it, whatever it was: nobody waits for ever.
            logger.exception("The trail could not be written.")
            _refuse(batch, error)
            return
        for (_, told), receipt in zip(batch, receipts, strict=True):
            # Who hung up meanwhile hears nothing; what they sent is kept.
            if not told.done():
                told.set_result(receipt)

    async def _in_thread(
        self, append: Callable[[list[Ready]], list[Receipt]], deliveries: list[Ready]
    ) -> list[Receipt]:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, _connected, append, deliveries)


def _refuse(batch: list[Waiting], error: Exception) -> None:
    for _, told in batch:
        if not told.done():
            told.set_exception(error)


def _append_but(deliveries: list[Ready]) -> list[Receipt]:
    return [ready_append_but(one) for one in deliveries]


def _connected(
    append: Callable[[list[Ready]], list[Receipt]], deliveries: list[Ready]
) -> list[Receipt]:
    close_old_connections()
    try:
        return append(deliveries)
    finally:
        close_old_connections()
