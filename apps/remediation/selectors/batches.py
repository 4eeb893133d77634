"""Many removals as a person sees them: before, as a tree with counts; after, system by system."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from apps.connectors.models import Connection
from apps.grants.models import Grant
from apps.grants.states import Level
from apps.inventory.models import Agent, Credential, Identity, System
from apps.remediation.models import Batch, Order
from apps.remediation.selectors.reach import removing_connections
from apps.remediation.states import GONE, OrderState

MOST_GRANTS = 500


@dataclass(frozen=True, slots=True)
class Held:
    """One identity of an agent, and what stopping the agent does to it."""

    identity: Identity
    is_shared: bool
    credentials: Sequence[Credential]
    grants: Sequence[Grant]

    @property
    def count(self) -> int:
        return len(self.credentials) + len(self.grants)


def held_by(agent: Agent) -> list[Held]:
    """What an agent signs in with. Where an identity has no credential, the write and admin
    grants it holds stand for it: denying those is what stops it."""
    bindings = agent.bindings.live().select_related("identity__system").order_by("identity__name")
    return [_held(binding.identity) for binding in bindings]


def _held(identity: Identity) -> Held:
    credentials = list(
        Credential.objects.standing()
        .filter(identity=identity)
        .select_related("identity__system")
        .order_by("pk")
    )
    writing = (
        Grant.objects.present()
        .filter(identity=identity)
        .exclude(level=Level.READ)
        .select_related("system")
    )
    return Held(
        identity=identity,
        is_shared=identity.binding_count > 1,
        credentials=credentials,
        grants=[] if credentials else list(writing.order_by("pk")[:MOST_GRANTS]),
    )


@dataclass(frozen=True, slots=True)
class Branch:
    """One system of an agent: what is stopped there, and whether from here."""

    system: System
    connection: Connection | None
    held: Sequence[Held]

    @property
    def count(self) -> int:
        return sum(one.count for one in self.held)


def tree_of(agent: Agent) -> list[Branch]:
    by_system: dict[System, list[Held]] = defaultdict(list)
    for held in held_by(agent):
        by_system[held.identity.system].append(held)
    removing = removing_connections()
    return [
        Branch(system, removing.get((system.kind, system.account)), held)
        for system, held in by_system.items()
    ]


@dataclass(frozen=True, slots=True)
class Choice:
    """What a filtered list would end: how many, where, and which of them from here."""

    count: int
    systems: Sequence[tuple[System, int, Connection | None]]
    examples: Sequence[Credential]


def choice_of(rows: QuerySet[Credential]) -> Choice:
    rows = rows.order_by()
    counted = dict(
        rows.values("identity__system").annotate(n=Count("pk")).values_list("identity__system", "n")
    )
    systems = System.objects.filter(pk__in=counted).order_by("name")
    removing = removing_connections()
    return Choice(
        count=sum(counted.values()),
        systems=[(one, counted[one.pk], removing.get((one.kind, one.account))) for one in systems],
        examples=list(rows.select_related("identity__system").order_by("pk")[:10]),
    )


@dataclass(slots=True)
class Enforced:
    """How far a batch has come on one system."""

    system: System
    dead: int = 0
    under_way: int = 0
    by_hand: int = 0
    undone: int = 0
    orders: list[Order] = field(default_factory=list)

    @property
    def is_enforced(self) -> bool:
        return not (self.under_way or self.by_hand or self.undone)


@dataclass(frozen=True, slots=True)
class Standing:
    systems: Sequence[Enforced]
    count: int

    @property
    def is_live(self) -> bool:
        return any(one.under_way for one in self.systems)

    @property
    def done(self) -> int:
        return sum(one.dead for one in self.systems)

    @property
    def enforced(self) -> list[Enforced]:
        return [one for one in self.systems if one.is_enforced]

    @property
    def missing(self) -> list[Enforced]:
        return [one for one in self.systems if not one.is_enforced]


MOST_LISTED = 50


def standing_of(batch: Batch) -> Standing:
    """System by system: how many no longer work, are under way, or wait for a person."""
    orders = batch.orders.select_related(
        "incident", "credential__identity__system", "grant__system"
    ).order_by("pk")
    systems: dict[int, Enforced] = {}
    count = 0
    for order in orders.iterator(chunk_size=1000):
        count += 1
        system = _system_of(order)
        enforced = systems.setdefault(system.pk, Enforced(system))
        _count(enforced, order)
        if len(enforced.orders) < MOST_LISTED:
            enforced.orders.append(order)
    return Standing(list(systems.values()), count)


def _system_of(order: Order) -> System:
    if order.grant is not None:
        return order.grant.system
    assert order.credential is not None  # noqa: S101  (a batch holds nothing else)
    return order.credential.identity.system


def _count(enforced: Enforced, order: Order) -> None:
    if order.state == OrderState.ROLLED_BACK:
        enforced.undone += 1
    elif order.stopped_at is not None or order.state in GONE:
        enforced.dead += 1
    elif order.state in {OrderState.MANUAL_NEEDED, OrderState.EXCEPTION, OrderState.SCHEDULED}:
        enforced.by_hand += 1
    else:
        enforced.under_way += 1
