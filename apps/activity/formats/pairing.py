"""Some logs tell one call in several records, as it begins and as it ends: one reading of them."""

from collections.abc import Callable, Iterator
from typing import Any

from apps.activity.conventions.unforeseen import Odd
from apps.activity.formats.lines import Bad, Read, read_one
from apps.activity.readings import Reading

# Calls that wait for their end at any one time; beyond, the oldest is told as it stands.
MOST_WAITING = 5_000


def completed(
    found: Iterator[tuple[int, dict[str, Any]] | Bad],
    read: Read,
    *,
    call_of: Callable[[dict[str, Any]], str],
    is_end: Callable[[dict[str, Any]], bool],
) -> Iterator[Reading | Bad]:
    """Tell the end of each call, and its beginning only where no end follows."""
    waiting: dict[str, Reading | Bad] = {}
    odd = Odd()
    for one in found:
        if isinstance(one, Bad):
            yield one
            continue
        number, record = one
        call = call_of(record)
        reading = read_one(number, record, read, odd)
        if not call or isinstance(reading, Bad):
            yield reading
        elif is_end(record):
            waiting.pop(call, None)
            yield reading
        else:
            waiting[call] = reading
            if len(waiting) > MOST_WAITING:
                yield waiting.pop(next(iter(waiting)))
    yield from waiting.values()
    odd.tell()
