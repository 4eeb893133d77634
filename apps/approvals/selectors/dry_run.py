"""What would happen if an agent asked: which policy applies, and who would be asked."""

from dataclasses import dataclass

from apps.approvals.matching import Facts, first_match
from apps.approvals.models import Policy
from apps.approvals.selectors.chain import Chain, barred_from, chain_of
from apps.core.errors import DomainError
from apps.grants.models import Grant, Permission
from apps.inventory.models import Agent, Identity, System
from apps.reviews.selectors.reach import Alert, completed_by


@dataclass(frozen=True, slots=True)
class DryRun:
    permission: Permission
    completes: list[Alert]
    policy: Policy | None
    chain: Chain


def dry_run(*, agent: Agent, system: System, permission: str) -> DryRun:
    """Nothing is written, and nobody is told. Raises `DomainError` for an unknown permission."""
    found = Permission.objects.filter(system_kind=system.kind, key=permission.strip()).first()
    if found is None:
        raise DomainError(f"The catalogue of {system} knows no {permission}.")
    wanted = Grant(system=system, service=found.service, level=found.level, tags=found.tags)
    completes = completed_by(agent, wanted)
    facts = Facts(
        level=found.level,
        system_id=system.pk,
        environment=system.environment,
        tags=frozenset(found.tags),
        combinations=frozenset(one.name for one in completes),
    )
    policy = first_match(Policy.objects.standing(), facts)
    if policy is None or policy.is_automatic:
        return DryRun(found, completes, policy, Chain())
    return DryRun(found, completes, policy, _chain(policy, agent, system))


def _chain(policy: Policy, agent: Agent, system: System) -> Chain:
    """As if the agent's owner asked, for the first identity it has there."""
    identity = Identity.objects.filter(
        system=system, bindings__agent=agent, bindings__ended_at__isnull=True
    ).first()
    barred = barred_from(agent=agent, identity=identity, asked_by_id=agent.owner_id)
    return chain_of(policy, agent=agent, system=system, barred=barred)
