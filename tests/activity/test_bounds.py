"""However much a span says, what is kept of it has its bounds, and says where it was cut."""

import json

from apps.activity.conventions.otlp import JSON, read_traces
from tests.activity.making import as_body, reading, readings, span


def test_what_the_sender_left_out_is_a_warning():
    (one,) = readings(
        span("x") | {"droppedAttributesCount": 3, "droppedEventsCount": 1, "traceState": "ot=th:8"}
    )
    (whole,) = readings(span("x") | {"traceState": "ot=th:0,other=1"})

    assert one.warnings == (
        "3 attributes dropped by the sender",
        "1 events dropped by the sender",
        "sampled: other runs were not sent",
    )
    assert whole.warnings == ()


def test_a_payload_too_large_is_truncated_and_says_so():
    told = "word " * 200_000
    one = reading(
        "execute_tool x", gen_ai__operation__name="execute_tool", gen_ai__tool__call__result=told
    )

    assert len(json.dumps(one.body)) <= 256 * 1024
    assert one.body["result"]["size"] == len(told)
    assert one.body["result"]["begins"].startswith("word word")
    assert len(one.body["result"]["sha256"]) == 64
    assert "truncated: the payload was larger than 256 KB" in one.warnings


def test_a_payload_of_many_parts_too_large_is_truncated_as_well():
    one = reading("x", **{f"part.{at}": "y" * 400 for at in range(1900)})

    assert len(json.dumps(one.body)) <= 256 * 1024


def test_a_column_never_grows_and_holds_no_nul():
    one = reading(
        "n" * 5000,
        gen_ai__agent__name="a" * 5000,
        gen_ai__conversation__id="c\0c",
        aws__request_id="r" * 5000,
        gen_ai__tool__name=["a", "b"],
    )

    assert (len(one.name), len(one.claimed_agent), len(one.request_id)) == (200, 200, 128)
    assert "\0" not in one.conversation
    assert one.body["rest"]["gen_ai.agent.name"] == "a" * 5000


def test_a_time_that_no_date_can_hold_is_no_time():
    (one,) = readings(span("x") | {"startTimeUnixNano": str(2**64), "endTimeUnixNano": "soon"})

    assert (one.happened_at, one.ended_at) == (0, 0)


def test_nesting_without_end_is_cut():
    told = {"stringValue": "x"}
    for _ in range(200):
        told = {"arrayValue": {"values": [told]}}
    one = read_traces(
        as_body(span("x") | {"attributes": [{"key": "deep", "value": told}]}), JSON
    ).readings[0]

    assert "nested too deeply" in json.dumps(one.body)


def test_a_text_nested_without_end_stays_a_text():
    told = "[" * 500 + "]" * 500
    one = reading("t", gen_ai__operation__name="execute_tool", gen_ai__tool__call__arguments=told)

    assert one.body["did"]["arguments"] == told
