"""What an agent did outside the tasks of its purpose, and how it stands with its check."""

from dataclasses import dataclass

from apps.activity.models import DriftedCall, Reconstruction
from apps.core.actors import Actor
from apps.inventory.models import Agent, System

MOST = 100


@dataclass(frozen=True, slots=True)
class Outside:
    """One API call that no task needs, and where it was made."""

    call: DriftedCall
    system: System


@dataclass(frozen=True, slots=True)
class Standing:
    """`outside` newest first, as far as the reader may see the systems. Without tasks nothing is
    outside, and `has_tasks` says that it could not be judged."""

    outside: list[Outside]
    is_cut: bool
    has_tasks: bool
    check: Reconstruction | None


def standing_of(agent: Agent, actor: Actor) -> Standing:
    calls = DriftedCall.objects.filter(
        agent_id=agent.pk, system_id__in=System.objects.visible_to(actor).values("pk")
    ).order_by("-last_at", "pk")
    rows = list(calls[: MOST + 1])
    systems = System.objects.in_bulk({row.system_id for row in rows})
    return Standing(
        outside=[Outside(row, systems[row.system_id]) for row in rows[:MOST]],
        is_cut=len(rows) > MOST,
        has_tasks=agent.tasks.filter(retired_at=None, needs__isnull=False).exists(),
        check=Reconstruction.objects.of_agent(agent.pk).select_related("signed_by").first(),
    )
