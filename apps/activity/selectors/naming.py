"""Whose records are of which their collector did not say so, as pages tell it."""

from collections.abc import Collection, Iterable, Mapping
from typing import Any

from apps.activity.models import Event, Invocation, Nameless
from apps.activity.states import Kind
from apps.inventory.models import Agent


def names_beside(events: Collection[Event]) -> dict[int, Agent]:
    """The agents of those records that name none and whose are known by their run, by place.

    No query where every record says whose it is.
    """
    asked = [one for one in events if one.agent_id is None and one.kind != Kind.API]
    if not asked:
        return {}
    found = dict(
        Nameless.objects.filter(
            log_id=asked[0].log_id,
            leaf_index__in=[one.leaf_index for one in asked],
            agent_id__isnull=False,
        ).values_list("leaf_index", "agent_id")
    )
    agents = Agent.objects.in_bulk(set(found.values())) if found else {}
    return {leaf: agents[agent] for leaf, agent in found.items() if agent in agents}


def run_of(
    runs: Iterable[Invocation], agent_id: int | None, header: Mapping[str, Any]
) -> Invocation | None:
    """Of the runs under one id that of this agent, or of none for what claims a name that is not
    known; else the first that is known, which also counts what names nobody."""
    found = list(runs)
    if agent_id is not None or header.get("claimed", {}).get("agent"):
        for run in found:
            if run.agent_id == agent_id:
                return run
    return min(found, key=lambda one: one.agent_id is None, default=None)
