"""Celery's door into reviews: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.reviews.services.closing import closing_run
from apps.reviews.services.deadline import campaigns_decide_due, settling_run
from apps.reviews.services.reconciling import campaigns_follow_orders, campaigns_reconcile
from apps.reviews.services.schedule import schedule_run
from apps.reviews.services.staging import staging_run

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}
# A job goes on where it stopped, so a long one may be cut off and taken up again.
LONG: dict[str, Any] = {"time_limit": 3600, "soft_time_limit": 3540, **RETRY}


@shared_task(name="reviews.stage_campaign", **LONG)
def stage_campaign(job_id: int) -> None:
    """Freeze a campaign's population."""
    staging_run(job_id=job_id)


@shared_task(name="reviews.settle_campaign", **LONG)
def settle_campaign(job_id: int) -> None:
    """Do what follows the end of the deciding."""
    settling_run(job_id=job_id)


@shared_task(name="reviews.close_campaign", **LONG)
def close_campaign(job_id: int) -> None:
    """Reconcile a campaign with the newest reading, and close it."""
    closing_run(job_id=job_id)


@shared_task(name="reviews.run_schedule", **RETRY)
def run_schedule() -> int:
    """Stage the reviews that are due."""
    return schedule_run(moment=timezone.now(), actor=System("reviews.run_schedule"))


@shared_task(name="reviews.close_due_campaigns", **RETRY)
def close_due_campaigns() -> int:
    """End the deciding of every campaign whose deadline has passed."""
    actor = System("reviews.close_due_campaigns")
    return campaigns_decide_due(moment=timezone.now(), actor=actor)


@shared_task(name="reviews.reconcile_running", **RETRY)
def reconcile_running() -> int:
    """Let the items of running campaigns follow what changed."""
    return campaigns_reconcile(actor=System("reviews.reconcile_running"))


@shared_task(name="reviews.settle_orders", **RETRY)
def settle_orders() -> int:
    """Move campaigns on when their last order is settled."""
    return campaigns_follow_orders(actor=System("reviews.settle_orders"))
