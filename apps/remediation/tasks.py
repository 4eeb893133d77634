"""Celery's door into orders: call the services, nothing else."""

from typing import Any

from celery import shared_task
from django.db import OperationalError
from django.utils import timezone

from apps.connectors.heartbeat import pulse
from apps.core.actors import System
from apps.core.errors import DomainError
from apps.core.jobs import job_claim, job_fail, job_finish
from apps.remediation.services import incidents, orders

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


@shared_task(name="remediation.read_incident", time_limit=900, soft_time_limit=870, **RETRY)
def read_incident(job_id: int) -> int:
    """Read what a killed credential did and made since it was exposed."""
    job = job_claim(job_id)
    if job is None:
        return 0
    with pulse(job):
        try:
            message = incidents.incident_read(incident_id=job.subject_id or 0)
        except DomainError as error:
            job_fail(job, message=str(error))
            return 0
    job_finish(job, message=message)
    return 1


@shared_task(name="remediation.read_due_incidents", **RETRY)
def read_due_incidents() -> int:
    """Read the logs of open incidents again."""
    return incidents.incidents_read_due(actor=System("remediation.read_due_incidents"))
