"""Values as logs write them: times, ids that were carried along, members that may not be there."""

import re
from datetime import datetime
from typing import Any

from apps.activity.conventions.bounds import moment, short

STAMP = re.compile(r"(\d{4}-\d\d-\d\d)[T ](\d\d:\d\d:\d\d)(?:[.,](\d{1,9})\d{0,9})?\s?(.{0,6})")
SECOND = 10**9
HEX = r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}"
ID = re.compile(rf"(?:cs-|cs:)?({HEX})", re.IGNORECASE)
TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}")
OURS = re.compile(rf"(?<![A-Za-z0-9])cs-({HEX})(?![0-9A-Fa-f-])", re.IGNORECASE)


def member(value: Any, *names: str) -> Any:
    """A member within members; None where there is none."""
    for name in names:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def text(value: Any, most: int = 200) -> str:
    """A text of it for a column; of a list, its first."""
    if isinstance(value, list):
        value = value[0] if value else ""
    return short(value, most)


def nanoseconds(value: Any) -> int:
    """From an ISO 8601 time, or a number of seconds, milli-, micro-, or nanoseconds; else 0."""
    if isinstance(value, str):
        found = STAMP.match(value[:60])
        return _stamped(found) if found else _counted(value[:30])
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _scaled(value)
    return 0


def carried(value: Any) -> str:
    """The id in a header that was carried along: ours, a UUID, or a W3C traceparent."""
    told = text(value).strip().lower()
    found = TRACEPARENT.fullmatch(told) or ID.fullmatch(told)
    return _id(found[1]) if found else ""


def marked(value: Any) -> str:
    """The id of ours within a text, where it stands as `cs-<32 hex>`."""
    found = OURS.search(text(value, 2000))
    return _id(found[1]) if found else ""


def _id(told: str) -> str:
    plain = told.lower().replace("-", "")
    return plain if plain.strip("0") else ""


def _stamped(found: re.Match[str]) -> int:
    zone = found[4].strip() or "Z"
    if zone == "Z" or zone.startswith(("+", "-")):
        try:
            at = datetime.fromisoformat(f"{found[1]}T{found[2]}{zone}")
        except ValueError:
            return 0
        return moment(int(at.timestamp()) * SECOND + int((found[3] or "").ljust(9, "0")))
    return 0


def _counted(told: str) -> int:
    try:
        return _scaled(float(told))
    except ValueError:
        return 0


def _scaled(number: float) -> int:
    if not 0 < number < 2**63:
        return 0
    for below, factor in ((10**11, SECOND), (10**14, 10**6), (10**17, 1000)):
        if number < below:
            whole = int(number)
            return moment(whole * factor + round((number - whole) * factor))
    return moment(int(number))
