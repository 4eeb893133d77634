"""What a span says of itself: that it failed, was refused by its gate, or was not sampled."""

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from apps.activity.conventions.otlp import PROTOBUF, read_traces
from tests.activity.making import reading, readings, span

TOOL = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "delete_order"}
GATE = "gen_ai.agent.tool"
RECEIPT = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
UNSAMPLED = "not sampled: what other processes did in this run may not have been sent"


@pytest.mark.parametrize(
    ("tier", "level"),
    [
        ("read", "read"),
        ("write", "write"),
        ("destructive", "write"),
        ("Provision", "write"),
        ("decommission", "write"),
        ("gold", ""),
    ],
)
def test_the_tier_of_a_tool_is_the_level_of_what_it_did(tier, level):
    one = reading("execute_tool", **TOOL, **{f"{GATE}.tier": tier})

    assert (one.kind, one.level) == ("action", level)
    assert one.body["rest"][f"{GATE}.tier"] == tier


def test_the_receipt_of_an_action_is_told_with_it():
    one = reading("execute_tool", **TOOL, **{"gen_ai.agent.action_ledger.receipt_hash": RECEIPT})

    assert one.body["did"]["receipt"] == RECEIPT


@pytest.mark.parametrize(
    ("disposition", "severity", "outcome"),
    [("deny", 3, "denied"), ("allow", 0, "ok"), ("simulate", 0, "ok")],
)
def test_an_action_that_its_gate_refused_was_denied(disposition, severity, outcome):
    one = reading("execute_tool", **TOOL, **{f"{GATE}.disposition": disposition})

    assert (one.kind, one.severity, one.outcome) == ("action", severity, outcome)


def test_a_bad_mark_on_an_answer_does_not_make_its_step_fail():
    one = reading(
        "chat",
        gen_ai__operation__name="chat",
        gen_ai__evaluation__score__label="fail",
    )

    assert (one.severity, one.outcome) == (2, "ok")


@pytest.mark.parametrize("operation", ["invoke_agent", "chat", "execute_tool", "brew"])
def test_a_span_that_ended_in_an_error_is_flagged(operation):
    told = span("x", gen_ai__operation__name=operation, error__type="TimeoutError")
    failed, fine = readings(told | {"status": {"code": 2, "message": "no answer"}}, span("y", at=2))

    assert (failed.outcome, failed.severity) == ("failed", 1)
    assert failed.body["anomaly"] == {"type": "TimeoutError", "severity": 1}
    assert (fine.severity, "anomaly" in fine.body) == (0, False)


def test_what_was_flagged_higher_stays_so_when_it_ends_in_an_error():
    told = span("x", **TOOL, **{"countersign.anomaly.type": "loop"})
    (one,) = readings(told | {"status": {"code": 2}})

    assert (one.severity, one.body["anomaly"]["type"]) == (2, "loop")


@pytest.mark.parametrize(
    ("flags", "warnings"),
    [
        # Nothing told, as by the exporter of Python; sampled; the random bit alone.
        (0, ()),
        (0x100, ()),
        (0x301, ()),
        (0x003, ()),
        (0x102, (UNSAMPLED,)),
    ],
)
def test_a_span_that_was_not_sampled_says_that_others_may_be_missing(flags, warnings):
    request = ExportTraceServiceRequest()
    request.resource_spans.add().scope_spans.add().spans.add(
        trace_id=b"t" * 16, span_id=b"s" * 8, name="x", flags=flags
    )
    (sent,) = read_traces(request.SerializeToString(), PROTOBUF).readings
    (as_json,) = readings(span("x") | {"flags": flags})

    assert sent.warnings == as_json.warnings == warnings
