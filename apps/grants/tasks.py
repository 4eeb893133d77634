"""Background doors: grants expire, fingerprints follow what agents are and may do."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.grants.services.agents import activation_gaps_refresh
from apps.grants.services.fingerprints import fingerprints_refresh
from apps.grants.services.grants import grants_expire_gone
from apps.inventory.models import Agent

BATCH = 1000
RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="grants.expire_gone_grants", **RETRY)
def expire_gone_grants() -> int:
    """End every grant whose time is up and that is gone. Safe to run twice, or beside itself."""
    moment = timezone.now()
    actor = System("grants.expire_gone_grants")
    ended = 0
    while count := grants_expire_gone(moment=moment, limit=BATCH, actor=actor):
        ended += count
    return ended


@shared_task(name="grants.refresh_fingerprints", **RETRY)
def refresh_fingerprints(agent_id: int) -> int:
    """Compute one agent's fingerprints, after something about it has changed."""
    actor = System("grants.refresh_fingerprints")
    return fingerprints_refresh(agent_ids=[agent_id], actor=actor)


@shared_task(name="grants.refresh_all_fingerprints", **RETRY)
def refresh_all_fingerprints() -> int:
    """Compute every standing agent's fingerprints: catches whatever changed unannounced."""
    actor = System("grants.refresh_all_fingerprints")
    agent_ids = list(Agent.objects.standing().values_list("pk", flat=True))
    return fingerprints_refresh(agent_ids=agent_ids, actor=actor)


@shared_task(name="grants.refresh_activation_gaps", **RETRY)
def refresh_activation_gaps() -> int:
    """See which of the things missing at activation have been put in place since."""
    return activation_gaps_refresh(actor=System("grants.refresh_activation_gaps"))
