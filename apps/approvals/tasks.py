"""Celery's door into approvals: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.approvals.services.provisioning import requests_confirm
from apps.approvals.services.upkeep import (
    requests_fall_back,
    requests_follow_designs,
    requests_lapse,
    requests_route,
)
from apps.core.actors import System

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="approvals.follow_requests", **RETRY)
def follow_requests() -> int:
    """Let open requests follow their agents, policies, sources, and the clock."""
    actor, moment = System("approvals.follow_requests"), timezone.now()
    return (
        requests_follow_designs(actor=actor)
        + requests_lapse(moment=moment, actor=actor)
        + requests_route(actor=actor)
        + requests_fall_back(moment=moment, actor=actor)
        + requests_confirm(actor=actor)
    )
