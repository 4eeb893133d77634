"""An order is taken back when what it was to remove has been allowed again."""

from collections.abc import Collection

from django.db import transaction

from apps.core.actors import Actor
from apps.core.policies import Verdict, enforce
from apps.remediation.models import Order
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderState


@transaction.atomic
def orders_withdraw(
    *, order_ids: Collection[int], reason: str, actor: Actor, authority: Verdict
) -> int:
    """Take back those of these orders that still wait. Returns how many.

    `authority` is the verdict of the app that ordered it. Its origin may order anew afterwards.
    """
    enforce(authority)
    waiting = Order.objects.withdrawable().filter(pk__in=order_ids).order_by("pk")
    orders = list(waiting.select_for_update(of=["self"]))
    orders_move(orders=orders, state=OrderState.ROLLED_BACK, actor=actor, reason=reason)
    return len(orders)
