"""How much of what comes in is held at once, so that memory is bounded however many send."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Bytes of bodies, packed and unpacked, from their first byte to their commit. Read and made ready,
# one takes several times its size.
MOST_HELD = 64 * 1024 * 1024


class Full(Exception):
    """More waits already than can be kept soon: come again later."""


class Room:
    def __init__(self) -> None:
        self.held = 0

    @contextmanager
    def share(self) -> Iterator[Callable[[int], None]]:
        """What one request takes of it, given back when it is answered. Taking raises `Full`."""
        mine = 0

        def take(size: int) -> None:
            nonlocal mine
            if self.held + size > MOST_HELD:
                raise Full
            self.held += size
            mine += size

        try:
            yield take
        finally:
            self.held -= mine
