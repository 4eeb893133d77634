"""Logs without a parser of their own, times as anybody writes them, and published runs."""

import io
import json
from collections import Counter

import pytest

from apps.activity.formats import airline, generic
from apps.activity.formats.lines import Bad
from apps.activity.formats.values import nanoseconds
from tests.activity.data import beside

OURS = "01a20a46f400703f958769309b7f56f1"
MAPPING = {
    "name": "op",
    "happened_at": "when",
    "principal": "actor.ids.0",
    "outcome": "status",
    "level": "verb",
    "system": "=crm",
    "correlation": "headers.traceparent",
    "did": "args",
}


def test_any_other_log_is_read_by_its_mapping():
    told = {
        "op": "contact.read",
        "when": 1_714_557_600,
        "actor": {"ids": ["u1", "u2"]},
        "status": 403,
        "verb": "View",
        "headers": {"traceparent": f"00-{OURS}-00f067aa0ba902b7-01"},
        "args": {"id": 7},
    }
    (one,) = generic.readings(io.BytesIO(json.dumps(told).encode()), MAPPING)

    assert (one.name, one.principal, one.outcome, one.level) == (
        "contact.read",
        "u1",
        "denied",
        "read",
    )
    assert (one.system, one.correlation) == ("crm", OURS)
    assert (one.body["did"], one.body["rest"]) == ({"id": 7}, told)


def test_a_line_without_a_time_is_told():
    (one,) = generic.readings(io.BytesIO(b'{"op": "x"}'), MAPPING)

    assert one == Bad(1, "No time stands at when.")


def test_a_mapping_is_checked_before_it_is_used():
    assert generic.problems(MAPPING) == []
    assert generic.problems({"name": "", "colour": "x"}) == [
        "colour is none of our fields.",
        "name needs a path.",
        "happened_at has to be mapped.",
    ]


@pytest.mark.parametrize(
    ("told", "nanos"),
    [
        ("2024-05-01T10:00:00Z", 1_714_557_600 * 10**9),
        ("2024-05-01 12:00:00.5+02:00", 1_714_557_600 * 10**9 + 5 * 10**8),
        (1_714_557_600, 1_714_557_600 * 10**9),
        (1_714_557_600_123, 1_714_557_600_123 * 10**6),
        ("1714557600.25", 1_714_557_600 * 10**9 + 25 * 10**7),
        ("2024-13-01T10:00:00Z", 0),
        ("0001-01-01T00:00:00+23:00", 0),
        ("9999-12-31T23:59:59-23:00", 0),
        (True, 0),
        (float("inf"), 0),
        ("nan", 0),
        (None, 0),
    ],
)
def test_a_time_is_read_in_whichever_way_it_is_written(told, nanos):
    assert nanoseconds(told) == nanos


def test_runs_of_the_airline_agent_become_invocations():
    path = beside("agents/airline-runs.jsonl.gz")
    with path.open("rb") as file:
        found = list(airline.readings(file))
    with path.open("rb") as file:
        again = list(airline.readings(file))

    assert found == again
    assert Counter(one.kind for one in found) == {"invocation": 100, "step": 1229, "action": 572}
    assert len({(one.trace_id, one.span_id) for one in found}) == len(found)
    run = found[0]
    assert (
        run.body["told"] == "Hi! I'm looking to book a flight from New York to Seattle on May 20th."
    )
    assert run.body["instructions"].startswith("# Airline Agent Policy")
    action = next(one for one in found if one.kind == "action")
    assert action.name == "get_user_details"
    assert action.body["did"]["arguments"] == {"user_id": "mia_li_3668"}
    assert action.body["result"]["name"] == {"first_name": "Mia", "last_name": "Li"}
    assert action.level == "read"
    assert {one.outcome for one in found if one.name == "book_reservation"} == {"ok", "failed"}
