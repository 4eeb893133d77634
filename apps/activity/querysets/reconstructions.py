from collections.abc import Collection
from datetime import date
from typing import Self

from django.db import models
from django.db.models import OuterRef, Q, QuerySet, Subquery

from apps.core.actors import Actor
from apps.inventory.querysets.scope import reads_all_systems, rows_of

NEVER = "never"


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


def checked(agents: QuerySet, checks: ReconstructionQuerySet) -> QuerySet:
    """Agents with their newest check beside them: its verdict, its day, and when it is due."""
    newest = checks.newest_of(OuterRef("pk"))
    rows: QuerySet = agents.annotate(
        verdict=Subquery(newest.values("verdict")),
        signed_at=Subquery(newest.values("signed_at")),
        signed_by_name=Subquery(newest.values("signed_by__display_name")),
        due_on=Subquery(newest.values("due_on")),
    )
    return rows


def judged(agents: QuerySet, verdicts: Collection[str]) -> QuerySet:
    """Of agents with their check beside them, those with these verdicts; `NEVER` for none yet."""
    never = Q(verdict__isnull=True) if NEVER in verdicts else Q(pk__in=[])
    return agents.filter(Q(verdict__in=verdicts) | never)


def overdue(agents: QuerySet, today: date) -> QuerySet:
    """Of agents with their check beside them, those whose next one should be there."""
    return agents.filter(due_on__lt=today)
