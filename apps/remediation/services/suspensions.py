"""A suspension that nobody took back becomes a revoke order."""

from datetime import timedelta

from django.utils import timezone

from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.remediation.models import Order
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import OrderKind

CHUNK = 1000


def suspensions_escalate(*, actor: Actor) -> int:
    """Plan a revoke order for each suspension older than its days. Returns how many.

    The origin is the suspension itself, so a second run plans nothing.
    """
    days = preference("suspension_days")
    now = timezone.now()
    due = Order.objects.suspensions_older_than(now - timedelta(days=days))[:CHUNK]
    requests = [
        OrderRequest(
            kind=OrderKind.REVOKE,
            label=order.label,
            reason=f"Suspended for {days} days and nobody took it back.",
            decided_at=now,
            grant_id=order.grant_id,
            credential_id=order.credential_id,
            binding_id=order.binding_id,
            origin_type=order._meta.label_lower,
            origin_id=order.pk,
            campaign_id=order.campaign_id,
            decided_by_id=order.decided_by_id,
            follows_id=order.pk,
        )
        for order in due
    ]
    return len(orders_plan(requests=requests, actor=actor))
