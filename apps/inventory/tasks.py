"""Background doors of the inventory."""

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.inventory.services.clients import tokens_drop_expired
from apps.inventory.services.credentials import credentials_expire_due, rotation_dates_refresh

BATCH = 1000


@shared_task(
    name="inventory.expire_due_credentials",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
)
def expire_due_credentials() -> int:
    """Note which credentials have expired. Safe to run twice, late, or alongside itself."""
    moment = timezone.now()
    actor = System("inventory.expire_due_credentials")
    expired = 0
    while count := credentials_expire_due(moment=moment, limit=BATCH, actor=actor):
        expired += count
    return expired


@shared_task(
    name="inventory.drop_expired_tokens",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
)
def drop_expired_tokens() -> int:
    """Forget tokens of the API whose minutes are over. Safe to run twice or late."""
    return tokens_drop_expired(moment=timezone.now())


@shared_task(
    name="inventory.refresh_rotation_dates",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
)
def refresh_rotation_dates() -> int:
    """Follow the house's interval for static keys where it changed. Safe to run twice."""
    refreshed = 0
    while count := rotation_dates_refresh(limit=BATCH * 5):
        refreshed += count
    return refreshed
