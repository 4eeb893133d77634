"""Whatever is changed behind the trail is found, and nothing is found where nothing is wrong."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Event, Payload
from apps.activity.readings import Reading
from apps.activity.selectors.seals import seal_told
from apps.activity.services import sweeping
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.sweeping import records_sweep
from apps.proof.alone import proof_alone
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log, Watch
from apps.proof.services.signing import logs_sign
from apps.proof.states import WatchKind
from tests.activity.keeping import records_come
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)
from tests.proof.tampering import as_owner

pytestmark = pytest.mark.django_db

EVENT, PAYLOAD = "activity_event", "activity_payload"
ERASED = "UPDATE {} SET salt = NULL, body = NULL, erased_at = now() WHERE leaf_index = 300"
GONE = "DELETE FROM {} WHERE leaf_index >= %s AND leaf_index < %s"
LOG = "Log activity: "


@pytest.fixture
def sealed(key, memory):  # noqa: F811
    """600 records in a signed log."""
    records_come(600)
    logs_sign(key=key, memory=memory, now=timezone.now())


def found(hours=48):
    records_sweep(now=timezone.now() + timedelta(hours=hours))
    watch = Watch.objects.get(kind=WatchKind.SWEEPER)
    return watch.trouble.removeprefix(LOG)


def test_a_sweep_reads_everything_finds_nothing_and_says_when_it_ended(sealed):
    assert records_sweep() == 600
    assert records_sweep() == 0

    watch = Watch.objects.get(kind=WatchKind.SWEEPER)
    assert (watch.trouble, watch.position, watch.whole_at is None) == ("", 0, False)


@pytest.mark.parametrize("header", ["[7]", "half of a {", '{"name": 7}', '{"whose": null}'])
def test_a_header_that_countersign_would_not_write_stops_no_sweep(sealed, header):
    as_owner(EVENT, "UPDATE activity_event SET header = %s WHERE leaf_index = 300", header)

    assert "Record 300 " in found()


def test_a_sweep_is_bounded_and_goes_on_where_it_ended(sealed, monkeypatch):
    monkeypatch.setattr(sweeping, "SIZE", 256)

    read = [records_sweep(chunks=1) for _ in range(3)]
    nothing = records_sweep(chunks=1)
    hurried = [
        records_sweep(longest=timedelta(0), now=timezone.now() + timedelta(hours=48))
        for _ in range(3)
    ]

    assert (read, nothing, hurried) == ([256, 256, 88], 0, [256, 256, 88])


def test_records_without_words_need_none(key, memory):  # noqa: F811
    records_come(3, words=False)
    logs_sign(key=key, memory=memory, now=timezone.now())

    assert found() == ""


def test_whatever_came_in_repeats_its_header(key, memory):  # noqa: F811
    secret = "ghp_" + "a1B2" * 9
    odd = [
        {"name": "a\0b\tc\nd\\e\r"},
        {"name": "é" * 500, "target": "😀" * 300, "request_id": "r" * 400, "address": "1" * 99},
        {"name": f"push {secret}", "target": secret, "request_id": secret, "address": secret},
        {"trace_id": "AB" * 16, "correlation": "CD" * 16, "carried_by": "session"},
        {"happened_at": -5, "ended_at": 2**62},
        {"happened_at": 1_752_494_400_123_456_789, "ended_at": 1},
        {"severity": 3, "level": "write", "outcome": "denied", "parent_id": "f" * 16},
        {"name": ""},
    ]
    first = {"kind": "action", "name": "n", "happened_at": 0, "ended_at": 0}
    readings = [Reading(**(first | one), body={"told": secret + "\0"}) for one in odd]
    whose = Whose(agent_id=1, identity_id=2, credential_id=3, system_id=4, agent="é\0")
    deliveries_append([Delivery("test", b"d" * 32, [(one, whose) for one in readings])])
    logs_sign(key=key, memory=memory, now=timezone.now())

    assert found() == ""
    assert seal_told(Log.objects.get(), list(Event.objects.all())).trouble == ""


def test_what_is_signed_while_somebody_looks_is_no_trouble(sealed, key, memory):  # noqa: F811
    """A page reads the log, and then what it shows; meanwhile records come and are signed."""
    read, events = Log.objects.get(), list(Event.objects.filter(leaf_index=300))
    records_come(20, mark="meanwhile")
    logs_sign(key=key, memory=memory, now=timezone.now() + timedelta(hours=2))

    told = seal_told(read, events)
    proof = proof_alone(read, 300, events[0].header)

    assert (told.trouble, told.unsigned, told.checkpoint.size) == ("", 0, 620)
    assert "index 300" in proof


def test_a_log_that_is_smaller_than_what_was_signed_of_it_is_trouble(sealed):
    as_owner("proof_log", "UPDATE proof_log SET size = 599")

    told = seal_told(Log.objects.get(), list(Event.objects.filter(leaf_index=300)))

    assert told.trouble


def test_a_changed_column_is_found_as_the_record_is_shown(sealed):
    as_owner(EVENT, "UPDATE activity_event SET target = 'elsewhere' WHERE leaf_index = 300")

    told = seal_told(Log.objects.get(), list(Event.objects.filter(leaf_index=300)))

    assert told.trouble == "Record 300 stands under another target than it says."


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        (EVENT, "UPDATE {} SET header = replace(header, 'deed 3', 'deed 7') WHERE leaf_index = 300",
         "Record 300 stands under another name than it says. And 2 more."),
        (EVENT, "UPDATE {} SET agent_id = 5 WHERE leaf_index = 300",
         "Record 300 stands under another agent_id than it says."),
        (EVENT, "UPDATE {} SET happened_at = happened_at - interval '1 day' WHERE leaf_index = 300",
         "Record 300 stands under another happened_at than it says."),
        (EVENT, "UPDATE {} SET header = 'not even JSON' WHERE leaf_index = 300",
         "Record 300 stands under another header than it says. And 3 more."),
        (PAYLOAD, "UPDATE {} SET body = 'Other' WHERE leaf_index = 300",
         "The words of record 300 are not those that were sealed."),
        (PAYLOAD, "UPDATE {} SET salt = sha256('x') WHERE leaf_index = 300",
         "The words of record 300 are not those that were sealed."),
        (PAYLOAD, "DELETE FROM {} WHERE leaf_index = 300", "The words of record 300 are gone."),
        (PAYLOAD, ERASED,
         "The words of record 300 were erased, and nobody approved it."),
        (EVENT, "UPDATE {} SET leaf_index = 900 WHERE leaf_index = 300",
         "Record 300 is gone."),
        (PAYLOAD, "UPDATE {} SET leaf_index = 700 WHERE leaf_index = 300",
         "The words of record 300 are gone."),
    ],
)  # fmt: skip
def test_what_the_owner_changes_is_found(sealed, table, change, said):
    as_owner(table, change.format(table))

    assert found().startswith(said)


def test_two_rows_that_changed_places_are_found(sealed):
    place = "UPDATE {} SET leaf_index = %s WHERE leaf_index = %s"
    for table in (EVENT, PAYLOAD):
        for frm, to in ((300, -1), (301, 300), (-1, 301)):
            as_owner(table, place.format(table), to, frm)

    assert found() == "Record 300 says other than what was sealed. And 2 more."


def test_words_that_changed_places_are_found(sealed):
    swap = (
        "UPDATE {0} SET salt = o.salt, body = o.body FROM {0} o"
        " WHERE {0}.leaf_index + o.leaf_index = 601 AND {0}.leaf_index IN (300, 301)"
    )
    as_owner(PAYLOAD, swap.format(PAYLOAD))

    assert found() == "The words of record 300 are not those that were sealed. And 1 more."


def test_a_record_that_is_gone_is_found(sealed):
    as_owner(EVENT, GONE.format(EVENT), 300, 301)

    assert found() == "Record 300 is gone. And 1 more."


def test_records_put_in_are_found(sealed):
    listed = ", ".join(one.column for one in Event._meta.local_fields if one.column)
    insert = "INSERT INTO activity_event ({}) SELECT {} FROM activity_event WHERE leaf_index = 4"

    as_owner(EVENT, insert.format(listed, listed.replace("leaf_index", "5004")))
    assert found() == "1 records from 5004 on are in no log: they were put in."

    later = listed.replace("recorded_at", "recorded_at + interval '1 second'")
    as_owner(EVENT, GONE.format(EVENT), 5004, 5005)
    as_owner(EVENT, insert.format(listed, later))
    assert found(hours=96).startswith("1 records from 5004")
    Watch.objects.update(trouble="", trouble_since=None)
    assert found(hours=144) == "Record 4 is there twice. And 2 more."


def test_a_changed_tile_is_found(sealed):
    change = "UPDATE proof_tile SET hashes = overlay(hashes placing sha256('x') from 33)"
    as_owner("proof_tile", f"{change} WHERE level = 0 AND index = 0")

    assert found().startswith("Record 1 says other than what was sealed.")


def test_a_record_changed_with_words_and_tile_is_found_by_the_root(sealed):
    event = Event.objects.get(leaf_index=599)
    header = event.header.replace("deed 599", "deed 1")
    change = "UPDATE activity_event SET header = %s, name = 'deed 1' WHERE leaf_index = 599"
    as_owner(EVENT, change, header)
    place = "UPDATE proof_log SET frontier = overlay(frontier placing %s from %s)"
    as_owner("proof_log", place, leaf_hash(header.encode()), (599 - 512) * 32 + 1)

    assert found() == "What was read is not what was signed at 600."


def test_a_dropped_tail_is_found(sealed):
    frontier = bytes(Log.objects.get().frontier)
    kept = frontier[: (550 - 512) * 32] + frontier[(600 - 512) * 32 :]
    as_owner(EVENT, GONE.format(EVENT), 550, 600)
    as_owner(PAYLOAD, GONE.format(PAYLOAD), 550, 600)
    as_owner("proof_log", "UPDATE proof_log SET size = 550, frontier = %s", kept)

    assert found() == "The log has 550 leaves, and was signed at 600."


def test_a_forged_checkpoint_is_found(sealed):
    as_owner("proof_checkpoint", "UPDATE proof_checkpoint SET root = sha256('x')")

    assert "The newest checkpoint does not hold" in found()


def test_trouble_stays_until_a_whole_pass_finds_nothing(sealed):
    body = Payload.objects.get(leaf_index=3).body
    change = "UPDATE activity_payload SET body = %s WHERE leaf_index = 3"
    as_owner(PAYLOAD, change, "Other")

    first = found()
    as_owner(PAYLOAD, change, body)

    assert first
    assert not found(hours=96)
