"""Bodies that real agents sent say what they were told, decided, did, and how it ended."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import asdict
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)

from apps.activity.conventions.otlp import (
    JSON,
    PROTOBUF,
    Decoded,
    Unreadable,
    answer,
    read_logs,
    read_traces,
)
from apps.activity.conventions.tables import EVENTS, KNOWN
from tests.activity.data import body
from tests.activity.making import as_body, as_json, event, protobuf, protobuf_logs, span

BODIES = ("pydantic_ai", "langgraph_oi", "openai_agents_oi", "strands")
CALL = {"name": "lookup_order", "arguments": {"order_id": "A1"}}


def of_kind(name, kind):
    return [one for one in read_traces(body(name), PROTOBUF).readings if one.kind == kind]


@pytest.mark.parametrize("name", ["pydantic_ai", "langgraph_oi", "strands"])
def test_an_invocation_says_what_it_was_told_and_how_it_ended(name):
    (run,) = of_kind(name, "invocation")

    assert run.name == run.claimed_agent == "refund-agent"
    assert run.body["told"] == "refund order A1"
    assert run.body["outcome"].strip() == "Refunded A1"
    assert (run.parent_id, run.outcome, run.warnings) == ("", "ok", ())


@pytest.mark.parametrize("name", BODIES)
def test_the_first_step_says_what_it_decided_and_the_last_how_it_ended(name):
    first, *_, last = [
        one for one in of_kind(name, "step") if one.name in {"chat", "FM", "generation"}
    ]

    assert first.body["told"].startswith("refund")
    (call,) = first.body["decided"]["calls"]
    assert CALL.items() <= call.items()
    assert last.body["outcome"] == "Refunded A1"
    assert "decided" not in last.body


def test_reasoning_is_a_decision():
    assert of_kind("pydantic_ai", "step")[0].body["decided"]["reasoning"] == "need refund lookup"


@pytest.mark.parametrize("name", ["pydantic_ai", "langgraph_oi", "strands"])
def test_the_instructions_are_told_apart(name):
    step = next(one for one in of_kind(name, "step") if "instructions" in one.body)

    assert step.body["instructions"] == "be careful"


@pytest.mark.parametrize("name", BODIES)
def test_an_action_says_what_was_done_and_what_came_of_it(name):
    (action,) = of_kind(name, "action")

    assert action.name == "lookup_order"
    assert action.body["did"]["tool"] == "lookup_order"
    # LangGraph's tool span has the bare argument; the structured one stands in the decision, by id.
    assert action.body["did"]["arguments"] in ({"order_id": "A1"}, "A1")
    assert action.body["result"] == "order A1 $20"
    assert action.warnings == ()


@pytest.mark.parametrize("name", ["pydantic_ai", "langgraph_oi", "strands"])
def test_an_action_carries_the_id_of_the_call_that_was_decided(name):
    (action,) = of_kind(name, "action")
    decided = [
        one.body["decided"]["calls"][0] for one in of_kind(name, "step") if "decided" in one.body
    ]

    assert action.body["did"]["id"] in [one["id"] for one in decided]


def test_an_invocation_without_content_says_so():
    for run in of_kind("openai_agents_oi", "invocation"):
        assert run.body["missing"] == ["told", "outcome"]
        assert run.warnings == ("content not captured",)


def test_who_it_claims_to_be_and_its_run_and_conversation_are_kept():
    pydantic = of_kind("pydantic_ai", "action")[0]
    strands = of_kind("strands", "action")[0]
    langgraph = of_kind("langgraph_oi", "action")[0]

    assert pydantic.run == "01a20a46-f400-703f-9587-69309b7f56f1"
    assert pydantic.conversation == "01a20a46-f400-703f-9587-69314586c407"
    assert (strands.claimed_id, strands.conversation) == ("7", "s-1")
    assert (langgraph.claimed_agent, langgraph.conversation) == ("refund-agent", "s-1")


@pytest.mark.parametrize("name", BODIES)
def test_everything_that_was_said_is_kept(name):
    """Every text of a body stands somewhere in its readings."""
    sent = json.loads(as_json(body(name)))
    for scoped in sent["resourceSpans"][0]["scopeSpans"]:
        for one, kept in zip(
            scoped["spans"], read_traces(body(name), PROTOBUF).readings, strict=True
        ):
            held = json.dumps(asdict(kept), ensure_ascii=False)
            for pair in one["attributes"]:
                text = pair["value"].get("stringValue", "")
                if pair["key"] in kept.body["rest"] or pair["key"].endswith(".role") or not text:
                    continue
                parts = json.loads(text) if text[:1] in "[{" else text
                for leaf in leaves(parts):
                    assert json.dumps(leaf, ensure_ascii=False)[1:-1] in held, pair["key"]


def leaves(told):
    if isinstance(told, dict):
        return [
            leaf
            for name, one in told.items()
            if name not in {"type", "role"}
            for leaf in leaves(one)
        ]
    if isinstance(told, list):
        return [leaf for one in told for leaf in leaves(one)]
    return [str(told)]


def test_attributes_stand_by_name_and_the_last_of_one_name_counts():
    request = ExportTraceServiceRequest()
    one = (
        request.resource_spans.add()
        .scope_spans.add()
        .spans.add(trace_id=b"t" * 16, span_id=b"s" * 8, name="anything")
    )
    names = [f"example.{number}" for number in range(40)]
    for name in reversed([*names, "example.7"]):
        one.attributes.add(key=name).value.string_value = f"{name} {len(one.attributes)}"
    one.attributes.add(key="example.nothing")

    (reading,) = read_traces(request.SerializeToString(), PROTOBUF).readings

    rest = reading.body["rest"]
    assert list(rest) == sorted([*names, "example.nothing"])
    assert (rest["example.7"], rest["example.nothing"]) == ("example.7 33", None)


@pytest.mark.parametrize("name", BODIES)
def test_json_and_protobuf_say_the_same(name):
    assert read_traces(as_json(body(name)), JSON) == read_traces(body(name), PROTOBUF)


def test_a_span_without_an_id_is_refused_alone():
    bad = span("bad") | {"spanId": "0" * 16}

    for told, content_type in (
        (as_body(span("good"), bad, span("good too", 2)), JSON),
        (protobuf(span("good"), bad, span("good too", 2)), PROTOBUF),
    ):
        decoded = read_traces(told, content_type)

        assert [one.name for one in decoded.readings] == ["good", "good too"]
        assert decoded.rejected == 1
        assert decoded.message == "A span has no valid trace id and span id."


@pytest.mark.parametrize("bad", [0, 63, 64, 149])
def test_of_many_spans_the_refused_one_alone_is_missing_and_the_others_stand_in_order(bad):
    sent = [span(f"span {at}", at + 1) for at in range(150)]
    sent[bad] |= {"traceId": "0" * 32}

    for told, content_type in ((as_body(*sent), JSON), (protobuf(*sent), PROTOBUF)):
        decoded = read_traces(told, content_type)

        names = [f"span {at}" for at in range(150) if at != bad]
        assert [one.name for one in decoded.readings] == names
        assert decoded.rejected == 1


def test_the_answer_says_what_was_refused_in_the_encoding_of_the_request():
    refused = Decoded([], 2, "A span is not an object.")

    told = ExportTraceServiceResponse.FromString(answer(refused, PROTOBUF))
    assert told.partial_success.rejected_spans == 2
    assert told.partial_success.error_message == "A span is not an object."
    assert json.loads(answer(refused, JSON))["partialSuccess"]["rejectedSpans"] == "2"
    assert answer(Decoded(), JSON) == b"{}"
    assert answer(Decoded(), PROTOBUF) == b""
    assert "rejectedLogRecords" in answer(refused, JSON, logs=True).decode()


@pytest.mark.parametrize(
    ("told", "content_type"),
    [
        (b"{", JSON),
        (b"[]", JSON),
        (b"\xff\xff", JSON),
        (b'{"resourceSpans": {}}', JSON),
        (b"[" * 100_000, JSON),
        (b'{"resourceSpans": [' + b"[]," * 1_100_000 + b"[]]}", JSON),
        (b"\x0a\xff", PROTOBUF),
        (b"\x0f", PROTOBUF),
        (b"not protobuf", PROTOBUF),
    ],
)
def test_what_is_no_body_is_refused_with_a_reason(told, content_type):
    with pytest.raises(Unreadable) as refusal:
        read_traces(told, content_type)

    assert str(refusal.value).endswith(".")


def test_more_records_than_a_request_may_hold_are_refused(monkeypatch):
    monkeypatch.setattr("apps.activity.conventions.otlp.MOST_RECORDS", 2)

    with pytest.raises(Unreadable):
        read_traces(as_body(*(span(at=at) for at in range(1, 4))), JSON)


def test_a_log_without_a_trace_is_kept():
    (one,) = protobuf_logs("the agent was restarted")

    assert (one.kind, one.trace_id) == ("other", "")
    assert one.body["rest"]["body"] == "the agent was restarted"


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=400))
def test_noise_is_read_or_refused_and_nothing_else(noise):
    for content_type in (PROTOBUF, JSON):
        for read in (read_traces, read_logs):
            try:
                read(noise, content_type)
            except Unreadable:
                continue


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(BODIES), st.data())
def test_a_body_that_was_changed_is_read_or_refused_and_nothing_else(name, data):
    for told, content_type in ((body(name), PROTOBUF), (as_json(body(name)), JSON)):
        changed = bytearray(told)
        for _ in range(data.draw(st.integers(1, 8))):
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at] = data.draw(st.integers(0, 255))
        for read in (read_traces, read_logs):
            try:
                decoded = read(bytes(changed), content_type)
            except Unreadable:
                continue
            for one in decoded.readings:
                json.dumps(one.body, allow_nan=False)


WORDS = st.sampled_from(
    [
        "role",
        "content",
        "parts",
        "type",
        "tool_calls",
        "function",
        "name",
        "arguments",
        "text",
        "data",
        "kwargs",
        "message",
        "messages",
        "thinking",
        "reasoning",
        "toolUse",
        "toolResult",
        "output",
        "result",
        "user",
        "assistant",
        "tool",
        "tool_call",
        "id",
        "reasoningContent",
        "message_content",
        "generations",
        "update",
    ]
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=20)
    | WORDS
)
ANYTHING = st.recursive(
    SCALARS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(WORDS, inner, max_size=4),
    max_leaves=20,
)
FLAT = ["llm.input_messages.0.message.role", "gen_ai.prompt.0.content", "gen_ai.prompt.0"]


@settings(max_examples=300, deadline=None)
@given(
    st.dictionaries(
        st.sampled_from(sorted(KNOWN) + FLAT), ANYTHING | ANYTHING.map(json.dumps), max_size=8
    ),
    st.sampled_from(["invoke_agent", "chat", "execute_tool", "retrieval", ["chat"], None]),
    st.sampled_from(sorted(EVENTS)),
    ANYTHING | ANYTHING.map(json.dumps),
)
def test_any_value_of_any_known_attribute_becomes_a_reading(attributes, operation, name, content):
    attributes |= {"gen_ai.operation.name": operation} if operation else {}
    told = span("any", **attributes) | {"events": [event(name, content=content)]}

    (one,) = read_traces(as_body(told), JSON).readings

    json.dumps(one.body, allow_nan=False)
    assert len(one.name) <= 200
