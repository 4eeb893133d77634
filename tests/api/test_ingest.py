"""What agents tell comes in by OTLP: kept once it is acknowledged, and refused with a reason."""

import asyncio
import gzip
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest
from django.db import connection

from apps.activity.conventions import otlp
from apps.activity.models import Event, Payload
from apps.api.ingest import bodies, gathering, senders
from apps.api.ingest.door import Door
from apps.api.ingest.readers import Readers
from apps.core.actors import Person
from apps.inventory.services import client_revoke
from apps.inventory.states import READ_REQUESTS
from tests.activity.data import body

pytestmark = pytest.mark.django_db(transaction=True)

SPAN = {
    "traceId": "0af7651916cd43dd8448eb211c80319c",
    "spanId": "b7ad6b7169203331",
    "name": "execute_tool refund",
    "startTimeUnixNano": "1700000000000000000",
    "endTimeUnixNano": "1700000001000000000",
    "attributes": [
        {"key": "gen_ai.operation.name", "value": {"stringValue": "execute_tool"}},
        {"key": "gen_ai.tool.name", "value": {"stringValue": "refund"}},
        {"key": "gen_ai.agent.name", "value": {"stringValue": "somebody-else"}},
    ],
}


def traces(*spans):
    return {"resourceSpans": [{"scopeSpans": [{"spans": list(spans or [SPAN])}]}]}


@pytest.fixture(autouse=True)
def nobody_is_remembered():
    senders._remembered.clear()


def door_here():
    """A door that reads in this process, with the tables of this test."""
    return Door(Readers(lambda: ThreadPoolExecutor(1)))


def send(*requests, door=None):
    """Send requests at once; each is (path, keywords of httpx). Returns the answers."""

    async def all_at_once():
        transport = httpx.ASGITransport(app=door or door_here())
        async with httpx.AsyncClient(transport=transport, base_url="http://door") as client:
            return await asyncio.gather(
                *(client.request(how.pop("method", "POST"), path, **how) for path, how in requests)
            )

    # A browser's test may have left a loop running in this thread.
    with ThreadPoolExecutor(1) as apart:
        return apart.submit(lambda: asyncio.run(all_at_once())).result()


def post(caller, path="/v1/traces", *, kind="", **how):
    headers = {"Authorization": f"Bearer {caller.token}", **how.pop("headers", {})}
    if "content" in how:
        headers["Content-Type"] = kind or otlp.PROTOBUF
    return path, {"headers": headers, **how}


@pytest.mark.parametrize("name", ["pydantic_ai", "langgraph_oi", "openai_agents_oi", "strands"])
@pytest.mark.parametrize("is_packed", [False, True])
def test_what_real_frameworks_send_is_kept_as_the_agents(caller, name, is_packed):
    sent, headers = body(name), {}
    if is_packed:
        sent, headers = gzip.compress(sent), {"Content-Encoding": "gzip"}

    (answer,) = send(post(caller, content=sent, headers=headers))

    assert (answer.status_code, answer.headers["content-type"]) == (200, otlp.PROTOBUF)
    assert Event.objects.filter(agent_id=caller.client.agent_id).count() == Event.objects.count()
    assert Event.objects.filter(kind="action").exists()
    assert Payload.objects.exists()


def test_who_it_was_is_whose_token_delivered_it_and_the_claim_stands_beside_it(caller):
    (answer,) = send(post(caller, json=traces()))

    event = Event.objects.get()
    assert (answer.status_code, answer.content) == (200, b"{}")
    assert event.agent_id == caller.client.agent_id
    assert "somebody-else" in event.header
    assert f"client {caller.client.pk}" in event.header


def test_a_body_sent_again_is_acknowledged_and_kept_once(caller):
    door = door_here()

    answers = send(*(post(caller, json=traces()) for _ in range(5)), door=door)

    assert {one.status_code for one in answers} == {200}
    assert Event.objects.count() == 1


def test_many_at_once_are_each_kept(caller):
    asked = [post(caller, json=traces({**SPAN, "spanId": f"{one:016x}"})) for one in range(1, 60)]

    answers = send(*asked)

    assert {one.status_code for one in answers} == {200}
    assert sorted(Event.objects.values_list("leaf_index", flat=True)) == list(range(59))


def test_one_bad_span_is_told_and_the_others_are_kept(caller):
    (answer,) = send(post(caller, json=traces(SPAN, {**SPAN, "traceId": "not hexadecimal"})))

    assert answer.status_code == 200
    assert answer.json()["partialSuccess"]["rejectedSpans"] == "1"
    assert Event.objects.count() == 1


def no_token(caller):
    return "/v1/traces", {"json": traces()}


def wrong_token(caller):
    return "/v1/traces", {"json": traces(), "headers": {"Authorization": "Bearer nonsense"}}


def too_large(caller):
    return post(caller, content=b"x" * (bodies.LARGEST_BODY + 1))


def bomb(caller):
    packed = gzip.compress(b"\0" * (bodies.LARGEST_BODY + 1))
    return post(caller, content=packed, headers={"Content-Encoding": "gzip"})


@pytest.mark.parametrize(
    ("asked", "status", "words"),
    [
        (no_token, 401, "access token"),
        (wrong_token, 401, "access token"),
        (too_large, 413, "at most"),
        (bomb, 413, "unpacked"),
        (lambda caller: post(caller, content=b"\xff" * 40), 400, ""),
        (lambda caller: post(caller, content=b"{]", kind="application/json"), 400, ""),
        (lambda caller: post(caller, content=b"x", kind="text/plain"), 415, "application/json"),
        (
            lambda caller: post(caller, content=b"x", headers={"Content-Encoding": "gzip"}),
            400,
            "gzip",
        ),
        (lambda caller: post(caller, "/v1/metrics", json={}), 404, "/v1/logs"),
        (lambda caller: post(caller, method="GET"), 405, "POST"),
    ],
)
def test_what_is_refused_is_told_why_and_nothing_of_it_is_kept(caller, asked, status, words):
    (answer,) = send(asked(caller))

    assert answer.status_code == status
    assert words in answer.text
    assert not Event.objects.exists()


def test_a_token_without_the_scope_delivers_nothing(company, signed_up):
    caller = signed_up(company, scopes=[READ_REQUESTS])
    caller.sign_in()

    (answer,) = send(post(caller, json=traces()))

    assert (answer.status_code, "trail:append" in answer.text) == (403, True)
    assert not Event.objects.exists()


def test_a_revoked_client_delivers_nothing_more(caller, company):
    client_revoke(client_id=caller.client.pk, reason="Lost.", actor=Person(company.steward))

    (answer,) = send(post(caller, json=traces()))

    assert answer.status_code == 401


def test_more_than_can_be_kept_soon_is_told_to_come_again(caller, monkeypatch):
    monkeypatch.setattr(gathering, "MOST_WAITING", 3)

    answers = send(
        *(post(caller, json=traces({**SPAN, "spanId": f"{one:016x}"})) for one in range(1, 30))
    )

    refused = [one for one in answers if one.status_code == 429]
    assert refused
    assert all(int(one.headers["retry-after"]) > 0 for one in refused)
    assert Event.objects.count() == 29 - len(refused)


def test_what_the_database_does_not_take_is_not_acknowledged(caller):

    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE activity_event RENAME TO activity_event_away")
    try:
        (answer,) = send(post(caller, json=traces()))
    finally:
        with connection.cursor() as cursor:
            cursor.execute("ALTER TABLE activity_event_away RENAME TO activity_event")

    assert answer.status_code == 503
    assert "retry-after" in answer.headers
    assert not Event.objects.exists()
