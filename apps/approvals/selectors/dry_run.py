"""What would happen if an agent asked: which policy applies, and who would be asked."""

from collections.abc import Sequence
from dataclasses import dataclass

from apps.approvals.matching import Facts, first_match
from apps.approvals.models import Policy
from apps.approvals.selectors.chain import Chain, barred_from, chain_of
from apps.core.errors import DomainError
from apps.grants.models import Grant, Permission
from apps.grants.states import LEVEL_RANK
from apps.inventory.models import Agent, Identity, System
from apps.reviews.selectors.reach import Alert, completed_by


@dataclass(frozen=True, slots=True)
class DryRun:
    """`chain` is empty where no policy matches, or one grants it at once."""

    completes: list[Alert]
    policy: Policy | None
    chain: Chain


def dry_run(
    *,
    agent: Agent,
    identity: Identity | None,
    wanted: Grant,
    asked_by_id: int | None,
    instead_of: int | None = None,
) -> DryRun:
    """Nothing is written, and nobody is told. `wanted` is unsaved: the grant it would make.

    Of access that is there, `instead_of` is the grant that holds it.
    """
    completes = completed_by(agent, wanted, instead_of=instead_of)
    facts = Facts(
        level=wanted.level,
        system_id=wanted.system_id,
        environment=wanted.system.environment,
        tags=frozenset(wanted.tags),
        combinations=frozenset(one.name for one in completes),
    )
    policy = first_match(Policy.objects.standing(), facts)
    if policy is None or policy.is_automatic:
        return DryRun(completes, policy, Chain())
    barred = barred_from(agent=agent, identity=identity, asked_by_id=asked_by_id)
    chain = chain_of(policy, agent=agent, system=wanted.system, barred=barred)
    return DryRun(completes, policy, chain)


def wanted_of(system: System, permissions: Sequence[Permission]) -> Grant:
    """These permissions of one service as the grant they would make: unsaved, to be judged."""
    return Grant(
        system=system,
        service=permissions[0].service,
        level=max((one.level for one in permissions), key=lambda one: LEVEL_RANK[one]),
        tags=sorted({tag for one in permissions for tag in one.tags}),
    )


def permission_of(system: System, key: str) -> Permission:
    """A permission by its name; raises `DomainError` for one that the catalogue does not know."""
    found = Permission.objects.filter(system_kind=system.kind, key=key.strip()).first()
    if found is None:
        raise DomainError(f"The catalogue of {system} knows no {key}.")
    return found


def identity_there(agent: Agent, system: System) -> Identity | None:
    """The first identity that an agent has on a system."""
    bound = Identity.objects.filter(
        system=system, bindings__agent=agent, bindings__ended_at__isnull=True
    )
    return bound.order_by("pk").first()
