"""One record that nobody foresaw costs no other its place, and is kept as it came."""

import json

import pytest

from apps.activity.conventions import mapping, native, otlp, protobuf
from apps.activity.models import Event, IngestRequest, Payload
from apps.activity.services import append
from apps.activity.services.sweeping import records_sweep
from apps.api.ingest import senders
from apps.proof.models import Log, Watch
from tests.activity.making import pairs
from tests.activity.making import protobuf as as_protobuf
from tests.api.test_ingest import SPAN, post, send, traces
from tests.api.test_telling import RUN, begun, tell

pytestmark = pytest.mark.django_db(transaction=True)

SECRET = "ghp_" + "a1B2" * 9
BAD = {
    **SPAN,
    "spanId": "0" * 15 + "2",
    "name": "odd",
    "attributes": pairs(
        {"note": f"use {SECRET}", "gen_ai.agent.name": "helper", "n": [1, {"a": 2}]}
    ),
}
LAST = {**SPAN, "spanId": "0" * 15 + "3"}


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    senders._remembered.clear()


def stumble(monkeypatch, module, name, *, over):
    """Make a part of the reading fail as nobody foresaw: with a message that repeats what came."""
    real = getattr(module, name)

    def stumbling(*args, **kwargs):
        if over(*args):
            raise KeyError(f"use {SECRET}")
        return real(*args, **kwargs)

    monkeypatch.setattr(module, name, stumbling)


def kept():
    """What is kept: by span, its record and what it said. The log's seal of it holds."""
    records_sweep()
    assert not Watch.objects.exclude(trouble="").exists()
    assert Event.objects.count() == Log.objects.get(name="activity").size
    bodies = dict(Payload.objects.values_list("leaf_index", "body"))
    return {one.span_id: (one, bodies.get(one.leaf_index, "")) for one in Event.objects.all()}


def told_once(caplog, words="KeyError"):
    """The log of the process says where, once, and nothing of what was sent."""
    (one,) = [
        one for one in caplog.records if one.name == "countersign.ingest" and one.levelno > 30
    ]
    text = one.getMessage()
    assert words in text
    assert "stumbling" in text
    assert SECRET not in caplog.text


def test_a_span_whose_mapping_fails_is_kept_with_all_it_said(caller, monkeypatch, caplog):
    stumble(monkeypatch, mapping, "_kind", over=lambda content, name, kind: name == "odd")

    (answer,) = send(post(caller, json=traces(SPAN, BAD, {**BAD, "spanId": "0" * 15 + "4"}, LAST)))

    assert (answer.status_code, answer.content) == (200, b"{}")
    found = kept()
    assert len(found) == 4
    odd, words = found[BAD["spanId"]]
    header = json.loads(odd.header)
    assert (odd.kind, odd.name, odd.trace_id.hex) == ("other", "odd", SPAN["traceId"])
    assert header["warnings"] == ["not understood: kept as it came"]
    assert header["claimed"] == {"agent": "helper"}
    assert json.loads(words)["rest"]["n"] == [1, {"a": 2}]
    assert SECRET not in words
    assert found[SPAN["spanId"]][0].kind == found[LAST["spanId"]][0].kind == "action"
    told_once(caplog, "KeyError, at 2 records")


@pytest.mark.parametrize("kind", [otlp.JSON, otlp.PROTOBUF])
def test_a_record_that_cannot_even_be_taken_apart_is_kept_as_text(caller, monkeypatch, kind):
    module = otlp.otlp_json if kind == otlp.JSON else protobuf
    stumble(monkeypatch, module, "_attributes", over=lambda pairs: len(pairs or ()) == 2)
    odd = {**SPAN, "attributes": SPAN["attributes"][:2]}
    whole = json.dumps(traces(odd, LAST)).encode()
    sent = whole if kind == otlp.JSON else as_protobuf(odd, LAST)

    (answer,) = send(post(caller, content=sent, kind=kind))

    assert answer.status_code == 200
    found = kept()
    assert set(found) == {"", LAST["spanId"]}
    assert found[""][0].kind == "other"
    assert "gen_ai.operation.name" in found[""][1]


def test_a_body_that_cannot_be_walked_to_its_end_is_kept_as_text(caller, monkeypatch):
    stumble(monkeypatch, otlp.otlp_json, "_member", over=lambda group, name: name == "scope")

    (answer,) = send(post(caller, json=traces(SPAN)))

    assert answer.status_code == 200
    assert "somebody-else" in kept()[""][1]


def test_a_log_record_whose_mapping_fails_is_kept_too(caller, monkeypatch):
    stumble(monkeypatch, mapping, "sorted_out", over=lambda told: "odd" in told)
    records = [
        {"spanId": SPAN["spanId"], "timeUnixNano": "1700000000000000000", "attributes": pairs(told)}
        for told in ({"odd": "yes"}, {"even": "yes"})
    ]
    body = {"resourceLogs": [{"scopeLogs": [{"logRecords": records}]}]}

    (answer,) = send(post(caller, "/v1/logs", json=body))

    assert answer.status_code == 200
    assert Event.objects.filter(parent_id=SPAN["spanId"]).count() == 2
    assert json.loads(Payload.objects.get(leaf_index=0).body)["rest"] == {"odd": "yes"}


def test_what_no_header_can_be_made_of_is_kept_plainly_else_without_its_words(
    caller, monkeypatch, caplog
):
    stumble(monkeypatch, append, "header_of", over=lambda reading, *rest: reading.name == "odd")

    (answer,) = send(post(caller, json=traces(SPAN, BAD, LAST)))

    assert answer.status_code == 200
    odd, words = kept()[BAD["spanId"]]
    assert (odd.kind, odd.trace_id.hex, words) == ("other", SPAN["traceId"], "")
    assert "could not be kept" in odd.header
    assert Event.objects.count() == 3
    assert SECRET not in caplog.text


def test_what_the_database_refuses_of_a_body_is_told_and_the_rest_is_kept(caller, monkeypatch):
    event_of = append.event_of

    def broken(reading, *args):
        event = event_of(reading, *args)
        return event if reading.name != "odd" else event.replace(b"odd", b"o\0d")

    monkeypatch.setattr(append, "event_of", broken)
    sent = traces(SPAN, BAD, LAST, {**BAD, "spanId": "0" * 15 + "4"})

    first, again = (send(post(caller, json=sent))[0] for _ in range(2))

    assert (first.status_code, again.status_code) == (200, 200)
    assert first.json() == again.json()
    assert first.json()["partialSuccess"]["rejectedSpans"] == "2"
    assert set(kept()) == {SPAN["spanId"], LAST["spanId"]}
    assert IngestRequest.objects.get().count == 2


ODD_VALUES = {
    "half a pair": '{"stringValue": "cut \\ud83d here"}',
    "NUL": '{"stringValue": "a\\u0000b"}',
    "NaN": '{"doubleValue": NaN}',
    "a number of 40 digits": '{"intValue": %s}' % ("9" * 40),
    "beyond 64 bits": '{"intValue": "18446744073709551616"}',
    "infinite": '{"doubleValue": 1e999}',
    "deep": '{"arrayValue": {"values": [' * 60 + '{"intValue": 1}' + "]}}" * 60,
    "twice one name": '{"stringValue": "x", "stringValue": "y"}',
    "of two kinds": '{"stringValue": "x", "intValue": {"a": []}}',
    "numbers in a text": '{"stringValue": "{\\"a\\": [1e400, -99999999999999999999, NaN]}"}',
    "half a pair in a text": '{"stringValue": "{\\"a\\": \\"\\\\ud800\\"}"}',
    "no value": "null",
}


@pytest.mark.parametrize("name", ["note", "gen_ai.tool.call.arguments", "gen_ai.input.messages"])
def test_odd_values_are_kept_and_cost_nothing_else(caller, name):
    spans = [json.dumps(SPAN)]
    for at, value in enumerate(ODD_VALUES.values(), 2):
        attributes = [{"key": name, "value": "ODD"}, *SPAN["attributes"]]
        span = {**SPAN, "spanId": f"{at:016x}", "attributes": attributes}
        spans.append(json.dumps(span).replace('"ODD"', value))
    body = json.dumps(traces("SPANS")).replace('"SPANS"', ", ".join(spans))

    (answer,) = send(post(caller, content=body.encode(), kind=otlp.JSON))

    assert (answer.status_code, answer.content) == (200, b"{}")
    found = kept()
    assert len(found) == 1 + len(ODD_VALUES)
    assert "cut \ufffd here" in found[f"{2:016x}"][1]
    assert {one.kind for one, _ in found.values()} == {"action"}


@pytest.mark.parametrize(
    "changes",
    [
        {"startTimeUnixNano": "18446744073709551615"},
        {"startTimeUnixNano": "9" * 19, "endTimeUnixNano": "1"},
        {"startTimeUnixNano": -1, "endTimeUnixNano": 2**70},
        {"name": "\u0000", "kind": 2**40, "status": {"code": "x", "message": []}},
        {"name": "\u2028" * 500 + "\t\\N\r\n", "events": [{"name": None, "attributes": {}}]},
    ],
)
def test_odd_times_and_names_are_kept(caller, changes):
    (answer,) = send(post(caller, json=traces(SPAN, {**LAST, **changes})))

    assert (answer.status_code, answer.content) == (200, b"{}")
    assert set(kept()) == {SPAN["spanId"], LAST["spanId"]}


def test_a_body_of_other_bytes_within_its_texts_is_read(caller):
    """UTF-8 that was cut within a letter, as truncating exporters leave it."""
    body = json.dumps(traces({**SPAN, "name": "caf<>"})).encode().replace(b"<>", b"\xc3")

    (answer,) = send(post(caller, content=body, kind=otlp.JSON))

    assert answer.status_code == 200
    assert Event.objects.get().name == "refund"


def test_one_told_record_that_nobody_foresaw_is_kept_with_its_run(caller, monkeypatch, caplog):
    stumble(monkeypatch, native, "fitted", over=lambda body: "decided" in body)
    correlation = begun(caller)["id"]

    answer = tell(caller, correlation)

    assert (answer.status_code, answer.json()["kept"]) == (201, 3)
    odd = Event.objects.get(kind="other")
    assert (odd.name, odd.trace_id.hex) == ("plan", correlation)
    body = Payload.objects.get(leaf_index=odd.leaf_index).body
    assert json.loads(body)["rest"]["record"]["decided"] == RUN[1]["decided"]
    told_once(caplog)
