"""Celery's door into findings: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.findings import services

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="findings.recheck", **RETRY)
def recheck() -> int:
    """Check every rule, wake what has waited long enough, and keep today's figures."""
    actor = System("findings.recheck")
    services.findings_wake(actor=actor)
    counts = services.findings_recheck(actor=actor)
    services.figures_take(day=timezone.localdate())
    return counts.held


@shared_task(name="findings.take_daily_figures", **RETRY)
def take_daily_figures() -> int:
    """Keep today's figures of home."""
    return services.figures_take(day=timezone.localdate())
