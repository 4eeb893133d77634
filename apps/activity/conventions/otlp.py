"""Read an OTLP body, protobuf or JSON, to readings; and write what is answered to it.

A body that is none raises `Unreadable`. A record that cannot be kept is counted, with the first
reason, for the partial success of the protocol; the others are kept. One that nobody foresaw is
kept as it came.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceResponse
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

from apps.activity.conventions import otlp_json, protobuf
from apps.activity.conventions.content import NOT_CAPTURED
from apps.activity.conventions.mapping import readings_of_logs, readings_of_spans
from apps.activity.conventions.spans import MOST_RECORDS, Refused, Source, Unreadable
from apps.activity.conventions.unforeseen import Odd, as_it_came
from apps.activity.readings import Reading

# Some at a time, in order, with what they share.
type Neighbours = Iterator[tuple[Source, Sequence[Any]]]

PROTOBUF = "application/x-protobuf"
JSON = "application/json"

__all__ = ["JSON", "PROTOBUF", "Decoded", "Unreadable", "answer", "read_logs", "read_traces"]


@dataclass(slots=True)
class Decoded:
    readings: list[Reading] = field(default_factory=list)
    rejected: int = 0
    message: str = ""

    def reject(self, count: int, why: str) -> None:
        self.rejected += count
        if count and not self.message:
            self.message = why


def read_traces(body: bytes, content_type: str) -> Decoded:
    """Map every span. Nested invocations of one agent by one name count once."""
    if content_type == JSON:
        records = otlp_json.records(body, "resourceSpans", "scopeSpans", "spans")
        decoded = _decoded(records, otlp_json.span_of, readings_of_spans, body)
    else:
        decoded = _decoded(protobuf.spans(body), protobuf.span_of, readings_of_spans, body)
    _join_doubles(decoded.readings)
    return decoded


def read_logs(body: bytes, content_type: str) -> Decoded:
    if content_type == JSON:
        records = otlp_json.records(body, "resourceLogs", "scopeLogs", "logRecords")
        return _decoded(records, otlp_json.log_of, readings_of_logs, body)
    return _decoded(protobuf.logs(body), protobuf.log_of, readings_of_logs, body)


def answer(decoded: Decoded, content_type: str, *, logs: bool = False) -> bytes:
    """The export response in the encoding of the request."""
    rejected = "rejected_log_records" if logs else "rejected_spans"
    if content_type == JSON:
        if not decoded.rejected:
            return b"{}"
        name = "rejectedLogRecords" if logs else "rejectedSpans"
        told = {name: str(decoded.rejected), "errorMessage": decoded.message}
        return orjson.dumps({"partialSuccess": told})
    response = ExportLogsServiceResponse() if logs else ExportTraceServiceResponse()
    if decoded.rejected:
        setattr(response.partial_success, rejected, decoded.rejected)
        response.partial_success.error_message = decoded.message
    return bytes(response.SerializeToString())


def _decoded(
    records: Neighbours,
    light: Callable[[Any], Any],
    mapped: Callable[[Sequence[Any], Source], list[Reading]],
    body: bytes,
) -> Decoded:
    decoded, odd = Decoded(), Odd()
    try:
        _decode(decoded, records, light, mapped, odd)
    except Unreadable:
        raise
    except Exception as error:  # noqa: BLE001 - told of without what was sent
        # Where its next record begins cannot be told: the body itself is kept as one.
        odd.note(error)
        decoded.readings.append(as_it_came(body, bytes, Source(), odd))
    odd.tell()
    return decoded


def _decode(
    decoded: Decoded,
    records: Neighbours,
    light: Callable[[Any], Any],
    mapped: Callable[[Sequence[Any], Source], list[Reading]],
    odd: Odd,
) -> None:
    count = 0
    for source, some in records:
        count += len(some)
        if count > MOST_RECORDS:
            raise Unreadable(f"More than {MOST_RECORDS} records in one request; send fewer.")
        try:
            decoded.readings += mapped([light(record) for record in some], source)
        except Exception:  # noqa: BLE001 - it comes again where each is read alone, and is told then
            for record in some:
                _decode_one(decoded, record, source, light=light, mapped=mapped, odd=odd)


def _decode_one(
    decoded: Decoded,
    record: Any,
    source: Source,
    *,
    light: Callable[[Any], Any],
    mapped: Callable[[Sequence[Any], Source], list[Reading]],
    odd: Odd,
) -> None:
    try:
        decoded.readings += mapped([light(record)], source)
    except Refused as refusal:
        decoded.reject(1, str(refusal))
    except Exception as error:  # noqa: BLE001 - told of without what was sent
        odd.note(error)
        decoded.readings.append(as_it_came(record, light, source, odd))


def _join_doubles(readings: list[Reading]) -> None:
    """Some instrumentation reports one run twice, nested; the inner is set apart as "other"."""
    runs = {(one.trace_id, one.span_id): one for one in readings if one.kind == "invocation"}
    for one in readings:
        if one.kind == "invocation" and one.claimed_agent:
            outer = runs.get((one.trace_id, one.parent_id))
            if outer is not None and outer.claimed_agent == one.claimed_agent:
                one.kind = "other"
                _not_missed(outer, one)


def _not_missed(outer: Reading, inner: Reading) -> None:
    """What the inner of the two says is not missing, though the outer does not say it."""
    missing = outer.body.pop("missing", [])
    still = [one for one in missing if one not in inner.body]
    if still:
        outer.body["missing"] = still
    elif missing:
        outer.warnings = tuple(one for one in outer.warnings if one != NOT_CAPTURED)
