"""Celery's door into approvals: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.approvals.services.break_glass import break_glass_end_due
from apps.approvals.services.ending import requests_end_due, requests_note_ends
from apps.approvals.services.provisioning import requests_confirm
from apps.approvals.services.telling import ends_tell
from apps.approvals.services.unused import proposals_make, proposals_settle
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


@shared_task(name="approvals.end_access", **RETRY)
def end_access() -> int:
    """Order the removal of what has had its time, and note what is seen to be gone."""
    actor, moment = System("approvals.end_access"), timezone.now()
    return (
        break_glass_end_due(moment=moment, actor=actor)
        + requests_note_ends(actor=actor)
        + requests_end_due(moment=moment, actor=actor)
    )


@shared_task(name="approvals.tell_of_ends", **RETRY)
def tell_of_ends() -> int:
    """Tell owners and askers what ends, and when; what has had its time is ordered first."""
    actor, moment = System("approvals.tell_of_ends"), timezone.now()
    requests_end_due(moment=moment, actor=actor)
    return ends_tell(moment=moment, actor=actor)


@shared_task(name="approvals.propose_removals", **RETRY)
def propose_removals() -> int:
    """Ask about approved access that is not known to be used; drop what no longer holds."""
    actor, moment = System("approvals.propose_removals"), timezone.now()
    dropped = proposals_settle(moment=moment, actor=actor)
    return dropped + proposals_make(moment=moment, actor=actor)
