from collections.abc import Iterable
from datetime import datetime
from typing import Self

from django.db import models

from apps.core.actors import Actor
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import reads_all_systems


class InvocationQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Those of agents that the actor may see; of agents nobody knows, who reads everything."""
        if reads_all_systems(actor):
            return self
        return self.filter(agent_id__in=Agent.objects.visible_to(actor).values("pk"))

    def of_agent(self, agent_id: int) -> Self:
        return self.filter(agent_id=agent_id)

    def going_on(
        self, log_id: int, agent_ids: Iterable[int], start: datetime, until: datetime
    ) -> Self:
        """Runs of these agents, of which a part lies in [start, until]."""
        return self.filter(
            log_id=log_id,
            agent_id__in=list(agent_ids),
            started_at__lte=until,
            ended_at__gte=start,
        )
