"""What retiring an agent means over every app: its end, and the removal of what it alone holds."""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.core.actors import Actor, Person
from apps.grants.models import Grant
from apps.inventory import services as inventory
from apps.inventory.models import Agent, Credential, Identity
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import OrderKind


@transaction.atomic
def agent_retire(*, agent_id: int, reason: str, actor: Actor) -> Agent:
    """Retire an agent and order the removal of every grant and credential it alone holds."""
    identity_ids = list(Identity.objects.only_of_agent(agent_id).values_list("pk", flat=True))
    agent = inventory.agent_retire(agent_id=agent_id, reason=reason, actor=actor)
    orders_plan(requests=_requests(agent, identity_ids, reason, actor), actor=actor)
    return agent


def _requests(
    agent: Agent, identity_ids: Sequence[int], reason: str, actor: Actor
) -> list[OrderRequest]:
    said: dict[str, Any] = {
        "kind": OrderKind.REVOKE,
        "reason": f"{agent.name} is retired: {reason}",
        "decided_at": timezone.now(),
        "decided_by_id": actor.user.pk if isinstance(actor, Person) else None,
    }
    grants = Grant.objects.present().filter(identity__in=identity_ids).order_by("pk")
    credentials = Credential.objects.standing().filter(identity__in=identity_ids).order_by("pk")
    return [
        *(
            OrderRequest(
                label=grant.label,
                grant_id=grant.pk,
                origin_type=f"retired-agent:{agent.pk}:grant",
                origin_id=grant.pk,
                **said,
            )
            for grant in grants
        ),
        *(
            OrderRequest(
                label=str(credential),
                credential_id=credential.pk,
                origin_type=f"retired-agent:{agent.pk}:credential",
                origin_id=credential.pk,
                **said,
            )
            for credential in credentials
        ),
    ]
