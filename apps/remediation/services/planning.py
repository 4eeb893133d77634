"""Orders come into being: planned in bulk, each with its steps, none twice."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Plan, Step, Wanted
from apps.core.actors import Actor
from apps.core.jobs import enqueue
from apps.core.rows import rows_write
from apps.grants.models import Grant
from apps.inventory.models import Binding, Credential
from apps.remediation.models import Batch, Order, OrderStep
from apps.remediation.selectors.reach import removing_connections
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderKind, OrderState, StepStatus
from apps.remediation.subjects import wanted_of

CHUNK = 1000
BY_HAND = "No connection can remove this; a person must."


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One removal asked for. Exactly one of the three ids is given.

    `origin_type` and `origin_id` name what asked for it; the same origin asks once per kind,
    unless that order was taken back.
    """

    kind: OrderKind
    label: str
    reason: str
    decided_at: datetime
    grant_id: int | None = None
    credential_id: int | None = None
    binding_id: int | None = None
    target: dict[str, Any] = field(default_factory=dict)
    origin_type: str = ""
    origin_id: int | None = None
    campaign_id: int | None = None
    decided_by_id: int | None = None
    due_at: datetime | None = None
    follows_id: int | None = None
    batch: Batch | None = None
    exposed_since: datetime | None = None


@transaction.atomic
def orders_plan(*, requests: Sequence[OrderRequest], actor: Actor) -> list[Order]:
    """Plan one order per request; a request whose origin asked before gets the order it has.

    A connection that may remove takes an order it can carry out whole, and begins once this has
    committed; every other goes on to *manual needed*. One whose subject is over or gone already
    goes to *not applicable*. Safe to run twice.
    """
    known = _already_planned(requests)
    fresh = [request for request in requests if _key(request) not in known]
    orders = [_order(request) for request in fresh]
    Order.objects.bulk_create(orders, batch_size=CHUNK)
    record_many(
        actor=actor,
        verb=Verb.ORDER_PLANNED,
        facts=(Fact(order, {"state": (None, order.state)}, order.reason) for order in orders),
    )
    _go_on(orders, actor)
    if any(order.kind == OrderKind.ROTATE for order in orders):
        enqueue("rotation.take_orders")
    return [*known.values(), *orders]


def _hand_on(orders: Sequence[Order], actor: Actor) -> None:
    """Let connections begin: one order at once, many as one piece of work; held ones wait."""
    held = [order for order in orders if order.batch is not None and order.batch.is_held]
    if held:
        for order in held:
            order.wake_at = None
        orders_move(
            orders=held,
            state=OrderState.SCHEDULED,
            actor=actor,
            reason="Held with its batch until a second person lets it go.",
            also=["wake_at"],
        )
    orders_start([order for order in orders if order not in held])


def orders_start(orders: Sequence[Order]) -> None:
    """Have orders carried out once this transaction has committed."""
    if len(orders) == 1:
        enqueue("remediation.run_order", order_id=orders[0].pk)
    elif orders:
        enqueue("remediation.run_awake_orders")


def _key(request: OrderRequest | Order) -> tuple[str, int | None, str]:
    return request.origin_type, request.origin_id, str(request.kind)


def _already_planned(requests: Sequence[OrderRequest]) -> dict[tuple[str, int | None, str], Order]:
    asked = {_key(request) for request in requests if request.origin_id is not None}
    origins = {request.origin_id for request in requests if request.origin_id is not None}
    return {
        _key(order): order
        for order in Order.objects.in_force().filter(origin_id__in=origins)
        if _key(order) in asked
    }


def _order(request: OrderRequest) -> Order:
    return Order(
        kind=request.kind,
        label=request.label[:400],
        reason=request.reason,
        grant_id=request.grant_id,
        credential_id=request.credential_id,
        binding_id=request.binding_id,
        target=request.target,
        origin_type=request.origin_type,
        origin_id=request.origin_id,
        campaign_id=request.campaign_id,
        decided_by_id=request.decided_by_id,
        decided_at=request.decided_at,
        due_at=request.due_at,
        follows_id=request.follows_id,
        batch=request.batch,
        exposed_since=request.exposed_since,
    )


def _over_or_gone(orders: Sequence[Order]) -> set[int]:
    """Orders whose subject is not there to be removed any more. What was made with a credential
    outlives it."""
    grants = {order.grant_id for order in orders if order.grant_id}
    credentials = {order.credential_id for order in orders if order.credential_id}
    bindings = {order.binding_id for order in orders if order.binding_id}
    present = (
        set(Grant.objects.present().filter(pk__in=grants).values_list("pk", flat=True)),
        set(Credential.objects.may_work().filter(pk__in=credentials).values_list("pk", flat=True)),
        set(Binding.objects.live().filter(pk__in=bindings).values_list("pk", flat=True)),
    )
    return {
        order.pk
        for order in orders
        if order.kind != OrderKind.TAKE_BACK
        and (
            order.grant_id not in {None, *present[0]}
            or order.credential_id not in {None, *present[1]}
            or order.binding_id not in {None, *present[2]}
        )
    }


def _write_plans(orders: Sequence[Order]) -> None:
    """Plan each order, and give it to a connection where one can carry all of it out.

    One that a connection has begun before keeps its steps, and what undoing them needs.
    """
    begun = _begun(orders)
    wanted = wanted_of(orders)
    connections = removing_connections()
    steps: list[OrderStep] = []
    for order in orders:
        if order.pk not in wanted:
            order.plan = {"steps": [], "diff": "", "note": "End the binding here in Countersign."}
            continue
        plan = _plan(order, wanted[order.pk])
        order.plan = plan.told() | {
            "paths": [asdict(one) for one in wanted[order.pk].subject.paths]
        }
        subject = wanted[order.pk].subject
        order.connection = connections.get((subject.system_kind, subject.account))
        # A new secret has to go somewhere and be tested: `rotation` takes such an order on.
        if order.connection is None or not plan.can_run or order.kind == OrderKind.ROTATE:
            order.connection = None
            continue
        order.wake_at = timezone.now()
        if order.pk in begun:
            continue
        steps += [_step(order, position, step) for position, step in enumerate(plan.steps, start=1)]
    rows_write(orders, ["plan", "connection", "wake_at"])
    OrderStep.objects.bulk_create(steps, batch_size=CHUNK)


def _begun(orders: Sequence[Order]) -> set[int]:
    """Which of these orders have steps already; those wait to be carried out anew."""
    steps = OrderStep.objects.filter(order__in=orders)
    begun = set(steps.values_list("order_id", flat=True))
    if begun:
        steps.exclude(status=StepStatus.WAITING).update(status=StepStatus.WAITING)
    return begun


def _plan(order: Order, wanted: Wanted) -> Plan:
    """By the kind of system; where the order brings its steps along, those."""
    if order.kind == OrderKind.TAKE_BACK:
        return Plan([Step(**step) for step in order.target["steps"]])
    return plan_for(wanted)


def _step(order: Order, position: int, step: Step) -> OrderStep:
    return OrderStep(
        order=order,
        position=position,
        title=step.title[:300],
        command=step.command,
        undo_command=step.undo,
        op=step.op,
        arguments=dict(step.arguments),
        when=step.when,
        reversible=step.reversible,
        effective_seconds=step.effective_seconds,
    )


@transaction.atomic
def orders_replan_ended_exceptions(*, actor: Actor) -> int:
    """Take up again every order whose exception has ended. Returns how many.

    A connection that may remove by now carries it out; what is gone meanwhile needs nobody.
    """
    today = timezone.localdate()
    excepted = Order.objects.filter(state=OrderState.EXCEPTION, exception_until__lt=today)
    ended = list(excepted.select_for_update(of=["self"], skip_locked=True).order_by("pk")[:CHUNK])
    for order in ended:
        order.executed_at = order.executed_by = None
        order.attempts, order.trouble = 0, ""
    orders_move(
        orders=ended,
        state=OrderState.PLANNED,
        actor=actor,
        reason="The exception ended.",
        also=["executed_at", "executed_by", "attempts", "trouble"],
    )
    _go_on(ended, actor)
    return len(ended)


def _go_on(orders: Sequence[Order], actor: Actor) -> None:
    """From *planned* on: to nobody, to a connection, or to a person."""
    gone = _over_or_gone(orders)
    orders_move(
        orders=[order for order in orders if order.pk in gone],
        state=OrderState.NOT_APPLICABLE,
        actor=actor,
        reason="It was gone from its source before the order was planned.",
    )
    waiting = [order for order in orders if order.pk not in gone]
    _write_plans(waiting)
    orders_move(
        orders=[order for order in waiting if order.connection is None],
        state=OrderState.MANUAL_NEEDED,
        actor=actor,
        reason=BY_HAND,
    )
    _hand_on([order for order in waiting if order.connection is not None], actor)
