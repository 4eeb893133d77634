"""What an agent did outside the tasks of its purpose, and how it stands with its check."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, Sum
from django.utils import timezone

from apps.activity.models import DeedHour, DriftedCall, Reconstruction
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.inventory.models import Agent, System

MOST = 100


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
    since: datetime
    is_cut: bool
    has_tasks: bool
    check: Reconstruction | None


def standing_of(agent: Agent, actor: Actor) -> Standing:
    calls = DriftedCall.objects.filter(
        agent_id=agent.pk, system_id__in=System.objects.visible_to(actor).values("pk")
    ).order_by("-last_at", "pk")
    rows = list(calls[: MOST + 1])
    systems = System.objects.in_bulk({row.system_id for row in rows})
    shown = [Outside(row, systems[row.system_id]) for row in rows[:MOST]]
    since = timezone.now() - timedelta(days=preference("measured_window_days"))
    nowhere = DeedHour.objects.filter(agent_id=agent.pk, system_id=0, hour__gte=since)
    return Standing(
        outside=[one for one in shown if not one.call.is_told],
        told=[one for one in shown if one.call.is_told],
        nowhere=nowhere.aggregate(n=Sum(F("deeds") - F("confirmed"), default=0))["n"],
        since=since,
        is_cut=len(rows) > MOST,
        has_tasks=agent.tasks.filter(retired_at=None, needs__isnull=False).exists(),
        check=Reconstruction.objects.of_agent(agent.pk).select_related("signed_by").first(),
    )
