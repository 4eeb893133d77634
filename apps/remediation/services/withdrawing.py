"""An order is taken back when what it was to remove has been allowed again."""

from collections.abc import Collection

from django.db import transaction

from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import Verdict, enforce
from apps.remediation.models import Order
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderState


@transaction.atomic
def orders_withdraw(
    *, order_ids: Collection[int], reason: str, actor: Actor, authority: Verdict
) -> int:
    """Take back those of these orders that nothing came of yet. Returns how many.

    Once a connection has done a step of one, none is taken back: `DomainError` says that it is to
    be undone. `authority` is the verdict of the app that ordered it. Its origin may order anew
    afterwards.
    """
    enforce(authority)
    asked = Order.objects.filter(pk__in=order_ids).order_by("pk")
    # Locked first: a worker that has one in hand does its step, or sees it taken back.
    list(asked.select_for_update(of=["self"]).values_list("pk", flat=True))
    if (acted := asked.acted_on().select_related("connection").first()) is not None:
        raise DomainError(
            f"{acted.connection} has begun to carry out order {acted.pk} ({acted}). It cannot be"
            " stopped any more: a steward undoes it on its page, then this can go on."
        )
    orders = list(asked.withdrawable())
    for order in orders:
        order.wake_at = None
    orders_move(
        orders=orders, state=OrderState.ROLLED_BACK, actor=actor, reason=reason, also=["wake_at"]
    )
    return len(orders)
