"""Who reads bodies: in production, processes. Whichever is free takes the next, whoever sent it."""

import asyncio
from collections.abc import Callable
from concurrent.futures import BrokenExecutor, Executor

from apps.activity.conventions import otlp
from apps.activity.services.append import Ready
from apps.api.ingest.reading import body_read
from apps.api.ingest.senders import Sender


class Unread(Exception):
    """The process that read it ended; whether by this body or by another is not known."""


class Readers:
    """A pool of them; `make` makes it, and makes it anew where one of them was killed."""

    def __init__(self, make: Callable[[], Executor]) -> None:
        self._make = make
        self._pool = make()
        self.reading = 0

    def begin(self) -> None:
        """Have the first of them made before the first body comes."""
        self._pool.submit(int)

    async def read(
        self, path: str, body: bytes, kind: str, sender: Sender
    ) -> tuple[otlp.Decoded, Ready | None]:
        """As `body_read`. Raises `Unread` where its process ended."""
        loop, pool = asyncio.get_running_loop(), self._pool
        self.reading += 1
        try:
            return await loop.run_in_executor(pool, body_read, path, body, kind, sender)
        except BrokenExecutor as error:
            if self._pool is pool:
                self._pool = self._make()
            raise Unread from error
        finally:
            self.reading -= 1

    def end(self) -> None:
        self._pool.shutdown(wait=False, cancel_futures=True)
