"""A worker killed with -9 in the middle of an import: another goes on, and the result is the same.

The worker is a process of its own, on the test's database, stopped dead at one moment.
"""

import os
import signal
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.connectors.models import StagedRow, Sync
from apps.connectors.services.exporting import inventory_export
from apps.connectors.states import SyncStatus
from apps.connectors.tasks import read_sync
from apps.console.sample.document import company_document
from apps.core.actors import Person
from apps.core.models import Job, JobStatus
from apps.core.tasks import requeue_silent_jobs
from apps.grants.models import Grant
from apps.inventory.models import Source
from tests.connectors.importing import COMMAND, bring, written
from tests.processes import database_url

NOW = datetime(2026, 11, 27, 9, 0, tzinfo=UTC)
FORMAT = "countersign"

WORKER = """
import os, signal, sys
import django
django.setup()
from apps.connectors import tasks
from apps.connectors.services import applying, run
def die(*args, **kwargs):
    os.kill(os.getpid(), signal.SIGKILL)
task, job_id, moment = sys.argv[1], int(sys.argv[2]), sys.argv[3]
if moment == "read":
    tasks.sync_preview = die
elif moment == "written":
    applying.enqueue = die
elif moment == "committed":
    tasks.job_finish = die
else:
    steps = list(applying.STEPS)
    steps.insert([step.__name__ for step in steps].index(moment) + 1, die)
    applying.STEPS = steps
getattr(tasks, task)(job_id)
"""


def killed_worker(task, job, moment, data_dir):
    """Run the job in a process that is killed at a moment."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, task, str(job.pk), moment],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "COUNTERSIGN_DATA_DIR": str(data_dir),
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        },
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


def minutes_later(job):
    """The worker has been silent for long enough that its job is taken up again."""
    Job.objects.filter(pk=job.pk).update(heartbeat_at=timezone.now() - timedelta(minutes=2))
    requeue_silent_jobs()
    job.refresh_from_db()


def outcome():
    """What an import leaves: the inventory, what vanished from it, and what is recorded."""
    source = Source.objects.current().get()
    told = AuditEntry.objects.filter(verb__regex="^(inventory|grants)[.]")
    return {
        "document": "".join(inventory_export(actor=COMMAND)),
        "gone": set(Grant.objects.gone().values_list("label", flat=True)),
        "changes": source.changes,
        "counts": (source.read_count, source.accepted_count, source.rejected_count),
        "readings": Source.objects.count(),
        "record": Counter(told.values_list("verb", "target_label")),
        "staged": StagedRow.objects.count(),
    }


@pytest.fixture
def data_dir(settings, tmp_path):
    settings.DATA_DIR = tmp_path / "data"
    return settings.DATA_DIR


@pytest.fixture
def files(tmp_path):
    """A part of a company's inventory, and a later one: grants are new in it, and have vanished."""
    company = company_document(NOW)
    for kind, count in (
        ("agents", 6),
        ("identities", 20),
        ("credentials", 12),
        ("permissions", 20),
    ):
        company[kind] = company[kind][:count]
    grants = company["grants"]
    return [
        written(tmp_path, {**company, "grants": part}, name)
        for part, name in ((grants[:20], "before.json"), (grants[8:30], "after.json"))
    ]


@pytest.fixture
def jobs_wait(monkeypatch):
    """Leave a new job alone until a worker of the test takes it."""
    monkeypatch.setattr("apps.core.jobs.enqueue", lambda task, **kwargs: None)


@pytest.fixture
def uploaded(as_steward, files, data_dir, jobs_wait):
    """The later file, brought in by the browser onto what the first left."""
    before, after = files
    bring(before, FORMAT)
    as_steward.post(
        reverse("connectors:sync_upload"),
        {"format": FORMAT, "file": SimpleUploadedFile(after.name, after.read_bytes())},
    )
    return Sync.objects.latest("pk")


@pytest.fixture
def unkilled(uploaded, files, steward):
    """What the same import leaves where nothing happens to it."""
    with transaction.atomic():
        bring(files[1], FORMAT, actor=Person(steward))
        left = outcome()
        transaction.set_rollback(True)
    return left


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("moment", ["apply_systems", "apply_grants", "written", "committed"])
def test_an_import_goes_on_after_a_killed_worker_with_the_same_result(
    as_steward, uploaded, unkilled, data_dir, moment
):
    read_sync(job_id=Job.objects.get(kind="connectors.read").pk)
    as_steward.post(reverse("connectors:sync_apply", args=[uploaded.pk]))
    job = Job.objects.get(kind="connectors.apply")
    killed_worker("apply_sync", job, moment, data_dir)
    assert Source.objects.count() == (2 if moment == "committed" else 1)

    minutes_later(job)

    uploaded.refresh_from_db()
    assert (job.status, uploaded.status) == (JobStatus.DONE, SyncStatus.APPLIED)
    assert outcome() == unkilled
    assert unkilled["gone"]
    assert unkilled["changes"]["grant"]["new"]
    assert unkilled["changes"]["justification"]["new"]


@pytest.mark.django_db(transaction=True)
def test_a_reading_goes_on_after_a_killed_worker(uploaded, unkilled, data_dir):
    job = Job.objects.get(kind="connectors.read")
    killed_worker("read_sync", job, "read", data_dir)

    minutes_later(job)

    uploaded.refresh_from_db()
    assert (job.status, uploaded.status) == (JobStatus.DONE, SyncStatus.READY)
    assert uploaded.rows.count() == uploaded.read_count
    found = uploaded.report["kinds"]["grant"]
    assert {word: found[word] for word in unkilled["changes"]["grant"]} == (
        unkilled["changes"]["grant"]
    )
    assert not list((data_dir / "uploads").iterdir())
