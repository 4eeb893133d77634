"""Time running out creates an order, not a state: the grant ends once its removal is seen."""

from collections.abc import Sequence
from datetime import datetime
from itertools import batched

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.grants.states import GrantState
from apps.remediation.models import Order
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import OrderKind

CHUNK = 500
# As what a grant ends whose removal its time brought about.
EXPIRES = {"ends_as": GrantState.EXPIRED.value}


def grants_order_expired(*, moment: datetime, actor: Actor) -> int:
    """Order the removal of grants whose time is up, where no request says when they end.

    Returns how many. A removal that is open already serves; run twice, it orders nothing more.
    """
    pks = list(_due(moment).values_list("pk", flat=True))
    return sum(_order_chunk(chunk, moment, actor) for chunk in batched(pks, CHUNK, strict=False))


def _due(moment: datetime) -> QuerySet[Grant]:
    open_removal = Order.objects.removing().filter(grant=OuterRef("pk"))
    due = Grant.objects.due_at(moment).present().filter(request_id__isnull=True)
    return due.filter(~Exists(open_removal)).order_by("pk")


@transaction.atomic
def _order_chunk(pks: Sequence[int], moment: datetime, actor: Actor) -> int:
    locked = _due(moment).filter(pk__in=pks).select_for_update(of=["self"], skip_locked=True)
    requests = [_request(grant) for grant in locked]
    return len(orders_plan(requests=requests, actor=actor))


def _request(grant: Grant) -> OrderRequest:
    assert grant.expires_at is not None  # noqa: S101  (what `due_at` has just established)
    return OrderRequest(
        kind=OrderKind.REVOKE,
        label=grant.label,
        reason=f"Its time was up on {grant.expires_at:%Y-%m-%d}.",
        decided_at=grant.expires_at,
        grant_id=grant.pk,
        target=EXPIRES,
        origin_type=grant._meta.label_lower,
        origin_id=grant.pk,
        due_at=grant.expires_at,
    )
