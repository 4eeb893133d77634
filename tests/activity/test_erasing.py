"""Words go when one person asks and another approves; the record and its proof stay."""

import gzip
import json
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from apps.activity.models import Archive, Erasure, Event, Payload
from apps.activity.selectors.archived import subject_of
from apps.activity.services import archive_parts, archiving, erasing
from apps.activity.services.archiving import archive_held, months_archive
from apps.activity.services.erasing import (
    erasure_approve,
    erasure_ask,
    erasure_refuse,
    erasure_withdraw,
    erasures_in_archive,
)
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project
from apps.activity.services.sweeping import records_sweep
from apps.activity.states import ErasureState
from apps.audit.models import AuditEntry
from apps.core.actors import Person, System
from apps.core.errors import DomainError
from apps.core.models import Setting
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.proof.merkle import leaf_hash, verify_inclusion
from apps.proof.models import Checkpoint, Log, Watch
from apps.proof.selectors import inclusion_proof
from apps.proof.services.signing import logs_sign
from apps.proof.states import WatchKind
from tests.activity.keeping import JULY, records_came, records_come
from tests.activity.test_archiving import Killed, killed_at
from tests.factories.accounts import SeatFactory, UserFactory
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)
from tests.proof.tampering import as_owner

pytestmark = pytest.mark.django_db

WHY = "The customer asked that their words be erased."


@pytest.fixture
def kept(settings, tmp_path, monkeypatch, key, memory):  # noqa: F811
    """20 records of July and 20 of now, signed and summed up."""
    settings.TRAIL_ARCHIVE_DIR = tmp_path / "archive"
    records_came(JULY, 20, monkeypatch)
    records_come(20)
    logs_sign(key=key, memory=memory, now=timezone.now())
    events_project()
    hours_count()
    Setting.objects.create(key="trail_months", value=3)
    return settings.TRAIL_ARCHIVE_DIR


@pytest.fixture
def one(steward):
    return Person(steward)


@pytest.fixture
def other():
    return Person(UserFactory(steward=True))


@pytest.fixture
def pair(one, other):
    return one, other


def asked(leaf, actor, basis="person"):
    log = Log.objects.get(name="activity")
    return erasure_ask(subject=subject_of(log.pk, leaf), basis=basis, reason=WHY, actor=actor)


def erased(leaf, actor, other):
    return erasure_approve(erasure_id=asked(leaf, actor).pk, reason="Checked.", actor=other)


def swept():
    records_sweep(now=timezone.now() + timedelta(days=2))
    return Watch.objects.get(kind=WatchKind.SWEEPER).trouble


def words_in(folder):
    (path,) = folder.glob("payloads-*")
    return [json.loads(line) for line in gzip.open(path, "rt")]


def told(erasure):
    about = AuditEntry.objects.filter(target_type="activity.erasure", target_id=erasure.pk)
    return [verb.rpartition(".")[2] for verb in about.order_by("pk").values_list("verb", flat=True)]


def test_words_go_once_another_person_approves_and_every_proof_still_holds(kept, one, other):
    erasure = asked(25, one)
    assert Payload.objects.get(leaf_index=25).body

    erasure = erasure_approve(erasure_id=erasure.pk, reason="Checked.", actor=other)

    payload, event = Payload.objects.get(leaf_index=25), Event.objects.get(leaf_index=25)
    assert (payload.salt, payload.body, payload.erased_at is None) == (None, None, False)
    assert (erasure.state, erasure.decided_by, erasure.erased_at is None) == (
        ErasureState.ERASED,
        other.user,
        False,
    )
    assert told(erasure) == ["asked", "approved", "erased"]
    log, newest = Log.objects.get(name="activity"), Checkpoint.objects.first()
    verify_inclusion(
        leaf=leaf_hash(event.header.encode()),
        index=25,
        size=newest.size,
        root=bytes(newest.root),
        proof=inclusion_proof(log, 25, newest.size),
    )
    assert Payload.objects.filter(erased_at__isnull=True).count() == 39
    assert swept() == ""


def test_nobody_approves_their_own(kept, one, other):
    erasure = asked(25, one)

    with pytest.raises(PermissionDenied, match="another steward must decide"):
        erasure_approve(erasure_id=erasure.pk, reason="Checked.", actor=one)
    with pytest.raises(PermissionDenied, match="Only a steward"):
        erasure_approve(erasure_id=erasure.pk, reason="Checked.", actor=Person(UserFactory()))

    assert Payload.objects.get(leaf_index=25).body


def test_the_database_erases_only_what_two_people_agreed_on(kept, one, other):
    erasure = asked(25, one)

    with (
        pytest.raises(IntegrityError, match="nobody approved"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):
        cursor.execute("SELECT activity_erase_payload(%s)", [erasure.pk])
    alone = Erasure.objects.filter(pk=erasure.pk)
    with pytest.raises(IntegrityError, match="by_two"), transaction.atomic():
        alone.update(state="approved", decided_by=one.user)


def test_who_may_ask(kept, one):
    reads = Person(SeatFactory(sees_payloads=True).user)
    assert asked(26, reads).state == ErasureState.ASKED

    for person in (SeatFactory().user, UserFactory(), UserFactory(nobody=True)):
        with pytest.raises(PermissionDenied, match="asks to erase"):
            asked(25, Person(person))


def test_words_are_asked_for_once_and_erased_once(kept, one, other):
    waiting = asked(25, one)
    with pytest.raises(DomainError, match=f"asked for already: erasure {waiting.pk}"):
        asked(25, other)

    erasure_approve(erasure_id=waiting.pk, reason="Checked.", actor=other)
    with pytest.raises(DomainError, match="were erased already"):
        asked(25, one)
    with pytest.raises(PermissionDenied, match="is erased already"):
        erasure_approve(erasure_id=waiting.pk, reason="Checked.", actor=other)


def test_a_record_without_words_has_none_to_erase(kept, one):
    records_come(1, words=False)

    with pytest.raises(DomainError, match="no words"):
        asked(40, one)


def test_a_refused_or_withdrawn_one_changes_nothing_and_may_be_asked_anew(kept, one, other):
    refused = erasure_refuse(erasure_id=asked(25, one).pk, reason="We need it.", actor=other)
    with pytest.raises(PermissionDenied, match="Only the one who asked"):
        erasure_withdraw(erasure_id=asked(25, one).pk, reason="No.", actor=other)
    back = erasure_withdraw(erasure_id=Erasure.objects.first().pk, reason="No.", actor=one)

    assert (refused.state, back.state) == (ErasureState.REFUSED, ErasureState.WITHDRAWN)
    assert Payload.objects.get(leaf_index=25).body
    assert asked(25, other).state == ErasureState.ASKED
    assert swept() == ""


def test_words_in_the_archive_are_erased_there_and_its_headers_stay(kept, one, other, system):
    months_archive(actor=system)
    folder = kept / "2025-07"
    before = (folder / "events-0001.jsonl.gz").read_bytes()

    erasure = erased(7, one, other)
    assert erasures_in_archive(actor=system) == 1

    erasure.refresh_from_db()
    archive = Archive.objects.get()
    assert (erasure.state, told(erasure)) == (ErasureState.ERASED, ["asked", "approved", "erased"])
    assert set(words_in(folder)[7]) == {"i", "erased"}
    assert [set(one) for one in words_in(folder)].count({"i", "salt", "body"}) == 19
    assert (folder / "events-0001.jsonl.gz").read_bytes() == before
    assert (archive.payloads, archive.erased) == (19, 1)
    call_command("trail_archive_verify", str(folder / "manifest.json"))
    with pytest.raises(DomainError, match="were erased already"):
        asked(7, one)


def test_words_erased_before_their_month_leaves_are_not_in_the_archive(kept, one, other, system):
    erased(7, one, other)

    months_archive(actor=system)

    assert set(words_in(kept / "2025-07")[7]) == {"i", "erased"}
    call_command("trail_archive_verify", str(kept / "2025-07"))


def test_words_erased_between_writing_and_dropping_leave_the_files_too(
    kept, one, other, system, monkeypatch
):
    with monkeypatch.context() as patched:
        killed_at(patched, archiving, "_month_drop", 1)
        with pytest.raises(Killed):
            months_archive(actor=system)
    erasure = erased(7, one, other)
    assert erasure.state == ErasureState.APPROVED

    months_archive(actor=system)
    erasures_in_archive(actor=system)

    erasure.refresh_from_db()
    assert erasure.state == ErasureState.ERASED
    assert set(words_in(kept / "2025-07")[7]) == {"i", "erased"}
    call_command("trail_archive_verify", str(kept / "2025-07"))
    assert swept() == ""


@pytest.mark.parametrize(
    "moment",
    [
        (archiving, "part_words_remove", 1),
        (archiving, "totals_of", 1),
        (archiving, "record", 1),
        (erasing, "_archived_ended", 1),
        (erasing, "record", 1),
    ],
)
def test_killed_anywhere_an_erasure_in_the_archive_ends_right(kept, pair, monkeypatch, moment):
    system = System("test")
    months_archive(actor=system)
    erasure = erased(7, *pair)
    with monkeypatch.context() as patched:
        killed_at(patched, *moment)
        with pytest.raises(Killed):
            erasures_in_archive(actor=system)

    assert erasures_in_archive(actor=system) == 1

    erasure.refresh_from_db()
    assert (erasure.state, told(erasure)) == (ErasureState.ERASED, ["asked", "approved", "erased"])
    assert set(words_in(kept / "2025-07")[7]) == {"i", "erased"}
    assert len(list((kept / "2025-07").iterdir())) == 3
    call_command("trail_archive_verify", str(kept / "2025-07"))


def test_while_the_archive_is_written_an_erasure_in_it_waits(kept, one, other, system):
    months_archive(actor=system)

    with archive_held():
        erasure = erased(7, one, other)

    assert erasure.state == ErasureState.APPROVED
    assert erasures_in_archive(actor=system) == 1


def spoil(path):
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    return data


def test_a_broken_file_holds_up_its_own_erasures_alone_and_is_told(
    kept, pair, monkeypatch, caplog, system
):
    monkeypatch.setattr(archive_parts, "PART", 8)
    months_archive(actor=system)
    folder = kept / "2025-07"
    first, held_up, last = (erased(leaf, *pair) for leaf in (2, 10, 18))
    (broken,) = folder.glob("payloads-0002.*")
    whole = broken.read_bytes()
    spoil(broken)
    others = [*folder.glob("payloads-0001.*"), *folder.glob("payloads-0003.*")]

    assert erasures_in_archive(actor=system) == 2

    for one in (first, held_up, last):
        one.refresh_from_db()
    assert [one.state for one in (first, held_up, last)] == ["erased", "approved", "erased"]
    assert not any(one.exists() for one in others)
    assert "payloads-0002" in caplog.text
    assert f"Erasure {held_up.pk}" in caplog.text
    assert holding(system) == []
    Erasure.objects.filter(pk=held_up.pk).update(decided_at=timezone.now() - timedelta(hours=2))
    assert holding(system) == ["Erasure of record 10"]

    broken.write_bytes(whole)
    # The next run is a transaction of its own, which a test's is not.
    as_owner("audit_auditentry", REWRITTEN_EARLIER)
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL DEFERRED")
    assert erasures_in_archive(actor=system) == 1
    held_up.refresh_from_db()
    assert held_up.state == "erased"
    assert holding(system) == []
    call_command("trail_archive_verify", str(folder))


def test_an_archive_without_its_manifest_holds_up_no_other(kept, pair, monkeypatch, system):
    months_archive(actor=system)
    erasure = erased(7, *pair)
    manifest = kept / "2025-07" / "manifest.json"
    told_before = manifest.read_bytes()
    manifest.unlink()

    assert erasures_in_archive(actor=system) == 0

    manifest.write_bytes(told_before)
    assert erasures_in_archive(actor=system) == 1
    erasure.refresh_from_db()
    assert erasure.state == "erased"


REWRITTEN_EARLIER = (
    "UPDATE audit_auditentry SET occurred_at = occurred_at - interval '1 hour'"
    " WHERE verb = 'activity.archive.rewritten'"
)


def holding(system):
    findings_recheck(actor=system, rules=["erasure-held-up"])
    return list(Finding.objects.holding().values_list("subject_label", flat=True))
