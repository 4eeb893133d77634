"""What agents without OpenTelemetry send: records of one run, named as Countersign names them."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from msgspec.structs import replace

from apps.activity.conventions.bounds import TRUNCATED, fitted, moment
from apps.activity.conventions.envelopes import is_deep
from apps.activity.conventions.spans import Source, Unreadable
from apps.activity.conventions.unforeseen import Odd, as_it_came
from apps.activity.readings import Reading
from apps.activity.states import Kind

MOMENT = r"^\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d{1,9})?([Zz]|[+-]\d{2}:\d{2})$"
WORDS = ("told", "instructions", "decided", "did", "result", "outcome", "anomaly")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def root_span(correlation: str) -> str:
    """The span of the run itself; what names no parent hangs below it."""
    return _span(correlation, "")


def readings_of(
    correlation: str, records: Iterable[Mapping[str, Any]], *, agent: str = ""
) -> list[Reading]:
    """One reading for each. Raises `Unreadable` with the place of what cannot be meant."""
    readings, odd = [], Odd()
    for at, one in enumerate(records):
        try:
            readings.append(_reading(correlation, at, one, agent))
        except Unreadable:
            raise
        except Exception as error:  # noqa: BLE001 - told of without what was sent
            odd.note(error)
            readings.append(_as_it_came(correlation, one, agent, odd))
    odd.tell()
    return readings


def _as_it_came(correlation: str, record: Mapping[str, Any], agent: str, odd: Odd) -> Reading:
    reading = as_it_came(record, dict, Source(), odd)
    return replace(
        reading,
        name=str(record.get("name") or reading.name),
        trace_id=correlation,
        parent_id=root_span(correlation),
        claimed_agent=agent,
    )


def _reading(correlation: str, at: int, record: Mapping[str, Any], agent: str) -> Reading:
    is_run = record["kind"] == Kind.INVOCATION
    name, parent = record.get("id"), record.get("parent")
    if name:
        span = _span(correlation, name)
    else:
        span = root_span(correlation) if is_run and not parent else ""
    above = _span(correlation, parent) if parent else "" if is_run else root_span(correlation)
    started = _nanoseconds(record["started_at"], f"records.{at}.started_at")
    ended = record.get("ended_at")
    body = {word: record[word] for word in WORDS if record.get(word) is not None}
    if is_deep(body):
        raise Unreadable(f"records.{at} is nested too deeply.")
    return Reading(
        record["kind"],
        record["name"],
        started,
        _nanoseconds(ended, f"records.{at}.ended_at") if ended else started,
        trace_id=correlation,
        span_id=span,
        parent_id=above,
        request_id=record.get("request_id") or "",
        target=record.get("target") or "",
        level=record.get("level") or "",
        outcome=record.get("status") or "",
        severity=record.get("severity") or 0,
        claimed_agent=agent,
        conversation=record.get("conversation") or "",
        system=record.get("system") or "",
        warnings=(TRUNCATED,) if fitted(body) else (),
        body=body,
    )


def _span(correlation: str, name: str) -> str:
    """The agent's own names may be anything; spans have 16 hexadecimal digits."""
    return hashlib.sha256(f"{correlation} {name}".encode()).hexdigest()[:16]


def _nanoseconds(said: str, place: str) -> int:
    """To the nanosecond, which a `datetime` would cut."""
    stamp = said.upper().replace("Z", "+00:00")
    fraction = re.search(r"\.(\d+)", stamp)
    whole = stamp.replace(fraction[0], "") if fraction else stamp
    try:
        since = datetime.fromisoformat(whole) - EPOCH
    except (ValueError, OverflowError) as error:
        raise Unreadable(f"{place} is no time that there can be.") from error
    if since.days < 0:
        raise Unreadable(f"{place} lies before 1970.")
    seconds = since.days * 86_400 + since.seconds
    told = seconds * 10**9 + int(fraction[1].ljust(9, "0") if fraction else 0)
    if moment(told) != told:
        raise Unreadable(f"{place} lies too far ahead.")
    return told
