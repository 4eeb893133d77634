"""Celery's door into what was issued: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError

from apps.core.actors import System
from apps.issuing.services.ending import issuance_run_end, issuances_reconcile

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="issuing.run_ending", **RETRY)
def run_ending(issuance_id: int) -> int:
    """Ask the system to end one thing that was issued."""
    actor = System("issuing.run_ending")
    return int(issuance_run_end(issuance_id=issuance_id, actor=actor) is not None)


@shared_task(name="issuing.run_reconcile", **RETRY)
def run_reconcile() -> int:
    """End what must not work any more, and note what ended by itself."""
    return issuances_reconcile(actor=System("issuing.run_reconcile"))
