"""Whose trail is connected: by what came in of it, and by how far its systems' logs reach."""

from collections import defaultdict
from datetime import datetime

from apps.activity.models import DeedHour, Invocation, Stream
from apps.activity.settling import judged_since, settled_before
from apps.core.actors import Actor
from apps.inventory.models import Binding
from apps.inventory.services.agents import agents_trail_tell


def trails_tell(*, moment: datetime, actor: Actor) -> int:
    """Note of every agent whether its trail is connected; returns of how many that changed."""
    return agents_trail_tell(connected=connected_agents(moment), actor=actor)


def connected_agents(moment: datetime) -> set[int]:
    """Agents of which it can be known what they did over the time that is judged.

    A log of a system that they act on reaches into it, and either they told of a run, or the logs
    of all their systems are whole over it: then nothing told and nothing seen is nothing done.
    """
    since, settled = judged_since(moment), settled_before(moment)
    logs = Stream.objects.filter(complete_until__gte=since)
    logged = set(logs.values_list("system_id", flat=True))
    whole = set(
        logs.filter(complete_from__lte=since, complete_until__gte=settled).values_list(
            "system_id", flat=True
        )
    )
    systems: dict[int, set[int]] = defaultdict(set)
    for agent, system in Binding.objects.live().values_list("agent_id", "identity__system_id"):
        systems[agent].add(system)
    told = _told_since(since)
    return {
        agent for agent, of in systems.items() if of & logged and (agent in told or not of - whole)
    }


def _told_since(since: datetime) -> set[int | None]:
    runs = Invocation.objects.filter(started_at__gte=since).order_by()
    hours = DeedHour.objects.filter(hour__gte=since).order_by()
    return {
        *runs.values_list("agent_id", flat=True).distinct(),
        *hours.values_list("agent_id", flat=True).distinct(),
    }
