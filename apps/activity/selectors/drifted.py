"""What an agent did outside the tasks of its purpose, and how it stands with its check."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import F, Max, Min, QuerySet, Sum
from django.utils import timezone

from apps.activity.models import DeedHour, DriftedCall, Reconstruction, UseHour
from apps.activity.querysets.seats import has_period
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.inventory.models import Agent, System

MOST = 100
UNPROVEN = F("deeds") - F("confirmed")


@dataclass(frozen=True, slots=True)
class Outside:
    """What no task needs, an API call or what the agent alone says it did, and where."""

    call: DriftedCall
    system: System


@dataclass(frozen=True, slots=True)
class Standing:
    """`outside` newest first, as far as the reader may see the systems. Without tasks nothing is
    outside, and `has_tasks` says that it could not be judged. Of `nowhere` told actions nobody
    knows on which system they were done."""

    outside: list[Outside]
    told: list[Outside]
    nowhere: int
    is_cut: bool
    has_tasks: bool
    check: Reconstruction | None

    @property
    def calls(self) -> int:
        """How many API calls those outside are, as far as they are listed."""
        return sum(one.call.calls for one in self.outside)

    @property
    def deeds(self) -> int:
        return sum(one.call.calls for one in self.told)


def standing_of(agent: Agent, actor: Actor) -> Standing:
    calls: QuerySet[DriftedCall] = DriftedCall.objects.filter(
        agent_id=agent.pk, system_id__in=System.objects.visible_to(actor).values("pk")
    ).order_by("-last_at", "pk")
    since = timezone.now() - timedelta(days=preference("measured_window_days"))
    if has_period(actor):
        rows = _in_period(agent, calls, since, actor)[: MOST + 1]
    else:
        rows = list(calls[: MOST + 1])
    systems = System.objects.in_bulk({row.system_id for row in rows})
    shown = [Outside(row, systems[row.system_id]) for row in rows[:MOST]]
    deeds = DeedHour.objects.visible_to(actor).filter(agent_id=agent.pk, hour__gte=since)
    nowhere = deeds.filter(system_id=0)
    return Standing(
        outside=[one for one in shown if not one.call.is_told],
        told=[one for one in shown if one.call.is_told],
        nowhere=nowhere.aggregate(n=Sum(UNPROVEN, default=0))["n"],
        is_cut=len(rows) > MOST,
        has_tasks=agent.tasks.filter(retired_at=None, needs__isnull=False).exists(),
        check=Reconstruction.objects.of_agent(agent.pk).select_related("signed_by").first(),
    )


def _in_period(
    agent: Agent, calls: QuerySet[DriftedCall], since: datetime, actor: Actor
) -> list[DriftedCall]:
    """What of it is of the period that an auditor's seat names, with the figures of that time."""
    found = []
    figures = _figures(agent, since, actor)
    for row in calls:
        of_it = figures.get((row.is_told, row.system_id, row.identity_id, row.name))
        if of_it is not None:
            row.calls, row.first_at, row.last_at = of_it
            found.append(row)
    return sorted(found, key=lambda row: row.last_at, reverse=True)


def _figures(agent: Agent, since: datetime, actor: Actor) -> dict[tuple[Any, ...], Any]:
    """How often, and first and last when: of recorded calls, and of what the agent tells alone."""
    ends: dict[str, Any] = {"first": Min("first_at"), "last": Max("last_at")}
    asked: dict[str, Any] = {"agent_id": agent.pk, "hour__gte": since}
    calls = UseHour.objects.visible_to(actor).filter(**asked).order_by()
    deeds = DeedHour.objects.visible_to(actor).filter(**asked).order_by()
    by_call: Any = calls.values_list("system_id", "identity_id", "name")
    by_deed: Any = deeds.values_list("system_id", "name")
    figures: dict[tuple[Any, ...], Any] = {
        (False, system, identity, name): of
        for system, identity, name, *of in by_call.annotate(n=Sum("calls"), **ends)
    }
    for system, name, *of in by_deed.annotate(n=Sum(UNPROVEN), **ends).filter(n__gt=0):
        figures[True, system, 0, name] = of
    return figures
