"""One order per item whose access must end. The grant stays as it is until the order is settled."""

from datetime import timedelta
from typing import Any

from apps.core.errors import DomainError
from apps.remediation.services.orders import OrderRequest, orders_plan
from apps.remediation.states import OrderKind
from apps.reviews.models import ReviewItem
from apps.reviews.services.phases import CHUNK, Work
from apps.reviews.states import Disposition, ItemState

DAYS_TO_CARRY_OUT = 7
_KINDS = {
    Disposition.REVOKED: OrderKind.REVOKE,
    Disposition.NARROWED: OrderKind.NARROW,
    Disposition.ROTATED: OrderKind.ROTATE,
    Disposition.SUSPENDED: OrderKind.SUSPEND,
    Disposition.WITHDRAWN: OrderKind.REVOKE,
}


def plan_orders_of(work: Work) -> bool:
    """Plan the orders of one chunk of final items. An item that has its order is passed by."""
    items = list(
        ReviewItem.objects.select_for_update(of=["self"])
        .filter(
            campaign=work.campaign,
            state=ItemState.FINAL,
            disposition__in=_KINDS,
            order__isnull=True,
            pk__gt=work.after,
        )
        .select_related("decision")
        .order_by("pk")[:CHUNK]
    )
    requests = [_request(work, item) for item in items]
    planned = {order.origin_id: order for order in orders_plan(requests=requests, actor=work.actor)}
    for item in items:
        item.order = planned[item.pk]
    ReviewItem.objects.bulk_update(items, ["order"], batch_size=CHUNK)
    return work.went_through([item.pk for item in items])


def _request(work: Work, item: ReviewItem) -> OrderRequest:
    campaign = work.campaign
    if campaign.decided_at is None:
        raise DomainError("Orders follow the deciding, which has not ended.")
    answered = item.disposition not in {Disposition.SUSPENDED, Disposition.WITHDRAWN}
    decision = item.decision if answered else None
    return OrderRequest(
        kind=OrderKind.UNBIND if item.binding_id else _KINDS[Disposition(item.disposition)],
        label=item.label,
        reason=decision.reason if decision and decision.reason else item.state_reason or _SAID,
        decided_at=decision.decided_at if decision else campaign.decided_at,
        grant_id=item.grant_id,
        credential_id=item.credential_id,
        binding_id=item.binding_id,
        target=_target(item) if decision else {},
        origin_type=item._meta.label_lower,
        origin_id=item.pk,
        campaign_id=campaign.pk,
        decided_by_id=decision.decided_by_id if decision else None,
        due_at=campaign.decided_at + timedelta(days=DAYS_TO_CARRY_OUT),
    )


_SAID = "Decided in a review."


def _target(item: ReviewItem) -> dict[str, Any]:
    """What to narrow to, and whom it hits where the identity is shared."""
    hits = {"hits": item.decision.hits} if item.decision.hits else {}
    return {**item.decision.target, **hits}
