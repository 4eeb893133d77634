"""Bringing in what systems recorded: each record once, and what could not be read."""

import gzip
import io
import json
import zipfile
from datetime import UTC, datetime

import pytest

from apps.activity.formats import cloudtrail
from apps.activity.models import Event, IngestRequest, LogImport, LogRecord
from apps.activity.services import append, logs
from apps.activity.services.keeping import Overtaken, batch_keep
from apps.audit.models import AuditEntry
from apps.core.errors import DomainError
from apps.proof.models import Log
from tests.activity.data import beside
from tests.activity.logs import (
    ROBOT,
    as_lines,
    bring,
    command,
    delivered,
    event,
    stream,
)
from tests.factories.inventory import IdentityFactory, SystemFactory

pytestmark = pytest.mark.django_db


def at(minute, second=0):
    return datetime(2026, 7, 10, 11, minute, second, tzinfo=UTC)


def test_every_real_event_of_cloudtrail_is_kept_and_found_again():
    """By its own id, its request's id, who it was, and from where."""
    system = SystemFactory(name="AWS", kind="aws", account="123837392027")
    folder = beside("aws/cloudtrail")
    files = sorted(folder.iterdir())
    real = [one for path in files for one in _real(path)]
    arns = {arn for one in real if (arn := _holder(one))}
    known = {arn: IdentityFactory(system=system, external_id=arn, name=arn[-50:]) for arn in arns}

    said = json.loads(
        command("log_import", *files, "--system", "AWS", "--format", "cloudtrail", "--json")
    )

    assert (said["kept"], said["unreadable"], len(real)) == (1233, 0, 1233)
    kept = {json.loads(one.header)["original"]: one for one in Event.objects.all()}
    for one in real:
        found = kept[one["eventID"]]
        arn = _holder(one)
        assert found.request_id == (one.get("requestID") or "")
        assert found.address == one.get("sourceIPAddress", "")
        assert found.system_id == system.pk
        assert found.identity_id == (known[arn].pk if arn else None)
    busiest = Event.objects.filter(request_id=real[0]["requestID"])
    assert {json.loads(one.header)["original"] for one in busiest} >= {real[0]["eventID"]}
    assert sum(one.identity_id is not None for one in kept.values()) > 1000


def test_overlapping_files_are_kept_once():
    log = stream()
    bring(log, delivered(*(event(number) for number in range(1, 61))))

    again = bring(log, delivered(*(event(number) for number in range(31, 91))))

    assert (again.kept, again.repeated) == (30, 30)
    assert Event.objects.count() == LogRecord.objects.count() == 90
    assert len({json.loads(one.header)["original"] for one in Event.objects.all()}) == 90


def test_the_same_id_in_the_log_of_another_system_is_another_record():
    bring(stream(), delivered(event(1)))
    bring(stream(account="444455556666"), delivered(event(1)))

    assert Event.objects.count() == 2


def test_records_without_an_id_that_say_the_same_are_as_many_as_there_are():
    log = stream("generic", mapping={"name": "act", "happened_at": "at"}, kind="crm")
    lines = [{"act": "read", "at": "2026-07-10T11:00:00Z"}] * 3
    bring(log, as_lines(*lines))

    again = bring(log, as_lines(*lines, {"act": "write", "at": "2026-07-10T11:00:00Z"}))

    assert (again.kept, again.repeated) == (1, 3)
    assert Event.objects.count() == 4


def test_lines_of_vault_without_a_request_id_do_not_hide_one_another():
    log = stream("vault", kind="vault")
    line = {"type": "response", "request": {"operation": "read", "path": "secret/a"}}
    lines = [line | {"time": f"2026-07-10T11:00:0{number}Z"} for number in range(3)]

    assert bring(log, as_lines(*lines)).kept == 3


@pytest.mark.parametrize("raw", [b"\x89PNG\r\n\x1a\n", b"hello, this is no log"])
def test_a_file_that_is_no_log_is_told_in_a_sentence(raw):
    held = bring(stream(), raw, name="picture.png")

    (trouble,) = held.troubles
    assert trouble["why"] == "This is not valid JSON: lexical error: invalid char in json text."


def test_a_line_that_cannot_be_read_is_named_and_the_rest_is_kept():
    log = stream()

    held = bring(log, as_lines(event(1), "{broken", event(2)), name="trail.jsonl")

    assert (held.status, held.kept, held.unreadable) == ("done", 2, 1)
    (trouble,) = held.troubles
    assert (trouble["file"], trouble["line"]) == ("trail.jsonl", 2)
    assert "not valid JSON" in trouble["why"]
    assert "trail.jsonl, line 2" in held.said


def test_a_time_of_which_something_could_not_be_read_is_not_complete():
    log = stream()

    bring(log, as_lines(event(1), "{broken", event(2)))

    log.refresh_from_db()
    assert (log.complete_until, log.last_event_at) == (None, at(0, 2))
    assert not log.system.log_connected


def test_a_file_of_which_nothing_can_be_read_is_refused_as_a_whole():
    held = bring(stream("vault", kind="vault"), as_lines(*(event(n) for n in range(1500))))

    assert (held.status, held.kept) == ("failed", 0)
    assert held.said.startswith("Nothing of it could be read. log.json, line 1: It is no line of")
    assert held.unreadable == 1001
    assert not Event.objects.exists()


def test_the_files_of_a_zip_are_read_each_by_its_name():
    raw = io.BytesIO()
    with zipfile.ZipFile(raw, "w") as packed:
        packed.writestr("a/one.json.gz", delivered(event(1), event(2)))
        packed.writestr("a/two.jsonl", as_lines(event(3), "{"))
        packed.writestr("__MACOSX/a/._one.json.gz", b"x")

    held = bring(stream(), raw.getvalue(), name="logs.zip")

    assert (held.kept, held.unreadable) == (3, 1)
    assert held.troubles[0]["file"] == "logs.zip: a/two.jsonl"


# What is complete.


def test_what_a_file_holds_counts_as_complete_from_its_first_to_its_last_record():
    log = stream()

    bring(log, delivered(event(60), event(120), event(0)))

    log.refresh_from_db()
    assert (log.complete_from, log.complete_until) == (at(0), at(2))
    assert log.last_event_at == at(2)
    log.system.refresh_from_db()
    assert log.system.log_connected


def test_across_a_gap_the_log_is_not_complete_until_the_gap_is_filled():
    log = stream()
    bring(log, delivered(event(0), event(60)))
    bring(log, delivered(event(50 * 60), event(55 * 60)))
    log.refresh_from_db()
    across = log.complete_from

    bring(log, delivered(*(event(number * 60) for number in range(1, 51))))

    log.refresh_from_db()
    assert across == at(50)
    assert (log.complete_from, log.complete_until) == (at(0), at(55))


def test_an_older_file_does_not_move_what_is_complete_now():
    log = stream()
    bring(log, delivered(event(50 * 60), event(55 * 60)))

    bring(log, delivered(event(0), event(60)))

    log.refresh_from_db()
    assert (log.complete_from, log.complete_until) == (at(50), at(55))
    assert len(log.covered) == 2


def test_a_record_of_tomorrow_makes_nothing_complete_until_then():
    log = stream()

    bring(log, delivered(event(1), event(2, eventTime="2099-01-01T00:00:00Z")))

    log.refresh_from_db()
    assert log.complete_until < datetime.now(UTC)
    assert log.last_event_at < datetime.now(UTC)


class Killed(BaseException):
    """As a process that is stopped dead between two statements."""


def test_whoever_goes_on_keeps_and_counts_nothing_twice(monkeypatch):
    monkeypatch.setattr(logs, "MOST_RECORDS", 10)
    log, raw = stream(), as_lines(*(event(number) for number in range(35)), "{broken")
    opened = logs.import_open(stream=log, way="file", name="log.json", actor=ROBOT)

    def die(held):
        if held.position == 20:
            raise Killed

    def run(told=None):
        pieces = logs.Piece("log.json", io.BytesIO(raw))
        return logs.import_run(log_import=opened, pieces=[pieces], actor=ROBOT, told=told)

    with pytest.raises(Killed):
        run(die)
    halfway = Event.objects.count()
    held = run()

    assert halfway == 20
    assert (held.kept, held.repeated, held.unreadable) == (35, 0, 1)
    assert Event.objects.count() == Log.objects.get(name="activity").size == 35
    assert held.troubles[0]["line"] == 36


def test_a_batch_whose_transaction_broke_off_left_nothing(monkeypatch):
    log = stream()
    monkeypatch.setattr("apps.activity.services.keeping.stream_cover", lambda *_: 1 / 0)

    with pytest.raises(ZeroDivisionError):
        bring(log, delivered(event(1)))

    assert not Event.objects.exists()
    assert not LogRecord.objects.exists()
    assert not IngestRequest.objects.exists()


def test_a_record_whose_reading_nobody_foresaw_is_named_and_the_others_are_kept(monkeypatch):
    log, real = stream(), cloudtrail._outcome

    def stumbling(told):
        if told["eventID"] in {"E3", "E4"}:
            raise TypeError("of no known type")
        return real(told)

    monkeypatch.setattr(cloudtrail, "_outcome", stumbling)
    held = bring(log, as_lines(*(event(number) for number in range(8))))

    log.refresh_from_db()
    assert (held.status, held.kept, held.unreadable) == ("done", 6, 2)
    assert held.troubles[0] == {
        "file": "log.json",
        "line": 4,
        "why": "It is of a shape that nobody foresaw (TypeError).",
    }
    assert log.complete_until is None


def test_a_record_that_nobody_foresaw_ends_the_import_and_is_named(monkeypatch):
    """Else the worker dies of it at every attempt, and nobody learns which record it is."""
    monkeypatch.setattr(logs, "MOST_RECORDS", 10)
    log, real = stream(), append.header_of

    def header_of(reading, *rest, **more):
        if reading.original_id == "E15":
            raise TypeError("of no known type")
        return real(reading, *rest, **more)

    monkeypatch.setattr(append, "header_of", header_of)
    with pytest.raises(DomainError, match=r"log\.json, record 16: it cannot"):
        bring(log, as_lines(*(event(number) for number in range(35))))

    held = LogImport.objects.get()
    assert (held.status, held.kept, Event.objects.count()) == ("failed", 10, 10)
    assert "log.json, record 16: it cannot be kept (TypeError)" in held.said
    log.refresh_from_db()
    assert log.complete_until is None


def test_a_worker_that_was_taken_for_dead_writes_nothing_more():
    log = stream()
    held = bring(log, delivered(event(1)))
    LogImport.objects.filter(pk=held.pk).update(status="running", finished_at=None)
    late = logs.Batch(start=0, position=1)

    with pytest.raises(Overtaken):
        batch_keep(log_import=held, batch=late, resolver=logs.Resolver(log))


# The command, and the record.


def test_what_was_read_of_a_log_stands_in_the_record():
    log = stream()

    bring(log, delivered(event(1), event(2)))

    read = AuditEntry.objects.get(verb="activity.logimport.read")
    connected = AuditEntry.objects.get(verb="inventory.system.changed")
    assert read.changes["kept"] == [None, 2]
    assert connected.target_id == log.system_id


def _real(path):
    return json.loads(gzip.decompress(path.read_bytes()))["Records"]


def _holder(one):
    who = one["userIdentity"]
    issuer = who.get("sessionContext", {}).get("sessionIssuer", {}).get("arn")
    return issuer or who.get("arn")


@pytest.mark.parametrize("first", ["{broken", "{}", '{"Users": []}'])
def test_a_first_line_that_cannot_be_read_does_not_take_the_others_along(first):
    held = bring(stream(), as_lines(first, event(1), event(2)))

    assert (held.kept, held.unreadable, held.troubles[0]["line"]) == (2, 1, 1)


def test_a_record_that_stands_twice_in_one_file_is_kept_once():
    held = bring(stream(), delivered(event(1), event(2), event(1)))

    assert (held.kept, held.repeated, Event.objects.count()) == (2, 1, 2)
