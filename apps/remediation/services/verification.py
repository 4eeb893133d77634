"""Orders verify themselves: a newer source of the same stream no longer shows the access."""

from collections.abc import Callable, Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.policies import enforce
from apps.grants.models import GrantStatement
from apps.inventory.models import Source
from apps.remediation import policies
from apps.remediation.models import Order, OrderProof
from apps.remediation.services.effects import order_take_effect
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderKind, OrderState, ProofKind

CHUNK = 500


def orders_check_against_source(*, source_id: int, actor: Actor) -> int:
    """Verify every waiting order whose access the source no longer shows. Returns how many.

    Also reopens a verified order whose access the source shows again. Chunked, one transaction
    each, safe to run twice.
    """
    enforce(policies.can_verify(actor))
    source = Source.objects.get(pk=source_id)
    waiting = Order.objects.waiting_in(source).values_list("pk", flat=True)
    returned = Order.objects.returned_in(source).values_list("pk", flat=True)
    _in_chunks(list(returned), lambda chunk: _reopen(chunk, source, actor))
    return _in_chunks(list(waiting), lambda chunk: _verify(chunk, source, actor))


def _in_chunks(pks: Sequence[int], work: Callable[[Sequence[int]], int]) -> int:
    return sum(work(pks[at : at + CHUNK]) for at in range(0, len(pks), CHUNK))


@transaction.atomic
def _verify(pks: Sequence[int], source: Source, actor: Actor) -> int:
    orders = list(Order.objects.for_check(pks))
    again = set(
        Order.objects.filter(pk__in=pks).shown_again_in(source).values_list("pk", flat=True)
    )
    gone = [order for order in orders if order.pk not in again and _is_gone(order)]
    now = timezone.now()
    for order in gone:
        order.verified_at = now
        order.executed_at = order.executed_at or source.as_of
        order.verified_how = f"No longer in {source}, read {source.as_of:%Y-%m-%d %H:%M} UTC."
    OrderProof.objects.bulk_create(_seen(gone, source, actor))
    orders_move(
        orders=gone,
        state=OrderState.VERIFIED,
        actor=actor,
        reason=f"Source {source.pk} no longer shows it.",
        also=["verified_at", "verified_how", "executed_at"],
    )
    for order in gone:
        order_take_effect(order=order, actor=actor)
    return len(gone)


@transaction.atomic
def _reopen(pks: Sequence[int], source: Source, actor: Actor) -> int:
    orders = [order for order in Order.objects.for_check(pks) if order.state == OrderState.VERIFIED]
    for order in orders:
        # Who gave it again may have had a reason, so a person looks, and removes it anew.
        order.executed_at = order.executed_by = order.wake_at = None
    orders_move(
        orders=orders,
        state=OrderState.VERIFY_FAILED,
        actor=actor,
        reason=f"Source {source.pk} shows the access again.",
        also=["executed_at", "executed_by", "wake_at"],
    )
    return len(orders)


def _seen(orders: Iterable[Order], source: Source, actor: Actor) -> list[OrderProof]:
    return [
        OrderProof(
            order=order,
            kind=ProofKind.SEEN,
            text=order.verified_how,
            source=source,
            given_by_label=str(actor)[:150],
        )
        for order in orders
    ]


def _is_gone(order: Order) -> bool:
    if order.state != OrderState.MANUAL_NEEDED:
        return False
    subject = order.grant or order.credential
    if subject is None:
        return order.binding is not None and order.binding.ended_at is not None
    if subject.gone_at is not None:
        return True
    if order.kind == OrderKind.NARROW and order.target.get("actions") and order.grant:
        kept = set(order.target["actions"])
        held = GrantStatement.objects.filter(grant=order.grant, effect="allow")
        return {action for row in held for action in row.actions} <= kept
    return False
