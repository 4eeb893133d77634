"""Celery's door into rotation: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.rotation.services.migrations import migrations_settle
from apps.rotation.services.planning import orders_take
from apps.rotation.services.reminding import reminders_send
from apps.rotation.services.running import rotation_run, rotations_run_awake
from apps.rotation.services.settling import rotations_settle

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


@shared_task(name="rotation.run", **RETRY)
def run(rotation_id: int) -> int:
    """Carry one rotation on, as far as it is due."""
    rotation = rotation_run(rotation_id=rotation_id, actor=System("rotation.run"))
    return int(rotation.is_over)


@shared_task(name="rotation.take_orders", **RETRY)
def take_orders() -> int:
    """Take on what reviews ordered to be rotated."""
    return orders_take(actor=System("rotation.take_orders"))


@shared_task(name="rotation.follow", **RETRY)
def follow() -> int:
    """Carry on what is due, take on what was ordered, and note what ended elsewhere."""
    actor = System("rotation.follow")
    return (
        orders_take(actor=actor)
        + rotations_run_awake(actor=actor)
        + rotations_settle(actor=actor)
        + migrations_settle(actor=actor)
    )
