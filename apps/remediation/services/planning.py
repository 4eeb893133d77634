"""Orders come into being: planned in bulk, each with its steps, none twice."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.grants.models import Grant, GrantStatement
from apps.inventory.models import Binding, Credential
from apps.remediation.models import Order
from apps.remediation.plans import Held, Path, plan_for_credential, plan_for_grant
from apps.remediation.services.moves import orders_move
from apps.remediation.states import OrderKind, OrderState

CHUNK = 1000


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


@transaction.atomic
def orders_plan(*, requests: Sequence[OrderRequest], actor: Actor) -> list[Order]:
    """Plan one order per request; a request whose origin asked before gets the order it has.

    No connection can remove anything yet, so each order goes on to *manual needed*; one whose
    subject is over or gone already goes to *not applicable*. Safe to run twice.
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
        orders=waiting,
        state=OrderState.MANUAL_NEEDED,
        actor=actor,
        reason="No connection can remove this yet; a person must.",
    )
    return [*known.values(), *orders]


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
    )


def _over_or_gone(orders: Sequence[Order]) -> set[int]:
    """Orders whose subject is not there to be removed any more."""
    grants = {order.grant_id for order in orders if order.grant_id}
    credentials = {order.credential_id for order in orders if order.credential_id}
    bindings = {order.binding_id for order in orders if order.binding_id}
    present = (
        set(Grant.objects.present().filter(pk__in=grants).values_list("pk", flat=True)),
        set(Credential.objects.standing().filter(pk__in=credentials).values_list("pk", flat=True)),
        set(Binding.objects.live().filter(pk__in=bindings).values_list("pk", flat=True)),
    )
    return {
        order.pk
        for order in orders
        if order.grant_id not in {None, *present[0]}
        or order.credential_id not in {None, *present[1]}
        or order.binding_id not in {None, *present[2]}
    }


def _write_plans(orders: Sequence[Order]) -> None:
    held = _held({order.grant_id for order in orders if order.grant_id})
    credentials = Credential.objects.select_related("identity__system").in_bulk(
        {order.credential_id for order in orders if order.credential_id}
    )
    for order in orders:
        if order.grant_id:
            name = f"countersign-{order.kind}-{order.pk}"
            order.plan = plan_for_grant(order.kind, held[order.grant_id], order.target, name)
        elif order.credential_id:
            order.plan = _credential_plan(order, credentials[order.credential_id])
        else:
            order.plan = {"steps": [], "diff": "", "note": "End the binding here in Countersign."}
    Order.objects.bulk_update(orders, ["plan"], batch_size=CHUNK)


def _credential_plan(order: Order, credential: Credential) -> dict[str, Any]:
    system = credential.identity.system
    return plan_for_credential(
        order.kind,
        system_kind=system.kind,
        system=system.name,
        identity=credential.identity.name,
        key=credential.external_id,
        credential_kind=credential.kind,
    )


def _held(grant_ids: Collection[int]) -> dict[int, Held]:
    grants = Grant.objects.select_related("identity", "system").in_bulk(grant_ids)
    statements: dict[int, list[GrantStatement]] = defaultdict(list)
    for statement in GrantStatement.objects.filter(grant__in=grant_ids, effect="allow"):
        statements[statement.grant_id].append(statement)
    carried = _policies_of({grant.identity_id for grant in grants.values()})
    return {pk: _as_held(grant, statements[pk], carried) for pk, grant in grants.items()}


def _policies_of(identity_ids: Collection[int]) -> dict[tuple[int, str], set[int]]:
    """Which grants of an identity each policy carries: one that carries others is only edited."""
    carried: dict[tuple[int, str], set[int]] = defaultdict(set)
    rows = GrantStatement.objects.filter(grant__identity__in=identity_ids).values_list(
        "grant__identity_id", "policy", "grant_id"
    )
    for identity_id, policy, grant_id in rows:
        carried[identity_id, policy].add(grant_id)
    return carried


def _as_held(
    grant: Grant, statements: Iterable[GrantStatement], carried: dict[tuple[int, str], set[int]]
) -> Held:
    paths = [
        Path(
            policy=statement.policy_key or statement.policy,
            group=statement.group,
            actions=statement.actions,
            resources=statement.resources,
            shared=len(carried[grant.identity_id, statement.policy]) > 1,
        )
        for statement in statements
    ]
    actions = sorted({action for path in paths for action in path.actions})
    return Held(
        system=grant.system.name,
        system_kind=grant.system.kind,
        account=grant.system.account,
        identity=grant.identity.name,
        identity_kind=grant.identity.kind,
        external_id=grant.identity.external_id,
        service=grant.service,
        level=grant.level,
        actions=actions,
        paths=paths,
    )


def orders_replan_ended_exceptions(*, actor: Actor) -> int:
    """Take up again every order whose exception has ended. Returns how many."""
    today = timezone.localdate()
    with transaction.atomic():
        ended = list(
            Order.objects.select_for_update(of=["self"], skip_locked=True).filter(
                state=OrderState.EXCEPTION, exception_until__lt=today
            )[:CHUNK]
        )
        orders_move(
            orders=ended, state=OrderState.PLANNED, actor=actor, reason="The exception ended."
        )
        orders_move(
            orders=ended,
            state=OrderState.MANUAL_NEEDED,
            actor=actor,
            reason="No connection can remove this yet; a person must.",
        )
    return len(ended)
