"""Celery's door into rotation: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.rotation.services.reminding import reminders_send

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="rotation.remind", **RETRY)
def remind() -> int:
    """Tell who has to rotate what, and by when."""
    return reminders_send(moment=timezone.now(), actor=System("rotation.remind"))
