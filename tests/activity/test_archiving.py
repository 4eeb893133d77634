"""Months leave the database as what can be proven, and nothing else leaves with them."""

import gzip
import hashlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Archive, Cursor, DeedHour, Event, HourDue, Invocation, Payload
from apps.activity.selectors.keeping import months_here
from apps.activity.services import archive_parts, archiving
from apps.activity.services.archiving import Busy, archive_held, months_archive
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.activity.services.sweeping import records_sweep
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.errors import DomainError
from apps.core.models import Setting
from apps.proof.merkle import leaf_hash, verify_inclusion
from apps.proof.models import Checkpoint, Log, Watch
from apps.proof.selectors import inclusion_proof
from apps.proof.services.signing import logs_sign
from apps.proof.states import WatchKind
from tests.activity.keeping import JULY, TRACE, records_came, records_come
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)
from tests.proof.tampering import as_owner

pytestmark = pytest.mark.django_db

AUGUST = datetime(2025, 8, 2, tzinfo=UTC)


@pytest.fixture
def place(settings, tmp_path):
    settings.TRAIL_ARCHIVE_DIR = tmp_path / "archive"
    return settings.TRAIL_ARCHIVE_DIR


@pytest.fixture
def kept(place, monkeypatch, key, memory):  # noqa: F811
    """700 records of July, 10 of August, 5 of today: signed, summed up, and 3 months kept."""
    monkeypatch.setattr(archive_parts, "PART", 300)
    records_came(JULY, 700, monkeypatch, whose=Whose(agent_id=77, agent="Refunds"))
    records_came(AUGUST, 10, monkeypatch, trace="1" * 32)
    records_come(5, trace="2" * 32)
    logs_sign(key=key, memory=memory, now=timezone.now())
    events_project()
    hours_count()
    Setting.objects.create(key="trail_months", value=3)
    return place


def verified(place, month="2025-07"):
    call_command("trail_archive_verify", str(place / month))


def lines(path):
    return gzip.open(path, "rt").read().splitlines()


def test_nothing_leaves_until_somebody_says_how_long(kept, system):
    Setting.objects.update(value=0)

    assert months_archive(actor=system).months == []
    assert Event.objects.count() == 715


def test_months_past_their_time_leave_and_can_be_proven(kept, system, capsys):
    headers = dict(Event.objects.values_list("leaf_index", "header"))

    ran = months_archive(actor=system)

    assert [f"{one:%Y-%m}" for one in ran.months] == ["2025-07", "2025-08"]
    assert (Event.objects.count(), Payload.objects.count()) == (5, 5)
    assert JULY.date().replace(day=1) not in months_here()
    manifest = json.loads((kept / "2025-07" / "manifest.json").read_text())
    files = [kept / "2025-07" / part["events"]["file"] for part in manifest["parts"]]
    kept_lines = [line for file in files for line in lines(file)]
    assert (len(files), kept_lines) == (3, [headers[leaf] for leaf in range(700)])
    log, newest = Log.objects.get(name="activity"), Checkpoint.objects.first()
    for leaf in (0, 299, 699):
        verify_inclusion(
            leaf=leaf_hash(kept_lines[leaf].encode()),
            index=leaf,
            size=newest.size,
            root=bytes(newest.root),
            proof=inclusion_proof(log, leaf, newest.size),
        )
    verified(kept)
    assert capsys.readouterr().out == (
        "2025-07: 700 records are what was sealed, proven against checkpoint 715."
        " The words of 700 are whole, of 0 erased.\n"
    )


def test_the_record_says_what_left(kept, system):
    months_archive(actor=system)

    archive = Archive.objects.get(month="2025-07-01")
    made, dropped = (
        AuditEntry.objects.get(verb=verb, target_id=archive.pk)
        for verb in (Verb.MONTH_ARCHIVED, Verb.MONTH_DROPPED)
    )
    assert made.changes == dropped.changes
    assert made.changes["records"] == [None, 700]
    assert made.changes["leaves"] == [None, [0, 699]]
    assert made.changes["manifest_sha256"] == [None, archive.digest]
    assert archive.dropped_at is not None


def test_the_summary_stays_and_the_sweeper_passes_over_what_left(kept, system):
    months_archive(actor=system)

    assert Invocation.objects.get(trace_id=TRACE).actions == 700
    assert records_sweep(now=timezone.now() + timedelta(days=2)) == 715
    assert Watch.objects.get(kind=WatchKind.SWEEPER).trouble == ""


def test_hours_that_were_counted_stay_when_they_are_due_anew(kept, system):
    counted = list(DeedHour.objects.filter(agent_id=77).values_list("hour", "deeds"))

    months_archive(actor=system)
    HourDue.objects.create(subject="deed", subject_id=77, hour=counted[0][0])
    hours_count()

    assert sum(deeds for _, deeds in counted) == 700
    assert list(DeedHour.objects.filter(agent_id=77).values_list("hour", "deeds")) == counted
    assert not HourDue.objects.exists()


def test_dropping_that_the_record_does_not_know_is_found(kept, system):
    months_archive(actor=system)
    as_owner(
        "audit_auditentry",
        "DELETE FROM audit_auditentry WHERE verb = 'activity.archive.dropped' AND id ="
        " (SELECT min(id) FROM audit_auditentry WHERE verb = 'activity.archive.dropped')",
    )

    records_sweep(now=timezone.now() + timedelta(days=2))

    trouble = Watch.objects.get(kind=WatchKind.SWEEPER).trouble
    assert trouble == "Log activity: The record says nothing of dropping July 2025."


class Killed(BaseException):
    pass


def killed_at(monkeypatch, where, name, nth):
    """Die when a function is called the nth time, as by SIGKILL: nothing after it runs."""
    real, calls = getattr(where, name), []

    def dies(*given, **named):
        calls.append(1)
        if len(calls) == nth:
            raise Killed
        return real(*given, **named)

    monkeypatch.setattr(where, name, dies)


@pytest.mark.parametrize(
    "moment",
    [
        (archive_parts, "part_check", 2),
        (archive_parts, "write_whole", 1),
        (archive_parts, "write_whole", 3),
        (archiving, "totals_of", 1),
        (archiving, "sync_folder", 1),
        (archiving, "_note", 1),
        (archiving, "record", 1),
        (archiving, "_month_drop", 1),
        (archiving, "record", 2),
        (archiving, "_month_drop", 2),
    ],
)
def test_killed_anywhere_it_goes_on_and_nothing_is_lost(kept, system, monkeypatch, moment):
    with monkeypatch.context() as patched:
        killed_at(patched, *moment)
        with pytest.raises(Killed), transaction.atomic():
            months_archive(actor=system)

    ran = months_archive(actor=system)

    assert {f"{one:%Y-%m}" for one in ran.months} == {"2025-07", "2025-08"}
    assert Event.objects.count() == 5
    assert [one.records for one in Archive.objects.order_by("month")] == [700, 10]
    assert AuditEntry.objects.filter(verb=Verb.MONTH_DROPPED).count() == 2
    assert not list(kept.glob(".*.new"))
    for month in ("2025-07", "2025-08"):
        verified(kept, month)
        assert not list((kept / month).glob("*.new"))


def test_what_is_not_signed_or_not_summed_up_stays(kept, system):
    runs = Cursor.objects.filter(name="runs")
    runs.update(leaf=705)
    with pytest.raises(DomainError, match="August 2025 are not all summed up yet"):
        months_archive(actor=system)
    assert Event.objects.count() == 15

    runs.update(leaf=715)
    as_owner("proof_checkpoint", "UPDATE proof_checkpoint SET size = 705")
    with pytest.raises(DomainError, match="in no signed checkpoint yet"):
        months_archive(actor=system)


@pytest.mark.parametrize(
    ("table", "change", "said"),
    [
        ("activity_event", "UPDATE {} SET header = '{{}}' {}", "Record 400 is not what"),
        ("activity_payload", "UPDATE {} SET body = 'x' {}", "The words of record 400 are not"),
        ("activity_payload", "DELETE FROM {} {}", "The words of record 400 are missing"),
    ],
)
def test_what_was_changed_is_not_archived_as_if_it_were_true(kept, system, table, change, said):
    as_owner(table, change.format(table, "WHERE leaf_index = 400"))

    with pytest.raises(DomainError, match=said):
        months_archive(actor=system)

    assert Event.objects.count() == 715


def test_the_database_drops_nothing_that_the_archive_does_not_count(kept, system):
    archive = Archive(month="2025-07-01", log_id=Log.objects.get(name="activity").pk, records=699)
    archive.payloads, archive.size, archive.folder, archive.digest = 699, 1, "2025-07", "0" * 64
    archive.save()
    this_month = Archive(
        month=timezone.now().date().replace(day=1), log_id=1, records=5, payloads=5
    )
    this_month.size, this_month.folder, this_month.digest = 1, "now", "0" * 64
    this_month.save()

    for one, said in ((archive.pk, "and its archive"), (this_month.pk, "not over"), (0, "no such")):
        with (
            pytest.raises(IntegrityError, match=said),
            transaction.atomic(),
            connection.cursor() as cursor,
        ):
            cursor.execute("SELECT activity_drop_partition(%s)", [one])
    assert Event.objects.count() == 715


@pytest.mark.parametrize("pattern", ["events-0002*", "payloads-0001*", "manifest*"])
def test_changed_files_are_found(kept, system, pattern):
    months_archive(actor=system)
    (path,) = (kept / "2025-07").glob(pattern)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)

    with pytest.raises(CommandError, match="DOES NOT HOLD"):
        verified(kept)


def test_a_line_changed_together_with_its_manifest_is_found(kept, system):
    months_archive(actor=system)
    folder = kept / "2025-08"
    path = folder / "events-0001.jsonl.gz"
    text = gzip.decompress(path.read_bytes()).replace(b"deed 3", b"deed 4", 1)
    path.write_bytes(gzip.compress(text))
    manifest = json.loads((folder / "manifest.json").read_text())
    manifest["parts"][0]["events"]["sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    (folder / "manifest.json").write_text(json.dumps(manifest))

    with pytest.raises(CommandError, match="DOES NOT HOLD: Record 703 is not what was sealed"):
        verified(kept, "2025-08")


def test_one_archives_at_a_time(kept, system):
    with archive_held(), pytest.raises(Busy):
        months_archive(actor=system)
