from collections.abc import Iterable
from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models
from django.db.models import Case, OuterRef, Q, Subquery, Value, When
from django.db.models.lookups import IsNull

from apps.activity.querysets.hours import whether
from apps.activity.querysets.seats import in_period_of
from apps.activity.statements import HAS_MISSED
from apps.core.actors import Actor
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import is_limited_auditor, reads_all_systems, seat_systems
from apps.proof.models import Log


class InvocationQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Those of agents that the actor may see; of agents nobody knows, who reads everything."""
        rows = in_period_of(actor, self, "started_at")
        if reads_all_systems(actor):
            return rows
        return rows.filter(agent_id__in=Agent.objects.visible_to(actor).values("pk"))

    def for_table(self) -> Self:
        """With the agent's name beside its id, which no foreign key holds."""
        named = Agent.objects.filter(pk=OuterRef("agent_id")).values("name")
        return self.annotate(agent_name=Subquery(named)).fetch_mode(models.FETCH_RAISE)

    def named(self) -> Self:
        """With no more than a link to each says, and when it began."""
        return self.only("name", "trace_id", "started_at")

    def of_id(self, text: str) -> Self:
        """By a trace id, which is also the id that Countersign gave the invocation."""
        try:
            trace = UUID(text.strip())
        except ValueError:
            return self.none()
        # The log leads the index; there is one of activity.
        log = Log.objects.filter(name="activity").order_by().values("pk")[:1]
        return self.filter(log_id=log, trace_id=trace)

    def under_ids_of(self, log_id: int, run_ids: Iterable[int]) -> Self:
        """These runs, and what other agents told under the same ids; the first of each first."""
        of_it = self.model._default_manager.filter(log_id=log_id, pk__in=list(run_ids))
        traces = list(of_it.order_by().values_list("trace_id", flat=True).distinct())
        return self.under(log_id, traces)

    def under(self, log_id: int, traces: Iterable[UUID]) -> Self:
        """The runs of all agents that told under these ids, the first of each id first."""
        return self.filter(log_id=log_id, trace_id__in=list(traces)).order_by("trace_id", "pk")

    def first_of(self, agent_id: OuterRef, claimed: OuterRef) -> Self:
        """Of the runs under one id that of this agent first, or of none for what claims a name that
        is not known; else as they were begun, what is of none last."""
        is_nobodys = Q(agent_id__isnull=True)
        place = Case(
            When(agent_id=agent_id, then=0),
            When(is_nobodys & Q(IsNull(claimed, rhs=False)), then=1),
            When(is_nobodys, then=3),
            default=2,
        )
        return self.alias(place=place).order_by("place", "pk")

    def flagged(self) -> Self:
        return self.filter(anomalies__gt=0)

    def with_missed(self, settled: datetime, actor: Actor) -> Self:
        """Runs with a deed that a log which would show it does not, on a system of the seat.

        The same as `EventRowQuerySet.missed` says of each. Only of agents of whom the hourly counts
        hold such a deed is every run looked into.
        """
        hours = self.model._meta.apps.get_model("activity", "DeedHour")._default_manager
        acted = self.filter(Q(actions__gt=0) | Q(calls__gt=0), started_at__lt=settled)
        of_them = acted.filter(agent_id__in=hours.missed(settled).order_by().values("agent_id"))
        return of_them.filter(whether(HAS_MISSED, Value(settled), seen=_on_seat(actor)))

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


def _on_seat(actor: Actor) -> str:
    if not is_limited_auditor(actor):
        return "TRUE"
    return f"it.of_system = ANY('{{{','.join(map(str, seat_systems(actor)))}}}'::bigint[])"
