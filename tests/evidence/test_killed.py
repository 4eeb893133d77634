"""A worker killed at any moment of an export: the next one ends with the same result."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from apps.core.actors import Person, Role
from apps.core.jobs import job_start
from apps.core.models import JobStatus
from apps.evidence import tasks
from apps.evidence.models import Package
from apps.evidence.services import packages
from apps.evidence.services.access_packages import request_package_prepare
from tests.approvals.conftest import company, policy  # noqa: F401  (fixtures)
from tests.evidence.scenario import review_over
from tests.evidence.test_packages import VARYING, members
from tests.factories.accounts import UserFactory
from tests.processes import database_url

pytestmark = pytest.mark.django_db(transaction=True)

SCRIPT = Path(__file__).with_name("build_one.py")
ROOT = SCRIPT.parent.parent.parent


def asked(made, actor):
    """A package asked for, whose job nobody has taken yet."""
    return with_job(packages.package_prepare(campaign=made.campaign, actor=actor), actor)


def with_job(package, actor):
    package.job = job_start(
        kind="export", task="core.requeue_silent_jobs", subject=package, actor=actor
    )
    package.save()
    return package


def kill_when(seen: Path, package, data_dir: Path) -> None:
    """Start a worker on the package, and kill it as soon as it has come as far as a file."""
    environment = {**os.environ, "DATABASE_URL": database_url(), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, str(SCRIPT), str(package.job_id), str(data_dir)]
    worker = subprocess.Popen(command, env=environment)
    deadline = time.monotonic() + 60
    while not seen.exists() and worker.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)
    worker.kill()
    assert worker.wait() in {-signal.SIGKILL, 0}, "It was killed, or was done a moment before."


@pytest.fixture
def no_eager_task(monkeypatch, settings):
    """Leave jobs alone until a worker of the test takes them."""
    settings.CELERY_TASK_ALWAYS_EAGER = False
    monkeypatch.setattr("apps.core.jobs.enqueue", lambda task, **kwargs: None)


@pytest.mark.parametrize(
    "seen", ["data/decisions.csv", "data/campaign.json", "manifest-sha256.txt"]
)
def test_a_killed_export_is_done_again_and_ends_the_same(no_eager_task, data_dir, seen):
    steward = UserFactory(role=Role.STEWARD)
    made = review_over(state="closed", steward=steward)
    actor = Person(steward)
    package = asked(made, actor)

    kill_when(data_dir / "evidence" / f"work-{package.pk}" / seen, package, data_dir)
    for _ in range(50):
        if tasks.build_package(package.job_id) or Package.objects.get(pk=package.pk).built_at:
            break
        time.sleep(0.1)

    package.refresh_from_db()
    package.job.refresh_from_db()
    assert package.job.status == JobStatus.DONE
    undisturbed = asked(made, actor)
    packages.package_build(package_id=undisturbed.pk, actor=actor)
    undisturbed.refresh_from_db()
    first, second = members(package), members(undisturbed)
    assert {name for name in first if first[name] != second.get(name)} <= VARYING
    assert not list((data_dir / "evidence").glob("work-*"))
    assert not list((data_dir / "evidence").glob(".*partial"))


@pytest.mark.parametrize("seen", ["data/votes.csv", "data/access.json", "manifest-sha256.txt"])
def test_a_killed_export_of_a_request_is_done_again_and_ends_the_same(
    no_eager_task,
    data_dir,
    company,  # noqa: F811
    policy,  # noqa: F811
    seen,
):
    actor = Person(company.steward)
    request = company.approve()
    package = with_job(request_package_prepare(request_id=request.pk, actor=actor), actor)

    kill_when(data_dir / "evidence" / f"work-{package.pk}" / seen, package, data_dir)
    for _ in range(50):
        if tasks.build_package(package.job_id) or Package.objects.get(pk=package.pk).built_at:
            break
        time.sleep(0.1)

    package.refresh_from_db()
    package.job.refresh_from_db()
    assert package.job.status == JobStatus.DONE
    undisturbed = with_job(request_package_prepare(request_id=request.pk, actor=actor), actor)
    packages.package_build(package_id=undisturbed.pk, actor=actor)
    undisturbed.refresh_from_db()
    first, second = members(package), members(undisturbed)
    assert {name for name in first if first[name] != second.get(name)} <= VARYING
    assert not list((data_dir / "evidence").glob("work-*"))
