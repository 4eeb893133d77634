"""One invocation as its page tells it: what the agent said, joined to what systems recorded."""

import json
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from apps.activity.models import Event, Invocation, Link, Payload
from apps.activity.selectors.seals import SealTold, seal_told
from apps.activity.states import PROVEN_FROM, Kind
from apps.proof.models import Log

MOST_TOLD = 500
MOST_NEAR = 100
TOLD_AS = {
    Kind.INVOCATION: "Told",
    Kind.STEP: "Decided",
    Kind.ACTION: "Did",
    Kind.CALL: "Called",
    Kind.GUARD: "Guarded",
    Kind.OTHER: "Also said",
}


@dataclass(frozen=True, slots=True)
class Joined:
    """An API call that a system recorded, and how it came to stand where it stands."""

    event: Event
    link: Link
    header: dict[str, Any]


@dataclass(slots=True)
class Moment:
    """One row of the story: what the agent said, what systems recorded, or both.

    Without `event` the agent said nothing of these calls. `depth` is how deep it lies in the run.
    """

    event: Event | None
    header: dict[str, Any]
    depth: int = 0
    calls: list[Joined] = field(default_factory=list)
    has_payload: bool = False

    @property
    def at(self) -> datetime:
        first = self.event or self.calls[0].event
        return first.happened_at

    @property
    def word(self) -> str:
        return TOLD_AS[Kind(self.event.kind)] if self.event else ""


@dataclass(frozen=True, slots=True)
class Story:
    """A run in the order of its clock; `near` only happened close to it."""

    moments: list[Moment]
    near: list[Joined]
    seal: SealTold
    is_cut: bool
    missing_parents: int


def story_of(invocation: Invocation) -> Story:
    """Everything of one invocation but its payloads; seven queries, however long it is."""
    log = Log.objects.get(pk=invocation.log_id)
    told = list(
        Event.objects.told_in(log.pk, invocation.trace_id)
        .recorded_between(invocation.first_recorded, invocation.last_recorded)
        .order_by("happened_at", "leaf_index")[: MOST_TOLD + 1]
    )
    is_cut, told = len(told) > MOST_TOLD, told[:MOST_TOLD]
    joined = _joined(log.pk, invocation)
    near = [one for one in joined if one.link.confidence < PROVEN_FROM]
    sure = [one for one in joined if one.link.confidence >= PROVEN_FROM]
    depths, missing = _depths(told)
    moments = _moments(told, sure, depths, _with_payload(log.pk, told))
    seal = seal_told(log, [*told, *(one.event for one in joined)])
    return Story(moments, near, seal, is_cut, missing)


def _joined(log_id: int, invocation: Invocation) -> list[Joined]:
    links = list(invocation.links.order_by("-confidence", "call_recorded_at")[:MOST_TOLD])
    times = [one.call_recorded_at for one in links]
    if not links:
        return []
    calls = {
        one.leaf_index: one
        for one in Event.objects.at(log_id, (link.call_leaf for link in links)).recorded_between(
            min(times), max(times)
        )
    }
    found = [
        Joined(calls[link.call_leaf], link, json.loads(calls[link.call_leaf].header))
        for link in links
        if link.call_leaf in calls
    ]
    return sorted(found, key=lambda one: (one.event.happened_at, one.event.leaf_index))


def _moments(
    told: Sequence[Event], sure: Iterable[Joined], depths: dict[str, int], paid: set[int]
) -> list[Moment]:
    beside: dict[int | None, list[Joined]] = defaultdict(list)
    places = {event.leaf_index for event in told}
    for one in sure:
        beside[one.link.action_leaf if one.link.action_leaf in places else None].append(one)
    moments = [
        Moment(
            event,
            json.loads(event.header),
            depths.get(event.span_id, 0),
            beside[event.leaf_index],
            event.leaf_index in paid,
        )
        for event in told
    ]
    moments += [Moment(None, {}, calls=[one]) for one in beside[None]]
    return sorted(moments, key=lambda one: one.at)


def _depths(told: Sequence[Event]) -> tuple[dict[str, int], int]:
    """How deep each span lies, by the parents that came; and how many parents did not."""
    parents = {one.span_id: one.parent_id for one in told if one.span_id}
    depths: dict[str, int] = {}
    for span in parents:
        path, at = [], span
        while at in parents and at not in depths and at not in path:
            path.append(at)
            at = parents[at]
        depth = depths.get(at, -1)
        for one in reversed(path):
            depth += 1
            depths[one] = depth
    missing = {one.parent_id for one in told if one.parent_id and one.parent_id not in parents}
    return depths, len(missing)


def _with_payload(log_id: int, told: Sequence[Event]) -> set[int]:
    if not told:
        return set()
    rows = Payload.objects.filter(
        log_id=log_id,
        leaf_index__in=[one.leaf_index for one in told],
        recorded_at__gte=min(one.recorded_at for one in told),
        recorded_at__lte=max(one.recorded_at for one in told),
    )
    return set(rows.values_list("leaf_index", flat=True))
