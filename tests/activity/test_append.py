"""Taking records in: kept whole, in order, once, and for good."""

import hashlib
import json
from datetime import UTC, datetime

import pytest
from django.db import IntegrityError, connection, transaction
from msgspec.structs import fields

from apps.activity.headers import CHOSEN, NOBODY, Whose, commitment, header_of
from apps.activity.models import Event, Payload
from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
from apps.proof.merkle import leaf_hash, verify_inclusion
from apps.proof.models import Log
from apps.proof.selectors import inclusion_proof, root_of

pytestmark = pytest.mark.django_db

TRACE = "0af7651916cd43dd8448eb211c80319c"


def reading(name="refund", **said):
    return Reading("action", name, 1_700_000_000_000_000_000, 1_700_000_001_000_000_000, **said)


def delivery(*readings, sender="client:1", whose=NOBODY, body=b""):
    digest = hashlib.sha256(body or repr(readings).encode()).digest()
    return Delivery(sender, digest, [(one, whose) for one in readings])


def test_what_comes_in_stands_in_the_log_as_it_was_said():
    body = {"told": "Refund order A1\n\tnow \\ please", "did": {"order": "A1"}}

    (receipt,) = deliveries_append(
        [delivery(reading(trace_id=TRACE, body=body), whose=Whose(agent_id=7, agent="Refunds"))]
    )

    event, payload = Event.objects.get(), Payload.objects.get()
    header = json.loads(event.header)
    assert (receipt.first, receipt.count, receipt.is_repeat) == (0, 1, False)
    assert (event.name, event.agent_id, event.trace_id.hex) == ("refund", 7, TRACE)
    assert header["whose"] == {"agent": "Refunds", "agent_id": 7}
    assert json.loads(payload.body) == body
    assert header["payload"] == commitment(bytes(payload.salt), payload.body)
    assert root_of(Log.objects.get(name="activity"), 1) == leaf_hash(event.header.encode())


def test_every_column_holds_what_the_reading_says():
    said = {
        "span_id": "b7ad6b7169203331",
        "parent_id": "00f067aa0ba902b7",
        "correlation": "1" * 32,
        "carried_by": "session",
        "request_id": "r/1\t\\N",
        "target": "Köln\0\n",
        "level": "write",
        "outcome": "denied",
        "severity": 3,
        "address": "2001:db8::1",
    }
    whose = Whose(agent_id=1, identity_id=2, credential_id=3, system_id=2**40)

    deliveries_append([delivery(reading(trace_id=TRACE, **said), whose=whose)])

    event = Event.objects.get()
    assert {name: str(getattr(event, name)).replace("-", "") for name in said} == {
        **{name: str(value) for name, value in said.items()},
        "target": "Köln \n",
    }
    owners = (event.agent_id, event.identity_id, event.credential_id, event.system_id)
    assert owners == (1, 2, 3, 2**40)
    assert event.trace_id.hex == TRACE
    assert event.happened_at == datetime.fromtimestamp(1_700_000_000, UTC)
    assert event.ended_at == datetime.fromtimestamp(1_700_000_001, UTC)


@pytest.mark.parametrize(
    ("begun", "ended", "happened", "over"),
    [
        (0, 0, None, None),
        (10**18 + 1999, 0, datetime(2001, 9, 9, 1, 46, 40, 1, UTC), None),
        (10**18, 10**18 - 10**9, datetime(2001, 9, 9, 1, 46, 40, 0, UTC), None),
        (1000, 5000, datetime(1970, 1, 1, 0, 0, 0, 1, UTC), datetime(1970, 1, 1, 0, 0, 0, 5, UTC)),
        (2**63 - 1, 0, datetime(2262, 4, 11, 23, 47, 16, 854775, UTC), None),
    ],
)
def test_what_has_no_possible_time_has_that_of_the_server_and_nothing_ends_before_it_begins(
    begun, ended, happened, over
):
    deliveries_append([delivery(Reading("action", "refund", begun, ended))])

    event = Event.objects.get()
    assert event.happened_at == (happened or event.recorded_at)
    assert event.ended_at == (over or event.happened_at)


def test_a_header_is_written_in_the_order_of_its_names():
    whose = Whose(1, "Refunds", 2, "bot", 3, 4, "Payments", "client 1")
    full = {field.name: "x" for field in fields(Reading) if field.type is str}
    told = Reading(**full | {"happened_at": 1, "ended_at": 2, "severity": 1, "warnings": ("w",)})

    header = header_of(told, whose, recorded="now", payload="p")

    said = json.loads(header)
    assert header == json.dumps(said, sort_keys=True, separators=(",", ":")).encode()
    assert len(said) == len(set(said)) == 25


@pytest.mark.parametrize(("name", "most"), CHOSEN.items())
def test_what_is_longer_than_its_column_is_cut_there_and_nothing_else_is(name, most):
    long = "x" * most

    deliveries_append([delivery(reading("a"), reading(**{"name": "b", name: long + "y"}))])

    first, second = Event.objects.values_list("header", flat=True)
    assert json.loads(first)["name"] == "a"
    assert f'"{long}"' in second
    assert json.loads(second)["kind"] == "action"


def test_a_marker_longer_than_its_secret_is_cut_with_what_it_stands_in():
    deliveries_append([delivery(reading("n" * 170 + " password=hunter2"))])

    (name,) = Event.objects.values_list("name", flat=True)
    assert name == "n" * 170 + " password=[secret removed: password]"[:30]


@pytest.mark.parametrize("at", [0, 63, 64, 129])
def test_of_many_records_the_one_that_holds_a_secret_alone_is_changed(at):
    told = [reading(f"refund {number}", body={"told": f"{number}"}) for number in range(130)]
    told[at] = reading("refund password=hunter2", body={"told": "password=hunter2"})

    deliveries_append([delivery(*told)])

    names = [f"refund {number}" for number in range(130)]
    names[at] = "refund password=[secret removed: password]"
    bodies = [f'{{"told":"{number}"}}' for number in range(130)]
    bodies[at] = '{"told":"password=[secret removed: password]"}'
    assert list(Event.objects.order_by("leaf_index").values_list("name", flat=True)) == names
    assert list(Payload.objects.order_by("leaf_index").values_list("body", flat=True)) == bodies


def test_a_body_sent_again_is_told_what_it_was_told_and_kept_once():
    first, again = delivery(reading()), delivery(reading())

    (told,) = deliveries_append([first])
    retold = deliveries_append([again, delivery(reading("other")), again])

    assert (told.first, told.count) == (retold[0].first, retold[0].count)
    assert [one.is_repeat for one in retold] == [True, False, True]
    assert list(Event.objects.order_by("leaf_index").values_list("name", flat=True)) == [
        "refund",
        "other",
    ]


def test_the_same_bytes_of_another_sender_are_another_delivery():
    deliveries_append([delivery(reading()), delivery(reading(), sender="client:2")])

    assert Event.objects.count() == 2


def test_records_of_many_deliveries_follow_one_another():
    receipts = deliveries_append(
        [delivery(*(reading(f"{one}-{number}") for number in range(300))) for one in "abc"]
    )

    log, event = Log.objects.get(name="activity"), Event.objects.get(leaf_index=599)
    assert [one.first for one in receipts] == [0, 300, 600]
    assert (log.size, event.name) == (900, "b-299")
    verify_inclusion(
        leaf=leaf_hash(event.header.encode()),
        index=599,
        size=900,
        root=root_of(log, 900),
        proof=inclusion_proof(log, 599, 900),
    )


def test_a_secret_is_taken_out_before_anything_is_kept():
    secret = "ghp_" + "a1B2" * 9

    deliveries_append(
        [delivery(reading(f"push {secret}", target=secret, body={"told": f"use {secret}"}))]
    )

    event, payload = Event.objects.get(), Payload.objects.get()
    assert secret not in event.header + event.name + event.target + payload.body
    assert "push" in event.name


ARMOUR = "-----BEGIN PRIVATE KEY-----"


@pytest.mark.parametrize("field", ["client", "principal", "request_id", "target", "address", "run"])
def test_what_looks_like_a_secret_hides_nothing_that_stands_beside_it(field):
    plain = reading("push", body={"told": "x"}, **{field: "plain"})
    hostile = reading("push", body={"told": "x", "is_password": True}, **{field: ARMOUR})

    deliveries_append([delivery(plain), delivery(hostile)])

    first, second = (json.loads(event.header) for event in Event.objects.order_by("leaf_index"))
    assert first.keys() == second.keys()
    assert ARMOUR not in Event.objects.get(leaf_index=1).header
    assert Event.objects.get(leaf_index=1).name == "push"
    body = Payload.objects.get(leaf_index=1).body
    assert json.loads(body) == {"told": "x", "is_password": True}
    assert second["payload"] == commitment(bytes(Payload.objects.get(leaf_index=1).salt), body)


@pytest.mark.parametrize("table", ["activity_event", "activity_payload"])
@pytest.mark.parametrize("change", ["DELETE FROM {}", "UPDATE {} SET leaf_index = leaf_index + 1"])
def test_the_database_refuses_to_change_what_was_kept(table, change):
    deliveries_append([delivery(reading(body={"told": "x"}))])

    with pytest.raises(IntegrityError), transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(change.format(table))
