"""Workers killed with -9 in the middle of archiving, or of reading a log: another ends it right.

Each is a process of its own on the test's database, stopped dead at one moment: no handler runs.
"""

import gzip
import json
import os
import signal
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta

import pytest
from django.core.management import call_command
from django.db import connection
from django.utils import timezone

from apps.activity import tasks
from apps.activity.headers import Whose
from apps.activity.models import Archive, Event, LogImport, LogRecord, Payload
from apps.activity.selectors.keeping import months_here
from apps.activity.services.archiving import archiving_begin
from apps.activity.services.hours import hours_count
from apps.activity.services.logs import import_upload
from apps.activity.services.projecting import events_project
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.models import Job, JobStatus, Setting
from apps.core.tasks import requeue_silent_jobs
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.selectors import Tiles
from apps.proof.services.signing import logs_sign
from config.celery import app as celery_app
from tests.activity.keeping import JULY, records_came, records_come
from tests.activity.logs import as_lines, event, stream
from tests.processes import database_url, worker_process
from tests.proof.conftest import key, memory  # noqa: F401  (fixtures)

pytestmark = pytest.mark.django_db(transaction=True)

AUGUST = datetime(2025, 8, 2, tzinfo=UTC)

# Dies as a function is called the nth time, or as that call is over.
DYING = """
import importlib, os, signal
def die(place, name, nth, moment):
    module, _, owner = place.partition(":")
    where = importlib.import_module(module)
    where = getattr(where, owner) if owner else where
    real, left = getattr(where, name), [int(nth)]
    def dies(*given, **named):
        left[0] -= 1
        if left[0] == 0 and moment == "before":
            os.kill(os.getpid(), signal.SIGKILL)
        answer = real(*given, **named)
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer
    setattr(where, name, dies)
"""
ARCHIVER = (
    DYING
    + """
import sys
from pathlib import Path
import django
django.setup()
from django.conf import settings
settings.TRAIL_ARCHIVE_DIR = Path(sys.argv[2])
from apps.activity import tasks
from apps.activity.services import archive_parts
archive_parts.PART = 300
die(*sys.argv[3:])
tasks.archive_months(int(sys.argv[1]))
"""
)
# A worker that dies once a part of a log was kept, or in the transaction that keeps it.
READER = (
    DYING
    + """
import ctypes, os, sys
ctypes.CDLL(None).prctl(1, signal.SIGKILL)
from config.celery import app
app.conf.task_always_eager = False
from celery.signals import worker_process_init, worker_init
def begin(**named):
    from apps.activity.services import logs
    logs.MOST_RECORDS = 50
    real = os.kill
    # All of the worker, as the machine would take it: not only the process that reads.
    os.kill = lambda pid, number: (real(os.getppid(), number), real(pid, number))
    die(*sys.argv[1:])
worker_process_init.connect(begin, weak=False)
app.worker_main(["worker", "--concurrency", "1", "--without-mingle", "--without-gossip"])
"""
)


def environment(**more):
    return {
        **os.environ,
        "DATABASE_URL": database_url(),
        "DJANGO_SETTINGS_MODULE": "config.settings.test",
        **more,
    }


@pytest.fixture
def left_to_workers():
    """What is enqueued waits for a worker of the test."""
    celery_app.control.purge()
    celery_app.conf.task_always_eager = False
    yield
    celery_app.conf.task_always_eager = True
    celery_app.control.purge()


@pytest.fixture
def kept(settings, tmp_path, monkeypatch, key, memory, left_to_workers):  # noqa: F811, PLR0917
    """700 records of July, 10 of August, 5 of today: signed, summed up, and 3 months kept."""
    settings.TRAIL_ARCHIVE_DIR = tmp_path / "archive"
    records_came(JULY, 700, monkeypatch, whose=Whose(agent_id=77, agent="Refunds"))
    records_came(AUGUST, 10, monkeypatch, trace="1" * 32)
    records_come(5, trace="2" * 32)
    logs_sign(key=key, memory=memory, now=timezone.now())
    events_project()
    hours_count()
    Setting.objects.create(key="trail_months", value=3)
    yield settings.TRAIL_ARCHIVE_DIR
    with connection.cursor() as cursor:
        for month in months_here():
            if month < datetime(2025, 9, 1, tzinfo=UTC).date():
                for table in ("activity_event", "activity_payload"):
                    cursor.execute(f"DROP TABLE {table}_{month:%Y_%m}")


def archiver_killed(job, place, moment):
    done = subprocess.run(
        [sys.executable, "-c", ARCHIVER, str(job.pk), str(place), *moment],
        env=environment(),
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def go_on(job):
    """As the schedule does once nothing was heard of a worker for a minute."""
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    assert requeue_silent_jobs() == 1
    tasks.archive_months(job.pk)
    job.refresh_from_db()


def on_disk(place):
    """Every line of the archive by its leaf, read without anything of ours."""
    found = {}
    for folder in place.glob("2025-*"):
        for part in json.loads((folder / "manifest.json").read_text())["parts"]:
            leaves = [leaf for start, end in part["ranges"] for leaf in range(start, end)]
            with gzip.open(folder / part["events"]["file"]) as file:
                lines = [line.rstrip(b"\n") for line in file]
            assert len(lines) == len(leaves)
            found |= dict(zip(leaves, lines, strict=True))
    return found


PARTS, ARCHIVING = "apps.activity.services.archive_parts", "apps.activity.services.archiving"
FILES = "apps.activity.archives"


@pytest.mark.parametrize(
    "moment",
    [
        # As lines are written, as a file gets its name, and as a part was read back.
        ("gzip:GzipFile", "write", "400", "before"),
        (FILES, "sync_folder", "2", "before"),
        (PARTS, "part_check", "2", "after"),
        (PARTS, "write_whole", "3", "after"),
        # As the folder gets its name, and before and after the month is noted.
        ("pathlib:Path", "rename", "8", "after"),
        (ARCHIVING, "sync_folder", "1", "before"),
        (ARCHIVING, "_note", "1", "before"),
        (ARCHIVING, "record", "1", "after"),
        (ARCHIVING, "_note", "1", "after"),
        # As its tables are dropped but that is not committed, and after.
        (ARCHIVING, "record", "2", "before"),
        (ARCHIVING, "record", "2", "after"),
        (ARCHIVING, "_month_drop", "1", "after"),
        (ARCHIVING, "_note", "2", "before"),
    ],
)
def test_archiving_ends_right_wherever_its_worker_is_killed(kept, system, moment):
    headers = dict(Event.objects.values_list("leaf_index", "header"))
    job = archiving_begin(actor=system)

    archiver_killed(job, kept, moment)
    here = set(Event.objects.values_list("leaf_index", flat=True))
    gone = headers.keys() - here
    assert {leaf: headers[leaf].encode() for leaf in gone}.items() <= on_disk(kept).items()
    go_on(job)

    assert (job.status, Event.objects.count(), Payload.objects.count()) == (JobStatus.DONE, 5, 5)
    written = on_disk(kept)
    assert {leaf: line.decode() for leaf, line in written.items()} == {
        leaf: header for leaf, header in headers.items() if leaf < 710
    }
    tiles = Tiles(Log.objects.get(name="activity"))
    assert all(tiles.node((0, leaf)) == leaf_hash(line) for leaf, line in written.items())
    assert [one.records for one in Archive.objects.order_by("month")] == [700, 10]
    for verb in (Verb.MONTH_ARCHIVED, Verb.MONTH_DROPPED):
        assert AuditEntry.objects.filter(verb=verb).count() == 2
    assert not [one for one in kept.rglob("*") if one.name.endswith(".new")]
    for month in ("2025-07", "2025-08"):
        call_command("trail_archive_verify", str(kept / month))


def reader_killed(moment, log):
    with log.open("wb") as out:
        worker = subprocess.Popen(
            [sys.executable, "-c", READER, *moment],
            env=environment(),
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            worker.wait(120)
        finally:
            if worker.poll() is None:
                os.killpg(worker.pid, signal.SIGKILL)
    assert worker.returncode == -signal.SIGKILL, log.read_text()


KEEPING, LOGS = "apps.activity.services.keeping", "apps.activity.services.logs"


@pytest.mark.parametrize(
    ("moment", "kept_by_then"),
    [
        # Between two parts; in the transaction of one; and as all is read, but not yet said.
        ((LOGS, "batch_keep", "3", "after"), 150),
        ((KEEPING, "_note", "4", "after"), 150),
        ((KEEPING, "_append", "1", "after"), 0),
        ((LOGS, "_ended", "1", "before"), 320),
    ],
)
@pytest.mark.usefixtures("left_to_workers")
def test_a_log_is_kept_once_though_its_worker_was_killed(
    tmp_path, settings, system, moment, kept_by_then
):
    path = tmp_path / "log.json"
    path.write_bytes(as_lines(*(event(number) for number in range(320))))
    held = import_upload(
        stream=stream(), name="log.json", path=str(path), sha256="0" * 64, actor=system
    )

    reader_killed(moment, tmp_path / "killed.log")
    assert Event.objects.count() == LogRecord.objects.count() == kept_by_then
    Job.objects.update(heartbeat_at=timezone.now() - timedelta(minutes=5))
    requeue_silent_jobs()
    with worker_process(tmp_path / "worker.log", settings.DATA_DIR) as log:
        until = time.monotonic() + 60
        while not LogImport.objects.get(pk=held.pk).is_over:
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)

    held.refresh_from_db()
    headers = Event.objects.values_list("header", flat=True)
    told = [json.loads(header)["original"] for header in headers]
    assert sorted(told) == sorted(f"E{number}" for number in range(320))
    assert (held.kept, held.repeated, held.unreadable) == (320, 0, 0)
    assert Log.objects.get(name="activity").size == Event.objects.count() == 320
    assert AuditEntry.objects.filter(verb=Verb.LOG_READ).count() == 1
