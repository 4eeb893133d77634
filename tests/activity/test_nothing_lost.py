"""Whatever a record says, and under whichever name, stands somewhere in what is kept of it."""

import json

import pytest
from msgspec.structs import asdict

from apps.activity.conventions.otlp import JSON, read_logs, read_traces
from apps.activity.conventions.tables import EVENTS, FLAT_STARTS, KNOWN
from tests.activity.making import as_body, event, pairs, span

NEEDLE = "needle"
KINDS = {
    "action": {"gen_ai__operation__name": "execute_tool"},
    "step": {"gen_ai__operation__name": "chat"},
    "invocation": {"gen_ai__operation__name": "invoke_agent"},
    "guard": {"openinference__span__kind": "GUARDRAIL"},
    "call": {"http__request__method": "GET"},
    "other": {},
}
SAID = (
    NEEDLE,
    [NEEDLE],
    json.dumps({"odd": NEEDLE}),
    json.dumps([{"role": "user", "odd": NEEDLE}]),
    json.dumps([{"role": "user", "content": "x", "odd": NEEDLE}]),
    json.dumps([{"role": "user", "content": [{"type": "text", "text": "x", "odd": NEEDLE}]}]),
    json.dumps([{"role": "user", "content": {"odd": NEEDLE}}]),
    json.dumps([{"role": "assistant", "tool_calls": {"odd": NEEDLE}}]),
    *(
        json.dumps([{"role": role, "content": NEEDLE}])
        for role in ("user", "assistant", "system", "tool", "somebody")
    ),
)
LISTS = ("0.message.content", "0.message.odd", "0.tool_call.function.arguments", "x")


def is_kept(decoded):
    (one,) = decoded.readings
    return NEEDLE in json.dumps(asdict(one))


@pytest.mark.parametrize("kind", KINDS)
def test_no_attribute_is_lost(kind):
    names = [*KNOWN, *(start + one for start in FLAT_STARTS for one in LISTS), "nobody.knows"]
    given = span("x", **KINDS[kind]) | {"kind": 3}
    known = {one["key"] for one in given["attributes"]}

    lost = [
        (name, said)
        for name in names
        if name not in known
        for said in SAID
        if not is_kept(
            read_traces(
                as_body(given | {"attributes": given["attributes"] + pairs({name: said})}), JSON
            )
        )
    ]

    assert lost == []


@pytest.mark.parametrize("kind", KINDS)
def test_no_event_is_lost(kind):
    given = span("x", **KINDS[kind]) | {"kind": 3}

    def read(name, field, said):
        return read_traces(as_body(given | {"events": [event(name, **{field: said})]}), JSON)

    lost = [
        (name, field, said)
        for name in (*EVENTS, "exception", "nobody.knows")
        for field in ("content", "message", "gen_ai__prompt", "tool_calls", "role", "odd")
        for said in SAID
        if not is_kept(read(name, field, said))
    ]

    assert lost == []


def test_what_events_repeat_is_not_lost_where_they_differ():
    """Attributes go before events of the same; what only the events say stays with them."""
    given = span("x", gen_ai__operation__name="chat", gen_ai__input__messages="another")

    decoded = read_traces(
        as_body(given | {"events": [event("gen_ai.user.message", content=NEEDLE)]}), JSON
    )

    assert decoded.readings[0].body["told"] == "another"
    assert is_kept(decoded)


@pytest.mark.parametrize("form", ["attributes", "fields of the body", "body"])
def test_no_record_of_a_log_is_lost(form):
    def record(name, said):
        if form == "body":
            return {"eventName": name, "body": pairs({"": said})[0]["value"]}
        told = pairs({"content": said})
        if form == "attributes":
            return {"eventName": name, "attributes": told}
        return {"eventName": name, "body": {"kvlistValue": {"values": told}}}

    lost = [
        (name, said)
        for name in (*EVENTS, "gen_ai.client.inference.operation.details", "nobody.knows")
        for said in SAID
        if not is_kept(
            read_logs(
                json.dumps(
                    {"resourceLogs": [{"scopeLogs": [{"logRecords": [record(name, said)]}]}]}
                ).encode(),
                JSON,
            )
        )
    ]

    assert lost == []
