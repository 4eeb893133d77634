from django.db import transaction

from apps.core.actors import Actor
from apps.grants.selectors.readiness import writes_justified
from apps.inventory import services as inventory
from apps.inventory.models import Agent


@transaction.atomic
def agent_activate(*, agent_id: int, actor: Actor, reason: str = "") -> Agent:
    """Let a proposed agent work, judged by its whole readiness: also whether its writes are
    justified. What is missing needs a reason and becomes a finding.
    """
    further = writes_justified([agent_id])[agent_id]
    return inventory.agent_activate(
        agent_id=agent_id, actor=actor, reason=reason, further_checks=[further]
    )
