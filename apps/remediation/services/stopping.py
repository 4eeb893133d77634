"""Stop an agent: what it alone holds is killed, what it shares is suspended, itself as well."""

from dataclasses import replace

from django.db import transaction
from django.utils import timezone

from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory.models import Agent
from apps.inventory.services.agents import agent_suspend
from apps.inventory.services.reasons import required_reason
from apps.inventory.states import AgentState
from apps.remediation import policies
from apps.remediation.models import Batch, Order
from apps.remediation.selectors.batches import Held, held_by
from apps.remediation.services.batches import batch_make
from apps.remediation.services.incidents import exposure_of, incidents_open
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import GONE, OrderKind


@transaction.atomic
def agent_stop(*, agent_id: int, reason: str, actor: Actor) -> Batch:
    """Stop one agent now, without waiting for a second person.

    Each credential it alone holds is killed; those it shares are suspended, reversibly, for
    everybody. The agent itself is suspended, so that it may ask for nothing either.
    """
    agent = Agent.objects.locked(agent_id)
    enforce(policies.can_stop_agent(actor, agent))
    text = required_reason(reason, "it is stopped")
    held = held_by(agent)
    requests = [request for one in held for request in _requests(one, text, actor)]
    if not requests and agent.state != AgentState.ACTIVE:
        raise DomainError("It holds nothing that could be stopped, and does not run.")
    batch = batch_make(
        label=f"Stop {agent}",
        count=len(requests),
        reason=text,
        actor=actor,
        agent_id=agent.pk,
        held_because="",
    )
    orders = orders_plan(requests=[_in(batch, request) for request in requests], actor=actor)
    incidents_open(orders=orders, actor=actor)
    if agent.state == AgentState.ACTIVE:
        agent_suspend(agent_id=agent.pk, reason=text, actor=actor)
    return batch


def _requests(held: Held, reason: str, actor: Actor) -> list[OrderRequest]:
    kind = OrderKind.SUSPEND if held.is_shared else OrderKind.KILL
    ended = set(
        Order.objects.in_force()
        .ending_credentials()
        .exclude(state__in=GONE)
        .filter(credential__in=[one.pk for one in held.credentials], kind=kind)
        .values_list("credential_id", flat=True)
    )
    now = timezone.now()
    decided_by_id = actor.user.pk if isinstance(actor, Person) else None
    credentials = [
        OrderRequest(
            kind=kind,
            label=f"{held.identity} · {credential.external_id}",
            reason=reason,
            decided_at=now,
            credential_id=credential.pk,
            decided_by_id=decided_by_id,
            exposed_since=exposure_of(credential) if kind == OrderKind.KILL else None,
        )
        for credential in held.credentials
        if credential.pk not in ended
    ]
    grants = [
        OrderRequest(
            kind=OrderKind.SUSPEND,
            label=grant.label,
            reason=reason,
            decided_at=now,
            grant_id=grant.pk,
            decided_by_id=decided_by_id,
        )
        for grant in held.grants
    ]
    return [*credentials, *grants]


def _in(batch: Batch, request: OrderRequest) -> OrderRequest:
    return replace(request, batch=batch)
