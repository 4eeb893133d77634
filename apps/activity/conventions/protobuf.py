"""OTLP as protobuf, some records at a time.

The two outer layers are walked by hand, and neighbours are parsed together. Where one of them is
broken each is parsed alone, so that it is refused by itself; and a body of a million empty ones
never lies in memory as a million objects.
"""

import base64
import math
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from google.protobuf.message import DecodeError
from msgspec import Struct
from opentelemetry.proto.common.v1.common_pb2 import InstrumentationScope

from apps.activity.conventions import wire as sent
from apps.activity.conventions.spans import (
    DEEPEST,
    MOST_ATTRIBUTES,
    MOST_EVENTS,
    MOST_RECORDS,
    TOGETHER,
    TOO_DEEP,
    Log,
    Refused,
    Source,
    Span,
    Unreadable,
    is_unsampled,
    left_out,
)

# Some fields stand beside the records; far fewer than there are records.
MOST_MEMBERS = MOST_RECORDS + 1000
LARGEST_RECORD = 4 * 1024 * 1024
# No more bytes of neighbours are parsed together.
LARGEST_TOGETHER = 256 * 1024
NO_TRACE, NO_SPAN = bytes(16), bytes(8)
NOT_OTLP = "This is not an OTLP body: it breaks off or is not protobuf."


class Record(Struct, gc=False):
    """One record of a scope, and where it lies in it; what it says, if its neighbours are valid."""

    scoped: memoryview
    start: int
    end: int
    wire: Any = None

    @property
    def raw(self) -> memoryview:
        return self.scoped[self.start : self.end]


def spans(body: bytes) -> Iterator[tuple[Source, list[Record]]]:
    """All spans in order, some neighbours at a time with what they share."""
    return _records(body, lambda some: sent.ScopeSpans.FromString(some).spans)


def logs(body: bytes) -> Iterator[tuple[Source, list[Record]]]:
    """All log records, as `spans`."""
    return _records(body, lambda some: sent.ScopeLogs.FromString(some).log_records)


def _records(
    body: bytes, parsed: Callable[[bytes], Sequence[Any]]
) -> Iterator[tuple[Source, list[Record]]]:
    for group in _parts(memoryview(body), 1):
        resource = _resource(group)
        for scoped in _parts(group, 2):
            source, begin = Source(resource, _scope(scoped)), 0
            for places in _neighbours(scoped):
                end = places[-1][1]
                wires = _together(scoped[begin:end], len(places), parsed)
                told = zip(places, wires, strict=True)
                yield source, [Record(scoped, start, stop, wire) for (start, stop), wire in told]
                begin = end


def _neighbours(scoped: memoryview) -> Iterator[list[tuple[int, int]]]:
    """Where the records of a scope lie, some at a time; a large one by itself."""
    some: list[tuple[int, int]] = []
    begin = 0
    for place in _places(scoped, 2):
        if some and place[1] - begin > LARGEST_TOGETHER:
            yield some
            begin, some = some[-1][1], []
        some.append(place)
        if len(some) == TOGETHER:
            yield some
            begin, some = place[1], []
    if some:
        yield some


def _together(
    some: memoryview, count: int, parsed: Callable[[bytes], Sequence[Any]]
) -> Sequence[Any]:
    """Neighbours parsed as one message; none of them where one is broken, to be told of alone."""
    if count > 1:
        try:
            wires = parsed(bytes(some))
        except DecodeError:
            pass
        else:
            if len(wires) == count:
                return wires
    return [None] * count


def span_of(record: Record) -> Span:
    wire = record.wire
    if wire is None:
        wire = _alone(record.raw, sent.Span, "A span")
    trace_id, span_id, parent = wire.trace_id, wire.span_id, wire.parent_span_id
    if len(trace_id) != 16 or len(span_id) != 8 or trace_id == NO_TRACE or span_id == NO_SPAN:
        raise Refused("A span has no valid trace id and span id.")
    pairs = wire.attributes
    attributes = _attributes(pairs)
    told = wire.events
    events = [(one.name, _attributes(one.attributes)) for one in told[:MOST_EVENTS]] if told else []
    status, code = "", 0
    if wire.HasField("status"):
        status, code = wire.status.message, wire.status.code
    beyond = len(pairs) - MOST_ATTRIBUTES
    dropped, state, flags = wire.dropped_attributes_count, wire.trace_state, wire.flags
    warnings: tuple[str, ...] = ()
    if dropped or state or beyond > 0 or told or wire.dropped_events_count or is_unsampled(flags):
        warnings = left_out(
            dropped + max(0, beyond),
            wire.dropped_events_count + max(0, len(told) - MOST_EVENTS),
            wire.dropped_links_count,
            state,
            flags,
        )
    return Span(
        trace_id.hex(),
        span_id.hex(),
        parent.hex() if len(parent) == 8 and parent != NO_SPAN else "",
        wire.name,
        wire.kind,
        wire.start_time_unix_nano,
        wire.end_time_unix_nano,
        code,
        status,
        attributes,
        events,
        record.end - record.start,
        warnings,
    )


def log_of(record: Record) -> Log:
    wire = record.wire
    if wire is None:
        wire = _alone(record.raw, sent.LogRecord, "A log record")
    trace_id, span_id = wire.trace_id, wire.span_id
    beyond = max(0, len(wire.attributes) - MOST_ATTRIBUTES)
    return Log(
        trace_id.hex() if len(trace_id) == 16 and any(trace_id) else "",
        span_id.hex() if len(span_id) == 8 and any(span_id) else "",
        wire.event_name,
        wire.time_unix_nano or wire.observed_time_unix_nano,
        wire.severity_number,
        _value(wire.body),
        _attributes(wire.attributes),
        record.end - record.start,
        left_out(wire.dropped_attributes_count + beyond, 0, 0, ""),
    )


def _alone(raw: memoryview, kind: Any, called: str) -> Any:
    if len(raw) > LARGEST_RECORD:
        raise Refused(f"{called} is larger than 4 MB.")
    try:
        return kind.FromString(bytes(raw))
    except DecodeError as error:
        raise Refused(f"{called} is not valid protobuf.") from error


def _attributes(told: Any) -> dict[str, Any]:
    """In the order of their names: as a map they have none."""
    attributes: dict[str, Any] = {}
    names = sorted(told)
    for name in names if len(names) <= MOST_ATTRIBUTES else names[:MOST_ATTRIBUTES]:
        value = told[name]
        attributes[name] = value.string_value or value.int_value or _value(value)
    return attributes


def _value(value: Any, depth: int = 0) -> Any:
    kind = value.WhichOneof("value")
    if kind not in {"array_value", "kvlist_value"}:
        plain: Any = getattr(value, kind) if kind else None
        if kind == "double_value":
            return plain if math.isfinite(plain) else str(plain)
        return base64.b64encode(plain).decode() if kind == "bytes_value" else plain
    if depth > DEEPEST:
        return TOO_DEEP
    if kind == "array_value":
        return [_value(one, depth + 1) for one in value.array_value.values]
    return {one.key: _value(one.value, depth + 1) for one in value.kvlist_value.values}


def _resource(group: memoryview) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for part in _parts(group, 1):
        try:
            found |= _attributes(sent.Resource.FromString(bytes(part)).attributes)
        except DecodeError as error:
            raise Unreadable(NOT_OTLP) from error
    return found


def _scope(scoped: memoryview) -> str:
    name = ""
    for part in _parts(scoped, 1):
        try:
            name = InstrumentationScope.FromString(bytes(part)).name
        except DecodeError as error:
            raise Unreadable(NOT_OTLP) from error
    return name


def _parts(data: memoryview, wanted: int) -> Iterator[memoryview]:
    """The length-delimited members of one field number; others are skipped."""
    return (data[start:end] for start, end in _places(data, wanted))


def _places(data: memoryview, wanted: int) -> Iterator[tuple[int, int]]:
    """Where those begin and end."""
    at, end, members = 0, len(data), 0
    while at < end:
        members += 1
        if members > MOST_MEMBERS:
            raise Unreadable(f"More than {MOST_RECORDS} records in one request; send fewer.")
        tag = data[at]
        if tag < 0x80:
            at += 1
        else:
            tag, at = _varint(data, at, end)
        kind = tag & 7
        if kind == 2:
            length, at = _varint(data, at, end)
            stop = at + length
            if stop > end:
                raise Unreadable(NOT_OTLP)
            if tag >> 3 == wanted:
                yield at, stop
            at = stop
        elif kind == 0:
            _, at = _varint(data, at, end)
        elif kind in {1, 5}:
            at += 8 if kind == 1 else 4
        else:
            raise Unreadable(NOT_OTLP)
        if tag < 8 or at > end:
            raise Unreadable(NOT_OTLP)


def _varint(data: memoryview, at: int, end: int) -> tuple[int, int]:
    value = shift = 0
    while at < end and shift < 64:
        byte = data[at]
        at += 1
        if byte < 0x80:
            return value | (byte << shift), at
        value |= (byte & 0x7F) << shift
        shift += 7
    raise Unreadable(NOT_OTLP)
