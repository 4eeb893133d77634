"""OTLP as JSON: ids are hexadecimal, enumerations numbers, 64-bit numbers may be texts.

That is not the JSON of protobuf, whose ids would be base64, so it is read directly.
"""

import json
import math
from collections.abc import Callable, Iterator, Sequence
from itertools import batched
from typing import Any

import orjson

from apps.activity.conventions.spans import (
    DEEPEST,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    TOGETHER,
    TOO_DEEP,
    Log,
    Refused,
    Source,
    Span,
    Unreadable,
    left_out,
)
from apps.activity.conventions.unforeseen import plain

# A body of nothing but brackets would take fifty times its size in memory.
JUDGED_FROM = 1024 * 1024
MOST_BRACKETS = 1_000_000
HEXADECIMAL = frozenset("0123456789abcdef")
KINDS = {
    f"SPAN_KIND_{name}": at
    for at, name in enumerate(
        ("UNSPECIFIED", "INTERNAL", "SERVER", "CLIENT", "PRODUCER", "CONSUMER")
    )
}
STATUSES = {"STATUS_CODE_UNSET": 0, "STATUS_CODE_OK": 1, "STATUS_CODE_ERROR": 2}
LARGEST_TIME = 2**64
# A value takes some levels of the body for each of its own.
DEEPEST_BODY = 10 * DEEPEST


def records(
    body: bytes, groups: str, scopes: str, members: str
) -> Iterator[tuple[Source, Sequence[Any]]]:
    """All records in order, some neighbours at a time with what they share."""
    for group in _list(_loaded(body), groups):
        resource = _attributes(_member(group, "resource").get("attributes"))[0]
        for scoped in _list(group, scopes):
            source = Source(resource, _text(_member(scoped, "scope").get("name")))
            for some in batched(_list(scoped, members), TOGETHER):
                yield source, some


def span_of(record: Any) -> Span:
    if not isinstance(record, dict):
        raise Refused("A span is not an object.")
    get = record.get
    trace_id, span_id = _id(get("traceId"), 32), _id(get("spanId"), 16)
    if not trace_id or not span_id:
        raise Refused("A span has no valid trace id and span id.")
    attributes, beyond = _attributes(get("attributes"))
    told = get("events")
    told = told if isinstance(told, list) else []
    events = [
        (_text(one.get("name")), _attributes(one.get("attributes"))[0])
        for one in told[:MOST_EVENTS]
        if isinstance(one, dict)
    ]
    status = _member(record, "status")
    return Span(
        trace_id,
        span_id,
        _id(get("parentSpanId"), 16),
        _text(get("name")),
        _number(get("kind"), KINDS),
        _time(get("startTimeUnixNano")),
        _time(get("endTimeUnixNano")),
        _number(status.get("code"), STATUSES),
        _text(status.get("message")),
        attributes,
        events,
        0,
        left_out(
            _number(get("droppedAttributesCount")) + beyond,
            _number(get("droppedEventsCount")) + max(0, len(told) - MOST_EVENTS),
            _number(get("droppedLinksCount")),
            _text(get("traceState")),
            _number(get("flags")),
        ),
    )


def log_of(record: Any) -> Log:
    if not isinstance(record, dict):
        raise Refused("A log record is not an object.")
    get = record.get
    attributes, beyond = _attributes(get("attributes"))
    return Log(
        _id(get("traceId"), 32),
        _id(get("spanId"), 16),
        _text(get("eventName")),
        _time(get("timeUnixNano")) or _time(get("observedTimeUnixNano")),
        _number(get("severityNumber")),
        _value(get("body")),
        attributes,
        0,
        left_out(_number(get("droppedAttributesCount")) + beyond, 0, 0, ""),
    )


def _loaded(body: bytes) -> dict[str, Any]:
    if len(body) > JUDGED_FROM and body.count(b"{") + body.count(b"[") > MOST_BRACKETS:
        raise Unreadable("This body holds too many values; send smaller batches.")
    try:
        loaded = orjson.loads(body)
    except (orjson.JSONDecodeError, RecursionError) as error:
        loaded = _loaded_leniently(body, str(error)[:200])
    if not isinstance(loaded, dict):
        raise Unreadable("This is not an OTLP body: it is not an object.")
    return loaded


def _loaded_leniently(body: bytes, why: str) -> Any:
    """What some serialisers write though JSON has none: half a UTF-16 pair, NaN, other bytes.

    Each stands there as a mark, or as a text. Raises `Unreadable` where it is no JSON all the same.
    """
    try:
        return plain(json.loads(body.decode(errors="replace")), deepest=DEEPEST_BODY)
    except (ValueError, RecursionError) as error:
        raise Unreadable(f"This is not valid JSON: {why}.") from error


def _list(holder: Any, name: str) -> list[Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    if value is None:
        return []
    if not isinstance(value, list):
        raise Unreadable(f"This is not an OTLP body: {name} is not a list.")
    return value


def _member(holder: Any, name: str) -> dict[str, Any]:
    value = holder.get(name) if isinstance(holder, dict) else None
    return value if isinstance(value, dict) else {}


def _attributes(pairs: Any) -> tuple[dict[str, Any], int]:
    """Names with values, and how many were beyond what is kept."""
    attributes: dict[str, Any] = {}
    if not isinstance(pairs, list):
        return attributes, 0
    for pair in pairs[:MOST_ATTRIBUTES]:
        if isinstance(pair, dict):
            value = pair.get("value")
            text = value.get("stringValue") if isinstance(value, dict) else None
            attributes[_text(pair.get("key"))] = (
                text if text and isinstance(text, str) else _value(value)
            )
    return attributes, max(0, len(pairs) - MOST_ATTRIBUTES)


def _value(value: Any, depth: int = 0) -> Any:
    if not isinstance(value, dict) or not value:
        return None
    kind, inner = next(iter(value.items()))
    if kind in SCALARS:
        return SCALARS[kind](inner)
    if kind not in {"arrayValue", "kvlistValue"} or depth > DEEPEST:
        return TOO_DEEP if depth > DEEPEST else None
    values = inner.get("values") if isinstance(inner, dict) else None
    values = values if isinstance(values, list) else []
    if kind == "arrayValue":
        return [_value(one, depth + 1) for one in values]
    return {
        _text(one.get("key")): _value(one.get("value"), depth + 1)
        for one in values
        if isinstance(one, dict)
    }


def _integer(value: Any) -> Any:
    try:
        number = int(value)
    except (ValueError, TypeError, OverflowError):
        return str(value)[:100]
    return number if -(2**63) <= number < 2**63 else str(number)[:100]


def _double(value: Any) -> Any:
    if isinstance(value, str):
        told = {"Infinity": "inf", "-Infinity": "-inf", "NaN": "nan"}.get(value)
        if told:
            return told
    try:
        number = float(value)
    except (ValueError, TypeError, OverflowError):
        return str(value)[:100]
    return number if math.isfinite(number) else str(number)


def _number(value: Any, names: dict[str, int] | None = None) -> int:
    if isinstance(value, int):
        return value if 0 <= value < 2**32 else 0
    if isinstance(value, str):
        return (names or {}).get(value, 0)
    return 0


def _time(value: Any) -> int:
    """Nanoseconds; 0 where nothing of use was said."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 20:
        value = int(value)
    if isinstance(value, int) and 0 <= value < LARGEST_TIME:
        return int(value)
    return 0


def _id(value: Any, digits: int) -> str:
    """The id in lower case; empty where it is none, or all zeros."""
    if not isinstance(value, str) or len(value) != digits:
        return ""
    lowered = value.lower()
    return lowered if HEXADECIMAL.issuperset(lowered) and lowered.strip("0") else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


SCALARS: dict[str, Callable[[Any], Any]] = {
    "stringValue": _text,
    "bytesValue": _text,
    "intValue": _integer,
    "doubleValue": _double,
    "boolValue": bool,
}
