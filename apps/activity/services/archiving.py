"""Months leave the database: into files that can be proven, and only then out of it.

Killed anywhere, it goes on: a part that is on the disk is not written again, a folder gets its
name once it is whole, and the tables are dropped in the transaction that says so.
"""

import fcntl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from django.db.models import Max
from django.utils import timezone

from apps.activity import policies
from apps.activity.archives import BROKEN, ArchiveBroken, Folder, is_in, make_folder, sync_folder
from apps.activity.models import Archive, Cursor, Event, HourDue, Payload
from apps.activity.selectors.archived import archive_folder
from apps.activity.selectors.keeping import ARCHIVING, months_due
from apps.activity.services.archive_parts import (
    Tick,
    erased_text,
    month_bounds,
    part_check,
    part_words_remove,
    parts_write,
    totals_of,
)
from apps.activity.services.hours import RUNS
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import job_fail, job_finish, job_start
from apps.core.models import Job, JobStatus
from apps.core.policies import enforce
from apps.proof.models import Checkpoint, Log
from apps.proof.selectors import Tiles

FORMAT = 1
PATIENCE = "5s"
# The schedule tries once an hour: a month that is always in use is told after a day.
MOST_TRIES = 24
ARCHIVED = ("records", "payloads", "erased", "ranges")


class Busy(Exception):
    """Another process archives, or rewrites the archive."""


@dataclass(frozen=True, slots=True)
class Archived:
    """The months that left the database in a run; `busy` is one whose tables were in use."""

    months: list[date]
    records: int
    busy: date | None = None

    @property
    def held_up(self) -> str:
        if self.busy is None:
            return ""
        return f"{self.busy:%B %Y} is in the archive; its tables are in use and go later."


def months_archive(
    *,
    actor: Actor,
    reason: str = "",
    now: datetime | None = None,
    tick: Tick = lambda _: None,
) -> Archived:
    """Archive and drop every month that is due, oldest first. Raises `Busy`."""
    enforce(policies.can_archive(actor))
    now = now or timezone.now()
    done: list[date] = []
    records = 0
    with archive_held():
        for month in months_due(now):
            archive = _of(month) or _month_write(month, actor, tick)
            words_reconcile(archive, actor)
            if not _month_drop(archive, actor, reason):
                return Archived(done, records, month)
            done.append(month)
            records += archive.records
    return Archived(done, records)


@transaction.atomic
def archiving_begin(*, actor: Actor, reason: str = "") -> Job:
    """Start the job that archives what is due. Refused where nothing is, or one runs."""
    enforce(policies.can_archive(actor))
    if not months_due(timezone.now()):
        raise DomainError("No month is due. Say in the policies how many months are kept.")
    if Job.objects.filter(
        kind=ARCHIVING, status__in=(JobStatus.QUEUED, JobStatus.RUNNING)
    ).exists():
        raise DomainError("Months are being archived now.")
    return job_start(
        kind=ARCHIVING,
        task="activity.archive_months",
        subject=None,
        actor=actor,
        parameters={"reason": reason},
    )


def archiving_end(job: Job, ran: Archived) -> None:
    """End the job of a run. A month whose tables were in use so many times on end fails it."""
    busy = f"{ran.busy:%Y-%m}" if ran.busy else ""
    before = Job.objects.filter(kind=ARCHIVING, finished_at__isnull=False).order_by("-pk").first()
    tries = 1
    if before is not None and before.result.get("busy") == busy:
        tries = before.result.get("tries", 0) + 1
    result: dict[str, Any] = {"records": ran.records}
    said = f"{len(ran.months)} months left the database, {ran.records} records. {ran.held_up}"
    if ran.busy is None:
        job_finish(job, result=result, message=said.strip())
        return
    result |= {"busy": busy, "tries": tries}
    if tries < MOST_TRIES:
        job_finish(job, result=result, message=said)
        return
    job_fail(
        job,
        result=result,
        message=f"{ran.busy:%B %Y} is in the archive and stays in the database too: its tables were"
        f" in use each of the last {tries} times.",
    )


def archiving_begin_if_due(*, actor: Actor) -> Job | None:
    try:
        return archiving_begin(actor=actor)
    except DomainError:
        return None


@contextmanager
def archive_held() -> Iterator[Path]:
    """Be the only one who writes to the archive; else `Busy`."""
    place = Path(settings.TRAIL_ARCHIVE_DIR)
    make_folder(place)
    with (place / "archive.lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise Busy from error
        yield place


def _of(month: date) -> Archive | None:
    found: Archive | None = Archive.objects.standing().of_month(month).first()
    return found


def _month_write(month: date, actor: Actor, tick: Tick) -> Archive:
    """Write a month to its folder and note it. A folder that is there already is taken up."""
    log = _log_ready(month)
    place = Path(settings.TRAIL_ARCHIVE_DIR)
    folder = Folder(place / f"{month:%Y-%m}")
    if not folder.path.exists():
        _folder_make(folder, log, month, tick)
    # Also where a run before was killed once the folder had its name.
    sync_folder(place)
    told = folder.manifest()
    _require_this_month(told, log, month)
    folder.leftovers_remove(told)
    for part in told["parts"]:
        part_check(folder, part, Tiles(log))
    return _note(folder, told, log, month, actor)


def _folder_make(folder: Folder, log: Log, month: date, tick: Tick) -> None:
    draft = Folder(folder.path.with_name(f".{month:%Y-%m}.new"))
    draft.path.mkdir(exist_ok=True, mode=0o700)
    parts = parts_write(draft, log, month, tick)
    newest = Checkpoint.objects.newest_of(log).first()
    draft.manifest_write(
        {
            "format": FORMAT,
            "log": log.name,
            "month": f"{month:%Y-%m}",
            "parts": parts,
            "rewritten": [],
            # What the log was signed as then: the leaves can be proven against it for good.
            "checkpoint": newest.note if newest else "",
            **totals_of(parts),
        }
    )
    draft.path.rename(folder.path)


def _log_ready(month: date) -> Log:
    """The log, once nothing of the month is needed here any more. Raises `DomainError`."""
    log = Log.objects.get(name="activity")
    start, end = month_bounds(month)
    rows = Event.objects.filter(recorded_at__gte=start, recorded_at__lt=end)
    if rows.exclude(log_id=log.pk).exists():
        raise DomainError(f"{month:%B %Y} holds records of another log than {log.name}.")
    last = rows.aggregate(last=Max("leaf_index"))["last"]
    if last is None:
        return log
    newest = Checkpoint.objects.newest_of(log).first()
    if newest is None or newest.size <= last:
        raise DomainError(f"The records of {month:%B %Y} are in no signed checkpoint yet.")
    is_read = Cursor.objects.filter(name=RUNS, leaf__gt=last).exists()
    if not is_read or HourDue.objects.filter(hour__lt=end).exists():
        raise DomainError(f"The records of {month:%B %Y} are not all summed up yet.")
    return log


def _require_this_month(told: dict[str, Any], log: Log, month: date) -> None:
    """A folder may be left from a run that was killed; it may not be anything else."""
    start, end = month_bounds(month)
    rows = Event.objects.filter(recorded_at__gte=start, recorded_at__lt=end)
    is_it = (told.get("log"), told.get("month")) == (log.name, f"{month:%Y-%m}")
    if not is_it or told.get("records") != rows.count():
        raise ArchiveBroken(f"The folder {month:%Y-%m} holds something else: move it away first.")


@transaction.atomic
def _note(folder: Folder, told: dict[str, Any], log: Log, month: date, actor: Actor) -> Archive:
    archive = Archive.objects.create(
        month=month,
        log_id=log.pk,
        folder=folder.path.name,
        size=folder.size(),
        digest=folder.manifest_digest(),
        **{name: told[name] for name in ARCHIVED},
    )
    record(
        actor=actor,
        verb=Verb.MONTH_ARCHIVED,
        target=archive,
        changes=archive_told(archive),
    )
    return archive


def archive_told(archive: Archive) -> dict[str, tuple[Any, Any]]:
    """What the record says of an archive: how much, which leaves, and its digest."""
    leaves = [archive.ranges[0][0], archive.ranges[-1][1] - 1] if archive.ranges else []
    return {
        "records": (None, archive.records),
        "payloads": (None, archive.payloads),
        "erased": (None, archive.erased),
        "leaves": (None, leaves),
        "manifest_sha256": (None, archive.digest),
        "bytes": (None, archive.size),
    }


def words_reconcile(archive: Archive, actor: Actor) -> None:
    """Erase in the files what was erased in the database since they were written."""
    start, end = month_bounds(archive.month)
    gone = Payload.objects.filter(
        log_id=archive.log_id,
        recorded_at__gte=start,
        recorded_at__lt=end,
        erased_at__isnull=False,
    ).values_list("leaf_index", "erased_at")
    if len(gone) != archive.erased:
        erased = {leaf: erased_text(at) for leaf, at in gone if at}
        for error in archive_words_remove(archive, erased, actor).values():
            raise error


def archive_words_remove(
    archive: Archive, erased: Mapping[int, str], actor: Actor
) -> dict[int, Exception]:
    """Write the words of an archive anew without these; returns those it could not, and why.

    A broken part holds up no other, and stays as it is. The archive is held. The manifest is
    exchanged whole, then what it no longer names is removed; done twice it is the same. Headers
    are untouched, so every proof still holds.
    """
    folder, left = archive_folder(archive), dict[int, Exception]()
    told = folder.manifest()
    for number, part in enumerate(told["parts"], 1):
        mine = {leaf: at for leaf, at in erased.items() if is_in(part["ranges"], leaf)}
        if mine:
            try:
                folder.file_check(part["payloads"]["file"], part["payloads"]["sha256"])
                told["parts"][number - 1] = part_words_remove(folder, part, number, mine)
            except BROKEN as error:
                left |= dict.fromkeys(mine, error)
    told |= totals_of(told["parts"])
    told["rewritten"] = sorted({*told["rewritten"], *(erased.keys() - left.keys())})
    digest = folder.manifest_write(told)
    folder.leftovers_remove(told)
    if digest != archive.digest:
        _note_rewritten(archive, told, digest, folder.size(), actor)
    return left


@transaction.atomic
def _note_rewritten(
    archive: Archive, told: Mapping[str, Any], digest: str, size: int, actor: Actor
) -> None:
    changes = {
        "manifest_sha256": (archive.digest, digest),
        "erased": (archive.erased, told["erased"]),
    }
    archive.digest, archive.size = digest, size
    archive.payloads, archive.erased = told["payloads"], told["erased"]
    archive.save(update_fields=["digest", "size", "payloads", "erased"])
    record(actor=actor, verb=Verb.ARCHIVE_REWRITTEN, target=archive, changes=changes)


def _month_drop(archive: Archive, actor: Actor, reason: str) -> bool:
    """Drop the tables of an archived month, its files read once more; False if they are in use.

    The database counts again, under lock, and refuses if the archive has another number.
    """
    folder = archive_folder(archive)
    told = folder.manifest()
    if folder.manifest_digest() != archive.digest:
        raise ArchiveBroken(f"{folder.path} is not what was archived.")
    folder.files_check(told)
    try:
        with transaction.atomic():
            locked = Archive.objects.locked(archive.pk)
            with connection.cursor() as cursor:
                cursor.execute("SELECT set_config('lock_timeout', %s, true)", [PATIENCE])
                cursor.execute("SELECT activity_drop_partition(%s)", [archive.pk])
            locked.dropped_at = timezone.now()
            locked.save(update_fields=["dropped_at"])
            record(
                actor=actor,
                verb=Verb.MONTH_DROPPED,
                target=locked,
                changes=archive_told(locked),
                reason=reason,
            )
    except OperationalError:
        return False
    return True
