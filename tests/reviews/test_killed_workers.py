"""A worker killed with -9 in the middle of its work: another goes on, and the result is the same.

The worker is a process of its own, on the test's database, stopped dead after a step or two.
"""

import os
import signal
import subprocess
import sys
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.models import Job, JobStatus
from apps.reviews.models import Campaign, PopulationPart, ReviewItem
from apps.reviews.services.closing import closing_run
from apps.reviews.services.staging import population_sha256, staging_run
from apps.reviews.states import CampaignState, Disposition, ItemState
from tests.factories.grants import GrantFactory
from tests.factories.inventory import IdentityFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory
from tests.processes import database_url

GRANTS = 23
CHUNK = 5

WORKER = """
import os, signal, sys
import django
django.setup()
from apps.reviews.services import closing, deadline, ordering, phases, staging
for module in (closing, deadline, ordering, phases, staging):
    for steps_of in ("CHUNK", "PART"):
        if hasattr(module, steps_of):
            setattr(module, steps_of, int(sys.argv[3]))
steps_left = int(sys.argv[4])
whole_step = phases._step
def step(*args):
    global steps_left
    if steps_left == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    steps_left -= 1
    return whole_step(*args)
advance = phases.job_advance
def die_inside(job, **kwargs):
    if steps_left == 0 and sys.argv[5] == "inside":
        os.kill(os.getpid(), signal.SIGKILL)
    return advance(job, **kwargs)
phases._step, phases.job_advance = step, die_inside
{"staging": staging.staging_run, "closing": closing.closing_run}[sys.argv[1]](
    job_id=int(sys.argv[2])
)
"""


def killed_worker(kind: str, job: Job, *, steps: int, where: str) -> None:
    """Run the job in a process that is killed after some steps, between two or inside one."""
    done = subprocess.run(
        [sys.executable, "-c", WORKER, kind, str(job.pk), str(CHUNK), str(steps), where],
        env={
            **os.environ,
            "DATABASE_URL": database_url(),
            "DJANGO_SETTINGS_MODULE": "config.settings.test",
        },
        check=False,
        capture_output=True,
        timeout=120,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("steps", "where"), [(0, "between"), (3, "inside"), (4, "between"), (8, "inside")]
)
def test_staging_goes_on_after_a_killed_worker_with_the_same_result(steps, where):
    identity = IdentityFactory()
    grants = [GrantFactory(identity=identity) for _ in range(GRANTS)]
    campaign = CampaignFactory(state=CampaignState.STAGING, policy=_policy())
    job = _job(campaign, "staging")
    killed_worker("staging", job, steps=steps, where=where)
    assert ReviewItem.objects.count() < GRANTS or Campaign.objects.get().state != "staged"

    staging_run(job_id=job.pk)

    campaign.refresh_from_db()
    assert (campaign.state, campaign.population_count) == (CampaignState.STAGED, GRANTS)
    assert campaign.population_sha256 == population_sha256(f"grant:{one.pk}" for one in grants)
    assert ReviewItem.objects.count() == GRANTS
    assert not PopulationPart.objects.exists()
    job.refresh_from_db()
    assert job.status == JobStatus.DONE


@pytest.mark.django_db(transaction=True)
def test_access_that_appears_while_a_population_is_frozen_is_not_slipped_into_it():
    identity = IdentityFactory()
    chosen = [GrantFactory(identity=identity) for _ in range(GRANTS)]
    campaign = CampaignFactory(state=CampaignState.STAGING, policy=_policy())
    job = _job(campaign, "staging")
    killed_worker("staging", job, steps=3, where="between")
    GrantFactory(identity=identity)

    staging_run(job_id=job.pk)

    frozen = ReviewItem.objects.filter(campaign=campaign).values_list("grant_id", flat=True)
    assert set(frozen) == {grant.pk for grant in chosen}


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("steps", "where"), [(2, "between"), (3, "inside")])
def test_closing_goes_on_after_a_killed_worker_with_the_same_result(steps, where):
    campaign = CampaignFactory(
        state=CampaignState.VERIFYING,
        launched_at=timezone.now() - timedelta(days=3),
        population_count=12,
        policy=_policy(),
    )
    for _ in range(12):
        ReviewItemFactory(
            campaign=campaign,
            state=ItemState.FINAL,
            disposition=Disposition.KEPT,
            frozen={"content_sha256": ""},
        )
    job = _job(campaign, "closing")
    killed_worker("closing", job, steps=steps, where=where)
    assert Campaign.objects.get().state == CampaignState.VERIFYING

    closing_run(job_id=job.pk)

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.CLOSED
    assert campaign.reconciliation["at_close"] == {"same": 12}
    assert campaign.reconciliation["dispositions"] == {"kept": 12}


def _job(campaign: Campaign, kind: str) -> Job:
    """The job as the service makes it, left for a worker to take."""
    return Job.objects.create(
        kind=kind,
        task=f"reviews.{kind}",
        subject_type=campaign._meta.label_lower,
        subject_id=campaign.pk,
        channel="task",
    )


def _policy() -> dict[str, int]:
    return {"fallback_share": 20, "stale_after_hours": 24, "stale_file_after_hours": 168}
