from collections.abc import Iterable
from datetime import datetime
from typing import Any, Self
from uuid import UUID

from django.db import models
from django.db.models import (
    BigIntegerField,
    Case,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    TextField,
    When,
)
from django.db.models.lookups import In

from apps.activity.querysets.seats import in_period_of
from apps.activity.statements import CLAIMED_AGENT, CLAIMED_SYSTEM, TELLER
from apps.activity.states import Kind
from apps.core.actors import Actor
from apps.inventory.models import Agent, Identity, System
from apps.inventory.querysets.scope import is_limited_auditor, reads_all_systems
from apps.proof.models import Log


def told_by(model: type[models.Model], agents: QuerySet | list[int]) -> Q:
    """Records that are of these agents: by their headers, or by what was found beside them.

    What was found is looked up for each record read, so that it costs the same however much was
    ever found of an agent. A join could be hashed, and then all of it is read each time.
    """
    # A queryset may not import the models above it.
    nameless: Any = model._meta.apps.get_model("activity", "Nameless")
    found = nameless._default_manager.filter(
        log_id=OuterRef("log_id"), leaf_index=OuterRef("leaf_index")
    )
    is_found = Q(In(Subquery(found.values("agent_id")), agents))
    # What systems recorded is of no agent, and was never looked for.
    return Q(agent_id__in=agents) | (Q(agent_id__isnull=True) & ~Q(kind=Kind.API) & is_found)


def told_by_agents(model: type[models.Model], agent_ids: Iterable[int]) -> Q:
    """The same of a few agents: by an index alone where nothing was ever found of them."""
    agents = list(agent_ids)
    nameless: Any = model._meta.apps.get_model("activity", "Nameless")
    if nameless._default_manager.filter(agent_id__in=agents).exists():
        return told_by(model, agents)
    return Q(agent_id__in=agents)


def teller() -> Func:
    """Whose a record is: its header's word, else what was found by its run."""
    return Func(template=TELLER, output_field=BigIntegerField())


def claimed_agent() -> Func:
    """What a record says its agent is called; null where it says nothing."""
    return Func(template=CLAIMED_AGENT, output_field=TextField())


def claimed_system() -> Func:
    """The kind of system that a record says it is of; null where it says none."""
    return Func(template=CLAIMED_SYSTEM, output_field=TextField())


class EventQuerySet(models.QuerySet):
    def in_trail(self) -> Self:
        """Those of the one log there is; none, where nothing ever came in."""
        return self.filter(log_id=Log.objects.filter(name="activity").order_by().values("pk")[:1])

    def visible_to(self, actor: Actor) -> Self:
        """What agents said to who may see them; what systems recorded to who may see whose it is.

        Who is limited to systems reads of an agent's run, and of other systems' records nothing.
        """
        rows = in_period_of(actor, self, "happened_at")
        if reads_all_systems(actor):
            return rows
        told = told_by(self.model, Agent.objects.visible_to(actor).values("pk"))
        recorded = Q(kind=Kind.API)
        if is_limited_auditor(actor):
            seen = Q(system_id__in=System.objects.visible_to(actor).values("pk"))
        else:
            seen = Q(identity_id__in=Identity.objects.visible_to(actor).values("pk"))
        return rows.filter((told & ~recorded) | (recorded & seen))

    def of_agents(self, agent_ids: Iterable[int]) -> Q:
        """What these agents told, also where that is known by its run alone."""
        return told_by_agents(self.model, agent_ids)

    def following(self, log_id: int, leaf: int) -> Self:
        """The records of a log from one place on, in its order."""
        return self.filter(log_id=log_id, leaf_index__gte=leaf).order_by("leaf_index")

    def told_in(self, log_id: int, trace_id: UUID) -> Self:
        """What the agent said of one run; not what systems recorded."""
        return self.filter(log_id=log_id, trace_id=trace_id).exclude(kind=Kind.API)

    def story_of(self, run: Any) -> Self:
        """What was said under a run's id in the months that it lies in: its own agent's first,
        so that no limit leaves that out for what others said; each in the order of its clock."""
        own = Q(agent_id=run.agent_id) | Q(told_by=run.agent_id)
        if run.agent_id is None:
            own = Q(told_by__isnull=True)
        rows = self.told_in(run.log_id, run.trace_id).alias(told_by=teller())
        return rows.recorded_between(run.first_recorded, run.last_recorded).order_by(
            Case(When(own, then=0), default=1), "happened_at", "leaf_index"
        )

    def recorded_between(self, start: datetime, until: datetime) -> Self:
        """Recorded in [start, until]: what keeps a read to the partitions of that time."""
        return self.filter(recorded_at__gte=start, recorded_at__lte=until)

    def at(self, log_id: int, leaves: Iterable[int]) -> Self:
        return self.filter(log_id=log_id, leaf_index__in=list(leaves))

    def naming_requests(self, log_id: int, request_ids: Iterable[str]) -> Self:
        """What agents or systems say of these requests. Nobody names the empty one."""
        return self.filter(log_id=log_id, request_id__in=list(request_ids)).exclude(request_id="")

    def carrying(self, log_id: int, ids: Iterable[UUID]) -> Self:
        """What systems recorded that carries one of these ids of ours."""
        return self.filter(log_id=log_id, kind=Kind.API, correlation__in=list(ids))

    def calls_as(
        self, log_id: int, identity_ids: Iterable[int], start: datetime, until: datetime
    ) -> Self:
        """What systems recorded of these identities in [start, until], by the systems' clocks."""
        return self.filter(
            log_id=log_id,
            kind=Kind.API,
            identity_id__in=list(identity_ids),
            happened_at__gte=start,
            happened_at__lte=until,
        )
