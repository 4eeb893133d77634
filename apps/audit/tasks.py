"""Celery's door into the sealing of the record."""

from typing import Any

from celery import shared_task
from django.db import OperationalError

from apps.audit.services import seals

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="audit.seal_entries", **RETRY)
def seal_entries() -> int:
    """Append what has committed to the governance log."""
    return seals.entries_seal()


@shared_task(name="audit.sweep_seals", **RETRY)
def sweep_seals() -> int:
    """Read sealed entries against the log, from where the last reading ended."""
    return seals.seals_sweep()
