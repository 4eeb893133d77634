"""An agent without OpenTelemetry tells what it does, in the API that it asks for access by."""

import json
from datetime import UTC, datetime

import pytest

from apps.activity.models import Event, IngestRequest, Invocation, Payload
from apps.activity.services.projecting import events_project
from apps.core.actors import Person
from apps.inventory.services import agent_suspend
from apps.inventory.states import READ_REQUESTS

pytestmark = pytest.mark.django_db

RUN = [
    {
        "kind": "action",
        "id": "tool-1",
        "parent": "thought-1",
        "name": "refund",
        "started_at": "2026-11-29T10:00:02.000000500Z",
        "ended_at": "2026-11-29T11:00:03+01:00",
        "level": "write",
        "status": "ok",
        "system": "aws",
        "request_id": "e033959a-0c5a",
        "did": {"order": "A1"},
        "result": {"refunded": 20},
    },
    {
        "kind": "step",
        "id": "thought-1",
        "name": "plan",
        "started_at": "2026-11-29T10:00:01Z",
        "decided": "The order came late: refund it.",
    },
    {
        "kind": "invocation",
        "name": "refund-assistant",
        "started_at": "2026-11-29T10:00:00Z",
        "ended_at": "2026-11-29T10:00:04Z",
        "status": "ok",
        "told": "Refund order A1, please.",
        "outcome": "Done.",
    },
]


def begun(caller):
    answer = caller.post("invocations", body={})
    assert answer.status_code == 201
    return answer.json()


def tell(caller, correlation, records=RUN, **more):
    return caller.post("invocation_records", correlation, body={"records": records, **more})


def test_a_run_told_in_any_order_is_one_invocation(caller):
    correlation = begun(caller)["id"]

    answer = tell(caller, correlation)
    events_project()

    assert (answer.status_code, answer.json()) == (201, {"kept": 3, "repeat": False})
    run = Invocation.objects.get()
    assert (run.trace_id.hex, run.agent_id) == (correlation, caller.client.agent_id)
    assert (run.name, run.outcome, run.steps, run.actions) == ("refund-assistant", "ok", 1, 1)
    assert run.started_at == datetime(2026, 11, 29, 10, tzinfo=UTC)
    action, step, root = Event.objects.order_by("leaf_index")
    assert (action.parent_id, step.parent_id, root.parent_id) == (step.span_id, root.span_id, "")
    assert (action.request_id, action.level) == ("e033959a-0c5a", "write")
    assert json.loads(action.header)["happened"] == 1_795_946_402_000_000_500
    bodies = Payload.objects.order_by("leaf_index").values_list("body", flat=True)
    assert json.loads(bodies[0]) == {"did": {"order": "A1"}, "result": {"refunded": 20}}
    assert json.loads(bodies[2]) == {"told": "Refund order A1, please.", "outcome": "Done."}


def test_the_id_says_when_and_where_to_carry_it(caller):
    told = begun(caller)

    milliseconds = int(told["id"][:12], 16)
    assert abs(milliseconds / 1000 - datetime.now(UTC).timestamp()) < 60
    assert (told["id"][12], told["id"][16] in "89ab") == ("7", True)
    assert told["traceparent"].split("-")[1] == told["id"]
    assert told["session_name"] == f"cs-{told['id']}"
    assert told["records"].endswith(f"/api/v1/invocations/{told['id']}/records")
    assert not IngestRequest.objects.exists()


def test_the_same_call_again_is_told_the_same_and_kept_once(caller):
    correlation = begun(caller)["id"]

    answers = [tell(caller, correlation) for _ in range(2)]

    assert [one.status_code for one in answers] == [201, 200]
    assert answers[1].json() == {"kept": 3, "repeat": True}
    assert Event.objects.count() == 3


def test_the_same_words_of_another_run_are_another_call(caller):
    for _ in range(2):
        assert tell(caller, begun(caller)["id"]).status_code == 201

    assert Event.objects.values("trace_id").distinct().count() == 2


def test_a_suspended_agent_is_still_heard(caller, company):
    agent_suspend(agent_id=company.agent.pk, reason="It misbehaves.", actor=Person(company.steward))

    answer = tell(caller, "4bf92f3577b34da6a3ce929d0e0e4736")

    assert answer.status_code == 201
    assert caller.get("agent").status_code == 403


def test_a_token_without_the_scope_tells_nothing(company, signed_up):
    caller = signed_up(company, scopes=[READ_REQUESTS])
    caller.sign_in()

    assert tell(caller, "4bf92f3577b34da6a3ce929d0e0e4736").status_code == 403
    assert not Event.objects.exists()


def deep(levels):
    return json.loads("[" * levels + "]" * levels)


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"kind": "deed"}, 422),
        ({"started_at": "yesterday"}, 422),
        ({"started_at": "2026-13-29T10:00:00Z"}, 422),
        ({"started_at": "0001-01-01T00:00:00+14:00"}, 422),
        ({"started_at": "2500-01-01T00:00:00Z"}, 201),
        ({"started_at": "2600-01-01T00:00:00Z"}, 422),
        ({"ended_at": "9999-12-31T23:59:59Z"}, 422),
        ({"told": "a\x00b"}, 201),
        ({"did": {"n": 10**40}}, 201),
        ({"did": deep(40)}, 201),
        ({"did": deep(100)}, 422),
        ({"name": "x" * 201}, 422),
        ({"severity": 9}, 422),
        ({"surprise": 1}, 422),
    ],
)
def test_what_cannot_be_meant_is_refused_whole_and_what_can_is_kept(caller, changes, status):
    answer = tell(caller, begun(caller)["id"], [RUN[0], {**RUN[1], **changes}])

    assert answer.status_code == status, answer.text
    assert Event.objects.count() == (2 if status == 201 else 0)


@pytest.mark.parametrize("odd", ["\\ud800", "\\u0000", "NaN", "1e999"])
def test_odd_json_makes_nothing_fail(caller, odd):
    odd = odd if odd[0] != "\\" else f'"{odd}"'
    body = json.dumps({"records": [RUN[1] | {"decided": "ODD"}]}).replace('"ODD"', odd)

    answer = caller.post("invocation_records", begun(caller)["id"], body=body)

    assert answer.status_code in {201, 400, 422}, answer.text
    assert Event.objects.exists() == (answer.status_code == 201)


@pytest.mark.parametrize("correlation", ["0" * 32, "4bf92f35", "4BF92F3577B34DA6A3CE929D0E0E4736"])
def test_what_is_no_id_is_none_here(caller, correlation):
    assert tell(caller, correlation).status_code in {404, 422}
    assert not Event.objects.exists()


def test_a_run_may_be_larger_than_a_request_for_access_but_not_endless(caller):
    many = [{**RUN[1], "decided": "x" * 1000, "id": f"s{at}"} for at in range(400)]

    kept, refused = (tell(caller, begun(caller)["id"], one) for one in (many, many * 3))

    assert kept.status_code == 201
    assert refused.status_code == 413
