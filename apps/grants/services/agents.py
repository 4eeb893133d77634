from django.db import transaction

from apps.core.actors import Actor
from apps.grants.selectors.readiness import full_readiness_of, writes_justified
from apps.inventory import services as inventory
from apps.inventory.models import Agent
from apps.inventory.selectors.readiness import gap_keys


@transaction.atomic
def agent_activate(*, agent_id: int, actor: Actor, reason: str = "") -> Agent:
    """Let a proposed agent work, judged by its whole readiness: also whether its writes are
    justified. What is missing needs a reason and becomes a finding.
    """
    further = writes_justified([agent_id])[agent_id]
    return inventory.agent_activate(
        agent_id=agent_id, actor=actor, reason=reason, further_checks=[further]
    )


def activation_gaps_refresh(*, actor: Actor) -> int:
    """Take away what was missing when agents were activated and has been put in place since.

    Nothing is added: what breaks later is other rules' to find. Returns how many agents changed.
    """
    with_gaps = Agent.objects.with_gaps().values_list("pk", flat=True)
    now = {pk: gap_keys(checks) for pk, checks in full_readiness_of(list(with_gaps)).items()}
    return inventory.agents_close_gaps(still_missing=now, actor=actor)
