"""Celery's door into reviews: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError

from apps.core.jobs import job_claim
from apps.reviews.services.closing import closing_run
from apps.reviews.services.deadline import settling_run
from apps.reviews.services.staging import staging_run

# A job goes on where it stopped, so a long one may be cut off and taken up again.
LONG: dict[str, Any] = {
    "time_limit": 3600,
    "soft_time_limit": 3540,
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="reviews.stage_campaign", **LONG)
def stage_campaign(job_id: int) -> None:
    """Freeze a campaign's population."""
    if job_claim(job_id):
        staging_run(job_id=job_id)


@shared_task(name="reviews.settle_campaign", **LONG)
def settle_campaign(job_id: int) -> None:
    """Do what follows the end of the deciding."""
    if job_claim(job_id):
        settling_run(job_id=job_id)


@shared_task(name="reviews.close_campaign", **LONG)
def close_campaign(job_id: int) -> None:
    """Reconcile a campaign with the newest reading, and close it."""
    if job_claim(job_id):
        closing_run(job_id=job_id)
