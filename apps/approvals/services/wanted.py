"""What somebody wants for an agent, by its names: looked up in the inventory and the catalogue."""

from collections.abc import Sequence

from apps.approvals.selectors.removal import held_by_approval, held_for_good
from apps.core.errors import DomainError
from apps.grants.models import Grant, Permission
from apps.grants.states import LEVEL_RANK
from apps.inventory.models import Agent, Binding, Identity

MOST_ACTIONS, MOST_RESOURCES = 200, 50


def identity_of(agent: Agent, identity_id: int) -> Identity:
    """The identity that an agent acts as; refuses any other."""
    bound = Binding.objects.live().filter(agent=agent, identity=identity_id)
    binding = bound.select_related("identity__system__owner").first()
    if binding is None:
        raise DomainError(f"{agent} does not act as that identity. Bind it first.")
    if binding.identity.gone_at is not None:
        raise DomainError(f"Its source no longer shows {binding.identity}.")
    return binding.identity


def permissions_of(
    identity: Identity, *, service: str, actions: Sequence[str], resources: Sequence[str]
) -> list[Permission]:
    """What the catalogue knows of these actions; refuses what it does not know, and too much."""
    wanted = sorted(set(actions))
    if not wanted:
        raise DomainError("Name at least one permission.")
    if len(wanted) > MOST_ACTIONS or len(resources) > MOST_RESOURCES:
        raise DomainError(
            f"Ask for at most {MOST_ACTIONS} permissions and {MOST_RESOURCES} resources at once."
        )
    known = Permission.objects.filter(
        system_kind=identity.system.kind, service=service, key__in=wanted
    )
    found = list(known.order_by("key"))
    missing = sorted(set(wanted) - {one.key for one in found})
    if missing:
        raise DomainError(
            f"The catalogue of {identity.system} knows no {', '.join(missing[:5])} in “{service}”."
        )
    return found


def highest_level(permissions: Sequence[Permission]) -> str:
    return max((one.level for one in permissions), key=lambda one: LEVEL_RANK[one])


def outliving(
    identity: Identity, service: str, level: str, actions: Sequence[str], *, hint: str = ""
) -> list[str]:
    """What an identity may do there for good. Refuses what it may do already, and all of it."""
    held = Grant.objects.present().filter(identity=identity, service=service, level=level)
    grant = held.prefetch_related("statements").first()
    if grant is None:
        return []
    if set(actions) <= held_by_approval(grant):
        raise DomainError(f"{identity} holds this already: {grant}.{hint}")
    return sorted(held_for_good(grant))
