from typing import Any

from celery import shared_task
from django.db import OperationalError

from apps.activity.services.partitions import partitions_keep
from apps.activity.services.projecting import events_project
from apps.activity.services.sweeping import records_sweep
from apps.core.actors import System

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="activity.project_events")
def project_events() -> int:
    """Sum up and join what came in since the last time."""
    return events_project()


@shared_task(name="activity.sweep_records", **RETRY)
def sweep_records() -> int:
    """Read records against their log, from where the last reading ended."""
    return records_sweep()


@shared_task(name="activity.keep_partitions", **RETRY)
def keep_partitions() -> int:
    """Make the tables of the months to come, and say if one was missing."""
    return partitions_keep(actor=System("activity.keep_partitions")).made
