"""Times as files write them."""

from datetime import UTC, datetime
from typing import Any


def moment(value: Any) -> datetime | None:
    """Read an ISO 8601 time; without a zone it is UTC. Nothing gives None, nonsense ValueError."""
    if value in (None, ""):
        return None
    read = datetime.fromisoformat(str(value))
    if read.tzinfo is None:
        return read.replace(tzinfo=UTC)
    try:
        read.astimezone(UTC)
    except OverflowError as error:
        raise ValueError(f"{value!r} lies outside the calendar") from error
    return read
