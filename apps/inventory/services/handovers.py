from django.db import transaction
from django.db.models import Q

from apps.accounts.models import User
from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Role
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import Verdict, enforce
from apps.inventory import policies
from apps.inventory.models import Agent, System
from apps.inventory.services.reasons import required_reason


@transaction.atomic
def agents_hand_over(
    *,
    from_user_id: int,
    to_user_id: int,
    reason: str,
    actor: Actor,
    authority: Verdict | None = None,
) -> int:
    """Give everything one person answers for to another: agents they own, technically too,
    and systems. Returns how many records changed hands.
    """
    enforce(policies.can_hand_over(actor) if authority is None else authority)
    text = required_reason(reason, "they change hands")
    leaving = User.objects.get(pk=from_user_id)
    taking = _taker(to_user_id, leaving)
    count = _hand_agents(leaving, taking, reason=text, actor=actor)
    return count + _hand_systems(leaving, taking, reason=text, actor=actor)


def _taker(user_id: int, leaving: User) -> User:
    taking: User | None = User.objects.active().filter(pk=user_id).first()
    if taking is None or taking.pk == leaving.pk:
        raise DomainError("Choose another person, whose account is active.")
    if taking.role not in {Role.REVIEWER, Role.STEWARD}:
        raise DomainError("Only a reviewer or a steward can answer for agents.")
    return taking


def _hand_agents(leaving: User, taking: User, *, reason: str, actor: Actor) -> int:
    held = Agent.objects.standing().filter(Q(owner=leaving) | Q(technical_owner=leaving))
    agents = list(held.select_for_update(of=["self"]).order_by("pk"))
    facts = []
    for agent in agents:
        changes = {}
        for name in ("owner", "technical_owner"):
            if getattr(agent, f"{name}_id") == leaving.pk:
                setattr(agent, name, taking)
                changes[name] = (str(leaving), str(taking))
        facts.append(Fact(agent, changes, reason))
        enqueue("grants.refresh_fingerprints", agent_id=agent.pk)
    Agent.objects.bulk_update(agents, ["owner", "technical_owner"], batch_size=500)
    return record_many(actor=actor, verb=Verb.AGENT_OWNER_CHANGED, facts=facts)


def _hand_systems(leaving: User, taking: User, *, reason: str, actor: Actor) -> int:
    held = System.objects.filter(owner=leaving).select_for_update(of=["self"]).order_by("pk")
    systems = list(held)
    System.objects.filter(pk__in=[system.pk for system in systems]).update(owner=taking)
    changes = {"owner": (str(leaving), str(taking))}
    facts = [Fact(system, changes, reason) for system in systems]
    return record_many(actor=actor, verb=Verb.SYSTEM_CHANGED, facts=facts)
