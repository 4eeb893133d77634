"""OTLP bodies for tests: from plain values, and from protobuf to the JSON of OTLP."""

import json
from typing import Any

from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.activity.conventions.otlp import PROTOBUF, read_logs, read_traces
from apps.activity.readings import Reading

TRACE = "9e7c57447799c7786c13b4e234748309"


def value(told: Any) -> dict[str, Any]:
    if isinstance(told, bool):
        return {"boolValue": told}
    if isinstance(told, int):
        return {"intValue": str(told)}
    if isinstance(told, float):
        return {"doubleValue": told}
    if isinstance(told, list):
        return {"arrayValue": {"values": [value(one) for one in told]}}
    if isinstance(told, dict):
        return {"kvlistValue": {"values": pairs(told)}}
    return {"stringValue": told}


def pairs(told: dict[str, Any]) -> list[dict[str, Any]]:
    return [{"key": name, "value": value(one)} for name, one in told.items()]


def span(name: str = "", at: int = 1, **attributes: Any) -> dict[str, Any]:
    """Names of attributes are given with `__` for a dot."""
    return {
        "traceId": TRACE,
        "spanId": f"{at:016x}",
        "name": name,
        "startTimeUnixNano": "1795468751888922637",
        "endTimeUnixNano": "1795468751889922637",
        "attributes": pairs(dotted(attributes)),
    }


def dotted(attributes: dict[str, Any]) -> dict[str, Any]:
    return {name.replace("__", "."): one for name, one in attributes.items()}


def event(name: str, **attributes: Any) -> dict[str, Any]:
    return {"name": name, "attributes": pairs(dotted(attributes))}


def as_body(*spans: dict[str, Any], scope: str = "test") -> bytes:
    scoped = {"scope": {"name": scope}, "spans": list(spans)}
    return json.dumps({"resourceSpans": [{"resource": {}, "scopeSpans": [scoped]}]}).encode()


def readings(*spans: dict[str, Any], scope: str = "test") -> list[Reading]:
    return read_traces(as_body(*spans, scope=scope), "application/json").readings


def reading(name: str = "", *, scope: str = "test", **attributes: Any) -> Reading:
    (one,) = readings(span(name, **attributes), scope=scope)
    return one


def log(name: str, body: Any = None, **attributes: Any) -> Reading:
    record = {
        "timeUnixNano": "1795468751888922637",
        "traceId": TRACE,
        "spanId": f"{1:016x}",
        "eventName": name,
        "attributes": pairs(dotted(attributes)),
    } | ({} if body is None else {"body": value(body)})
    told = {"resourceLogs": [{"scopeLogs": [{"logRecords": [record]}]}]}
    (one,) = read_logs(json.dumps(told).encode(), "application/json").readings
    return one


def as_json(body: bytes) -> bytes:
    """The JSON that an exporter of OTLP would have sent instead of this protobuf."""
    told = ExportTraceServiceRequest.FromString(body)
    return json.dumps(
        {
            "resourceSpans": [
                {
                    "resource": {"attributes": _pairs(group.resource.attributes)},
                    "scopeSpans": [
                        {
                            "scope": {"name": scoped.scope.name},
                            "spans": [_span(one) for one in scoped.spans],
                        }
                        for scoped in group.scope_spans
                    ],
                }
                for group in told.resource_spans
            ]
        }
    ).encode()


def _span(one: Any) -> dict[str, Any]:
    return {
        "traceId": one.trace_id.hex(),
        "spanId": one.span_id.hex().upper(),
        "parentSpanId": one.parent_span_id.hex(),
        "name": one.name,
        "kind": one.kind,
        "startTimeUnixNano": str(one.start_time_unix_nano),
        "endTimeUnixNano": one.end_time_unix_nano,
        "status": {"code": one.status.code, "message": one.status.message},
        "attributes": _pairs(one.attributes),
        "events": [
            {"name": event.name, "attributes": _pairs(event.attributes)} for event in one.events
        ],
        "droppedAttributesCount": one.dropped_attributes_count,
    }


def _pairs(told: Any) -> list[dict[str, Any]]:
    return [{"key": one.key, "value": _value(one.value)} for one in told]


def _value(one: Any) -> dict[str, Any]:
    kind = one.WhichOneof("value")
    names = {
        "string_value": "stringValue",
        "bool_value": "boolValue",
        "double_value": "doubleValue",
    }
    if kind == "int_value":
        return {"intValue": str(one.int_value)}
    if kind == "array_value":
        return {"arrayValue": {"values": [_value(each) for each in one.array_value.values]}}
    return {names[kind]: getattr(one, kind)}


def protobuf(*spans: dict[str, Any]) -> bytes:
    """A protobuf body of spans with ids, names, and text attributes only."""
    request = ExportTraceServiceRequest()
    scoped = request.resource_spans.add().scope_spans.add()
    for told in spans:
        one = scoped.spans.add(
            trace_id=bytes.fromhex(told["traceId"]),
            span_id=bytes.fromhex(told["spanId"]),
            name=told["name"],
        )
        for pair in told["attributes"]:
            one.attributes.add(key=pair["key"]).value.string_value = pair["value"]["stringValue"]
    return bytes(request.SerializeToString())


def protobuf_logs(text: str) -> list[Reading]:
    request = ExportLogsServiceRequest()
    record = request.resource_logs.add().scope_logs.add().log_records.add()
    record.body.string_value = text
    return read_logs(request.SerializeToString(), PROTOBUF).readings
