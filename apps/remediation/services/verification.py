"""Orders verify themselves: a newer source of the same stream no longer shows the access."""

from collections.abc import Callable, Iterable, Sequence

from django.db import transaction
from django.utils import timezone

from apps.connectors.models import Sync
from apps.core.actors import Actor
from apps.core.policies import enforce
from apps.grants.models import Grant, GrantStatement
from apps.inventory.models import Credential, Source
from apps.remediation import policies
from apps.remediation.models import Order, OrderProof
from apps.remediation.services.effects import STOPPED, order_stopped, order_take_effect
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


@transaction.atomic
def orders_replaced(*, credential_id: int, how: str, actor: Actor) -> int:
    """Verify the open rotate orders of a credential: another was seen in its place, or a new
    secret under its id. What becomes of the old one is the rotation's to see to."""
    enforce(policies.can_verify(actor))
    orders = list(Order.objects.rotating(credential_id).select_for_update(of=["self"]))
    now = timezone.now()
    for order in orders:
        order.verified_at, order.verified_how = now, how
        order.executed_at = order.executed_at or now
    OrderProof.objects.bulk_create(
        OrderProof(order=one, kind=ProofKind.SEEN, text=how, given_by_label=str(actor)[:150])
        for one in orders
    )
    orders_move(
        orders=orders,
        state=OrderState.VERIFIED,
        actor=actor,
        reason=how,
        also=["verified_at", "verified_how", "executed_at"],
    )
    return len(orders)


def _in_chunks(pks: Sequence[int], work: Callable[[Sequence[int]], int]) -> int:
    return sum(work(pks[at : at + CHUNK]) for at in range(0, len(pks), CHUNK))


@transaction.atomic
def _verify(pks: Sequence[int], source: Source, actor: Actor) -> int:
    orders = list(Order.objects.for_check(pks))
    again = set(
        Order.objects.filter(pk__in=pks).shown_again_in(source).values_list("pk", flat=True)
    )
    look = _Look(source, orders)
    gone = [order for order in orders if order.pk not in again and look.finds_gone(order)]
    now = timezone.now()
    for order in gone:
        order.verified_at = now
        order.executed_at = order.executed_at or source.as_of
        order.verified_how = f"No longer in {source}, read {source.as_of:%Y-%m-%d %H:%M} UTC."
        order_stopped(order, how=order.verified_how, now=now)
    OrderProof.objects.bulk_create(_seen(gone, source, actor))
    orders_move(
        orders=gone,
        state=OrderState.VERIFIED,
        actor=actor,
        reason=f"Source {source.pk} no longer shows it.",
        also=["verified_at", "verified_how", "executed_at", *STOPPED],
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


class _Look:
    """What a source says of the subjects of orders. Silence counts only where it looked."""

    def __init__(self, source: Source, orders: Sequence[Order]):
        self.source = source
        credentials = [order.credential_id for order in orders if order.credential_id]
        self.lost = set(
            Credential.objects.filter(pk__in=credentials)
            .lost_sight_of()
            .values_list("pk", flat=True)
        )
        self.sync = Sync.objects.filter(source=source).first()

    def finds_gone(self, order: Order) -> bool:
        if order.state != OrderState.MANUAL_NEEDED:
            return False
        subject = order.grant or order.credential
        if subject is None:
            return order.binding is not None and order.binding.ended_at is not None
        if subject.gone_at is not None:
            return order.credential_id not in self.lost and self._looked_for(subject)
        return order.kind == OrderKind.NARROW and self._is_narrowed(order)

    def _looked_for(self, subject: Grant | Credential) -> bool:
        """Whether this source missed it itself, or read all of its kind, and it stayed away."""
        if self.sync is None or (subject.gone_at and subject.gone_at >= self.source.read_at):
            return True
        return self.sync.has_searched(str(subject._meta.model_name))

    def _is_narrowed(self, order: Order) -> bool:
        """Whether the source read the grant anew, and it carries no more than is kept."""
        grant, kept = order.grant, set(order.target.get("actions") or ())
        if grant is None or not kept or grant.source_id != self.source.pk:
            return False
        held = GrantStatement.objects.filter(grant=grant, effect="allow")
        actions = {action for row in held for action in row.actions}
        return bool(actions) and actions <= kept
