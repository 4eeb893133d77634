from typing import Self

from django.db import models
from django.db.models import OuterRef

from apps.core.actors import Actor
from apps.inventory.querysets.scope import reads_all_systems, rows_of


class ReconstructionQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        return self.filter(agent__in=rows_of(self.model, "agent").visible_to(actor).values("pk"))

    def of_agent(self, agent_id: int) -> Self:
        return self.filter(agent=agent_id)

    def newest_of(self, agent: OuterRef) -> Self:
        """The check in force of an outer query's agent."""
        return self.filter(agent=agent).order_by("-pk")[:1]
