"""The catalogue, as somebody who asks searches it: what there is, and who holds it already."""

from dataclasses import dataclass, field

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apps.grants.models import Grant, Permission
from apps.inventory.models import Agent, Identity, System
from apps.inventory.states import AgentState

SHOWN = 25
NEIGHBOURS = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A permission chosen for an identity, with others of its service and level."""

    identity: Identity
    permission: Permission
    permissions: list[Permission]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What an agent could ask for through one of its identities."""

    identities: list[Identity]
    identity: Identity | None
    query: str
    permissions: list[Permission] = field(default_factory=list)
    has_more: bool = False


def agents_named(query: str) -> tuple[list[Agent], bool]:
    """Agents that may be given something, by words of their name; and whether there are more."""
    rows = Agent.objects.filter(state__in=(AgentState.ACTIVE, AgentState.PROPOSED))
    for word in query.split()[:8]:
        rows = rows.filter(name__icontains=word)
    found = list(rows.select_related("owner", "team").order_by("name", "pk")[: SHOWN + 1])
    return found[:SHOWN], len(found) > SHOWN


def catalogue_of(agent: Agent, *, query: str, identity_id: str) -> Catalogue:
    """Search the permissions of an identity's system; without words, the first of them."""
    identities = list(
        Identity.objects.filter(bindings__agent=agent, bindings__ended_at__isnull=True)
        .select_related("system")
        .distinct()
        .order_by("system__name", "name", "pk")
    )
    chosen = [one for one in identities if str(one.pk) == identity_id] or identities[:1]
    if not chosen:
        return Catalogue([], None, query)
    identity = chosen[0]
    rows = _with_holders(_named(identity.system, query), identity.system)
    found = list(rows.order_by("key", "pk")[: SHOWN + 1])
    return Catalogue(identities, identity, query, found[:SHOWN], len(found) > SHOWN)


def permissions_named(system: System, query: str) -> tuple[list[Permission], bool]:
    """Permissions of a system by words; and whether there are more."""
    found = list(_named(system, query).order_by("key", "pk")[: SHOWN + 1])
    return found[:SHOWN], len(found) > SHOWN


def neighbours_of(permission: Permission) -> list[Permission]:
    """The permission, then others of its service and level: they make one grant together."""
    rows = Permission.objects.filter(
        system_kind=permission.system_kind, service=permission.service, level=permission.level
    ).exclude(pk=permission.pk)
    return [permission, *rows.order_by("key")[:NEIGHBOURS]]


def _named(system: System, query: str) -> QuerySet[Permission]:
    rows: QuerySet[Permission] = Permission.objects.filter(system_kind=system.kind)
    for word in query.split()[:8]:
        rows = rows.filter(search__icontains=word)
    return rows


def _with_holders(rows: QuerySet[Permission], system: System) -> QuerySet[Permission]:
    """Adds `holders`: how many identities hold its service at its level on this system."""
    held = (
        Grant.objects.present()
        .filter(system=system, service=OuterRef("service"), level=OuterRef("level"))
        .order_by()
        .values("system")
        .annotate(n=Count("identity", distinct=True))
        .values("n")
    )
    return rows.annotate(holders=Coalesce(Subquery(held), 0))
