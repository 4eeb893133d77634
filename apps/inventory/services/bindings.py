from django.db import IntegrityError, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import Verdict, enforce
from apps.inventory import policies
from apps.inventory.models import Agent, Binding, Identity
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import AgentState, BindingHow


@transaction.atomic
def binding_create(
    *,
    agent_id: int,
    identity_id: int,
    actor: Actor,
    reason: str = "",
    how: BindingHow = BindingHow.DECLARED,
) -> Binding:
    """Declare that an agent acts as an identity. Refuses a retired agent and a second binding."""
    enforce(policies.can_bind(actor))
    agent = Agent.objects.locked(agent_id)
    if agent.state == AgentState.RETIRED:
        raise DomainError("A retired agent acts as nobody.")
    identity = Identity.objects.locked(identity_id)
    binding = _saved(
        Binding(
            agent=agent,
            identity=identity,
            how=how,
            bound_by=actor.user if isinstance(actor, Person) else None,
        )
    )
    changes = {"agent": (None, agent.name), "identity": (None, identity.name)}
    record(actor=actor, verb=Verb.BINDING_CREATED, target=binding, changes=changes, reason=reason)
    enqueue("grants.refresh_fingerprints", agent_id=agent.pk)
    return binding


@transaction.atomic
def binding_end(
    *, binding_id: int, reason: str, actor: Actor, authority: Verdict | None = None
) -> Binding:
    """Say that an agent no longer acts as an identity. The binding stays, ended.

    `authority` is the verdict of another app's rule that covers this: an order, say.
    """
    enforce(policies.can_bind(actor) if authority is None else authority)
    binding = Binding.objects.locked(binding_id)
    if binding.ended_at is not None:
        raise DomainError("This binding has ended already.")
    text = required_reason(reason, "the agent no longer acts as it")
    binding.ended_at = timezone.now()
    binding.save(update_fields=["ended_at"])
    changes = {"ended_at": (None, binding.ended_at)}
    record(actor=actor, verb=Verb.BINDING_ENDED, target=binding, changes=changes, reason=text)
    enqueue("grants.refresh_fingerprints", agent_id=binding.agent_id)
    return binding


def _saved(binding: Binding) -> Binding:
    try:
        with transaction.atomic():
            binding.save()
    except IntegrityError as error:
        if "inventory_binding_one_live" in str(error):
            raise DomainError("This agent is bound to this identity already.") from error
        raise
    return binding
