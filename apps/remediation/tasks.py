"""Celery's door into orders: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.core.actors import System
from apps.remediation.services import orders

RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="remediation.check_orders", **RETRY)
def check_orders(source_id: int) -> int:
    """Verify the orders whose access a new source no longer shows."""
    actor = System("remediation.check_orders")
    return orders.orders_check_against_source(source_id=source_id, actor=actor)


@shared_task(name="remediation.escalate_suspensions", **RETRY)
def escalate_suspensions() -> int:
    """Turn suspensions that nobody took back into revoke orders."""
    return orders.suspensions_escalate(actor=System("remediation.escalate_suspensions"))


@shared_task(name="remediation.end_exceptions", **RETRY)
def end_exceptions() -> int:
    """Take up again the orders whose exception has ended."""
    return orders.orders_replan_ended_exceptions(actor=System("remediation.end_exceptions"))


@shared_task(name="remediation.order_expired_grants", **RETRY)
def order_expired_grants() -> int:
    """Order the removal of grants whose time is up."""
    actor = System("remediation.order_expired_grants")
    return orders.grants_order_expired(moment=timezone.now(), actor=actor)


@shared_task(name="remediation.run_order", **RETRY)
def run_order(order_id: int) -> int:
    """Carry one order out, as far as it is due."""
    order = orders.order_run(order_id=order_id, actor=System("remediation.run_order"))
    return int(order.is_over)


@shared_task(name="remediation.run_awake_orders", **RETRY)
def run_awake_orders() -> int:
    """Carry out what is due of every order: fresh, to be tried again, watched long enough."""
    return orders.orders_run_awake(actor=System("remediation.run_awake_orders"))


@shared_task(name="remediation.watch_orders", time_limit=900, soft_time_limit=870, **RETRY)
def watch_orders() -> int:
    """Look for uses of what was ended."""
    return orders.orders_watch(actor=System("remediation.watch_orders"))
