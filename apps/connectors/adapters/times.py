"""Times as files write them."""

from datetime import UTC, datetime
from typing import Any


def moment(value: Any) -> datetime | None:
    """Read an ISO 8601 time; without a zone it is UTC. Nothing gives None, nonsense ValueError."""
    if value in (None, ""):
        return None
    read = datetime.fromisoformat(str(value))
    return read if read.tzinfo else read.replace(tzinfo=UTC)
