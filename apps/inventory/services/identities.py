from django.db import transaction

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory import policies
from apps.inventory.models import Agent, Identity
from apps.inventory.services.reasons import required_reason


@transaction.atomic
def identity_choose_accountable(
    *, identity_id: int, agent_id: int | None, reason: str, actor: Actor
) -> Identity:
    """Choose which agent answers for an identity that several act as, or none; null unchooses."""
    enforce(policies.can_choose_accountable(actor))
    identity = Identity.objects.locked(identity_id)
    text = required_reason(reason, "this agent answers for it")
    chosen = None
    if agent_id is not None:
        chosen = Agent.objects.standing().filter(pk=agent_id).first()
        if chosen is None:
            raise DomainError("Choose an agent that is not retired.")
    before = identity.accountable_agent
    if before == chosen:
        return identity
    identity.accountable_agent = chosen
    identity.save(update_fields=["accountable_agent"])
    pair = tuple(None if agent is None else agent.name for agent in (before, chosen))
    record(
        actor=actor,
        verb=Verb.IDENTITY_CHANGED,
        target=identity,
        changes={"accountable_agent": (pair[0], pair[1])},
        reason=text,
    )
    return identity
