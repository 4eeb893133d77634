"""Archiving that does not work is told once, until it works; what is dropped is on the disk."""

import os
from pathlib import Path

import pytest
from django.db import connection

from apps.activity.models import Event
from apps.activity.services import archiving
from apps.activity.services.archiving import archiving_begin, months_archive
from apps.core.models import JobStatus
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from tests.activity.test_archiving import (  # noqa: F401  (fixtures)
    Killed,
    kept,
    killed_at,
    place,
)
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)
from tests.proof.tampering import as_owner

pytestmark = pytest.mark.django_db


def holding(system):
    findings_recheck(actor=system, rules=["archive-failing"])
    return list(Finding.objects.holding().values_list("rule", "detail"))


def archive(system, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        job = archiving_begin(actor=system)
    job.refresh_from_db()
    return job


def test_archiving_that_fails_is_found_once_with_the_reason_until_it_works(
    kept,  # noqa: F811
    system,
    as_steward,
    django_capture_on_commit_callbacks,
):
    assert holding(system) == []
    kept.mkdir()
    (kept / "2025-07").write_text("A file where the folder of a month should be.")

    for _ in range(2):
        job = archive(system, django_capture_on_commit_callbacks)
        assert job.status == JobStatus.FAILED
        ((rule, detail),) = holding(system)
        assert (rule, detail) == ("archive-failing", job.message)
        assert "2025-07" in detail
    assert Finding.objects.count() == 1
    page = as_steward.get(Finding.objects.get().get_absolute_url()).content.decode()
    assert "Months that cannot be archived" in page
    assert "docs/keeping.md" in page

    (kept / "2025-07").unlink()
    assert archive(system, django_capture_on_commit_callbacks).status == JobStatus.DONE
    assert holding(system) == []
    assert Finding.objects.get().state == "resolved"


@pytest.mark.parametrize("told", ["{", "{}", '{"ranges": []}', "7"])
def test_a_damaged_note_of_a_part_is_told_by_its_name(
    kept,  # noqa: F811
    system,
    told,
    django_capture_on_commit_callbacks,
):
    draft = kept / ".2025-07.new"
    draft.mkdir(parents=True)
    (draft / "part-0001.json").write_text(told)

    job = archive(system, django_capture_on_commit_callbacks)

    assert job.status == JobStatus.FAILED
    assert "part-0001.json cannot be read" in job.message
    assert holding(system) == [("archive-failing", job.message)]


def test_a_file_that_breaks_off_is_told(
    kept,  # noqa: F811
    system,
    monkeypatch,
    django_capture_on_commit_callbacks,
):
    with monkeypatch.context() as patched:
        killed_at(patched, archiving, "_note", 1)
        with pytest.raises(Killed):
            months_archive(actor=system)
    file = kept / "2025-07" / "events-0001.jsonl.gz"
    file.write_bytes(file.read_bytes()[:-40])

    job = archive(system, django_capture_on_commit_callbacks)

    assert job.status == JobStatus.FAILED
    assert "is not what was written" in job.message
    assert holding(system) == [("archive-failing", job.message)]
    assert Event.objects.count() == 715


def test_what_the_database_refuses_to_drop_is_told_and_not_tried_ten_times(
    kept,  # noqa: F811
    system,
    monkeypatch,
    django_capture_on_commit_callbacks,
):
    with monkeypatch.context() as patched:
        killed_at(patched, archiving, "_month_drop", 1)
        with pytest.raises(Killed):
            months_archive(actor=system)
    as_owner("activity_archive", "UPDATE activity_archive SET records = 699 WHERE records = 700")

    job = archive(system, django_capture_on_commit_callbacks)

    assert (job.status, job.attempts) == (JobStatus.FAILED, 1)
    assert "and its archive" in job.message
    assert holding(system) == [("archive-failing", job.message)]
    assert Event.objects.count() == 715


def test_a_month_is_dropped_only_once_all_of_it_is_on_the_disk(
    kept,  # noqa: F811
    system,
    monkeypatch,
):
    """Each file, and each folder as it stands then, up to the one that was there before."""
    synced, seen = {}, []
    real = os.fsync

    def fsync(descriptor):
        real(descriptor)
        path = Path(f"/proc/self/fd/{descriptor}").resolve()
        of = os.fstat(descriptor)
        synced[of.st_ino] = names_in(path) if path.is_dir() else of.st_size

    def watched(execute, sql, *rest):
        if "activity_drop_partition" in sql:
            seen.append(_not_synced(kept, synced))
        return execute(sql, *rest)

    monkeypatch.setattr(os, "fsync", fsync)
    assert not kept.exists()
    with connection.execute_wrapper(watched):
        assert len(months_archive(actor=system).months) == 2

    assert seen == [[], []]


def _not_synced(archive_folder, synced):
    """What would be lost, or have no name, if the power went now."""
    months = [one for one in archive_folder.iterdir() if one.is_dir()]
    folders = [archive_folder.parent, archive_folder, *months]
    files = [file for month in months for file in month.iterdir()]
    now = {one: names_in(one) for one in folders}
    now |= {one: one.stat().st_size for one in files}
    return [one.name for one, stands in now.items() if synced.get(one.stat().st_ino) != stands]


def names_in(folder):
    return sorted(one.name for one in folder.iterdir())


def test_a_month_that_is_always_in_use_is_told_after_a_day_until_it_goes(
    kept,  # noqa: F811
    system,
    monkeypatch,
    django_capture_on_commit_callbacks,
):
    with monkeypatch.context() as patched:
        patched.setattr(archiving, "MOST_TRIES", 3)
        patched.setattr(archiving, "_month_drop", lambda *_: False)
        for tries in (1, 2):
            job = archive(system, django_capture_on_commit_callbacks)
            assert (job.status, job.result["tries"]) == (JobStatus.DONE, tries)
            assert holding(system) == []
        for tries in (3, 4):
            job = archive(system, django_capture_on_commit_callbacks)
            assert (job.status, job.result["tries"]) == (JobStatus.FAILED, tries)
            ((rule, detail),) = holding(system)
            assert rule == "archive-failing"
            assert "July 2025 is in the archive" in detail
            assert f"in use each of the last {tries} times" in detail

    assert archive(system, django_capture_on_commit_callbacks).status == JobStatus.DONE
    assert holding(system) == []


def test_tries_are_counted_of_one_month_on_end(
    kept,  # noqa: F811
    system,
    monkeypatch,
    django_capture_on_commit_callbacks,
):
    """Another month that is in use, once this one went, begins anew."""
    real = archiving._month_drop
    with monkeypatch.context() as patched:
        patched.setattr(archiving, "_month_drop", lambda *_: False)
        archive(system, django_capture_on_commit_callbacks)
        patched.setattr(
            archiving, "_month_drop", lambda one, *rest: one.month.month == 7 and real(one, *rest)
        )
        job = archive(system, django_capture_on_commit_callbacks)

    assert (job.result["busy"], job.result["tries"]) == ("2025-08", 1)
