"""Many removals as a person sees them: before, as a tree with counts; after, system by system."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.db.models import Count, QuerySet

from apps.activity.selectors.breaking import ManyWouldBreak, OnSystem, breaks_without
from apps.connectors.models import Connection
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential, Identity, System
from apps.remediation.models import Batch, Order
from apps.remediation.selectors.reach import removing_connections
from apps.remediation.states import OrderState

MOST_GRANTS = 500
# More are not ended at once.
MOST_CHOSEN = 20_000


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
    identities = [binding.identity for binding in bindings]
    credentials = defaultdict(list)
    standing = Credential.objects.standing().filter(identity__in=identities)
    for credential in standing.select_related("identity__system").order_by("pk"):
        credentials[credential.identity_id].append(credential)
    grants = defaultdict(list)
    bare = [one for one in identities if one.pk not in credentials]
    writing = Grant.objects.present().writing().filter(identity__in=bare)
    for grant in writing.select_related("system").order_by("pk"):
        grants[grant.identity_id].append(grant)
    return [
        Held(
            identity=one,
            is_shared=one.binding_count > 1,
            credentials=credentials[one.pk],
            grants=grants[one.pk][:MOST_GRANTS],
        )
        for one in identities
    ]


@dataclass(frozen=True, slots=True)
class Key:
    """One credential of an agent, how often it was used of late, and the list of those calls."""

    credential: Credential
    calls: int
    href: str


@dataclass(frozen=True, slots=True)
class Branch:
    """One system of an agent: what is stopped there, whether from here, and what would break."""

    system: System
    connection: Connection | None
    held: Sequence[tuple[Held, Sequence[Key]]]
    breaks: OnSystem

    @property
    def count(self) -> int:
        return sum(held.count for held, _ in self.held)


@dataclass(frozen=True, slots=True)
class Tree:
    branches: Sequence[Branch]
    breaks: ManyWouldBreak


def tree_of(agent: Agent, actor: Actor) -> Tree:
    by_system: dict[System, list[Held]] = defaultdict(list)
    for held in held_by(agent):
        by_system[held.identity.system].append(held)
    everything = [one for held in by_system.values() for one in held]
    grants = [grant for one in everything for grant in one.grants]
    breaks = breaks_without(
        [credential.pk for one in everything for credential in one.credentials],
        [grant.pk for grant in grants],
        {*(system.pk for system in by_system), *(grant.system_id for grant in grants)},
        actor,
    )
    removing = removing_connections()
    branches = [
        Branch(
            system,
            removing.get((system.kind, system.account)),
            [(one, _keys(one, breaks.systems[system.pk])) for one in held],
            breaks.systems[system.pk],
        )
        for system, held in by_system.items()
    ]
    return Tree(branches, breaks)


def _keys(held: Held, breaks: OnSystem) -> list[Key]:
    calls = breaks.by_credential
    return [
        Key(one, calls.get(one.pk, 0), breaks.href(credential=one.pk)) for one in held.credentials
    ]


@dataclass(frozen=True, slots=True)
class Place:
    """One system of a filtered list: how many it has there, and the list of their calls."""

    system: System
    count: int
    connection: Connection | None
    breaks: OnSystem
    href: str


@dataclass(frozen=True, slots=True)
class Choice:
    """What a filtered list would end: how many, where, which of them from here, what would break.

    What would break is looked at as far as so many may be ended at once.
    """

    count: int
    places: Sequence[Place]
    examples: Sequence[Credential]
    breaks: ManyWouldBreak

    @property
    def is_cut(self) -> bool:
        return self.count > MOST_CHOSEN


def choice_of(rows: QuerySet[Credential], actor: Actor, query: str) -> Choice:
    """`query` is what filters the list."""
    rows = rows.order_by()
    counted = dict(
        rows.values("identity__system").annotate(n=Count("pk")).values_list("identity__system", "n")
    )
    chosen = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_CHOSEN])
    breaks = breaks_without(chosen, [], list(counted), actor)
    removing = removing_connections()
    return Choice(
        count=sum(counted.values()),
        places=[
            Place(
                one,
                counted[one.pk],
                removing.get((one.kind, one.account)),
                breaks.systems[one.pk],
                breaks.systems[one.pk].href(system=one.pk, listed=query or "standing=true"),
            )
            for one in System.objects.filter(pk__in=counted).order_by("name")
        ],
        examples=list(rows.select_related("identity__system").order_by("pk")[:10]),
        breaks=breaks,
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


def breaks_of(batch: Batch, actor: Actor) -> ManyWouldBreak:
    """What would break once a batch begins."""
    rows = list(
        batch.orders.order_by("pk").values_list(
            "credential_id", "credential__identity__system_id", "grant_id", "grant__system_id"
        )
    )
    return breaks_without(
        [credential for credential, *_ in rows if credential],
        [grant for *_, grant, _ in rows if grant],
        {there for _, of_key, _, of_grant in rows for there in (of_key, of_grant) if there},
        actor,
    )


MOST_LISTED = 50
# States in which an order waits for a person.
WAITS = (OrderState.MANUAL_NEEDED, OrderState.EXCEPTION, OrderState.SCHEDULED)


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
    elif order.is_dead:
        enforced.dead += 1
    elif order.is_reopened or order.state in WAITS:
        enforced.by_hand += 1
    else:
        enforced.under_way += 1
