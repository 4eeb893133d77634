"""One invocation as its page tells it: what the agent said, joined to what systems recorded."""

from collections import defaultdict
from collections.abc import Container, Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Case, When

from apps.activity.conventions.content import NOT_CAPTURED
from apps.activity.conventions.tables import EVENTS
from apps.activity.models import Event, Invocation, Link
from apps.activity.querysets.events import EventQuerySet
from apps.activity.querysets.seats import has_period
from apps.activity.saying import header_said
from apps.activity.selectors.naming import names_beside
from apps.activity.selectors.seals import SealTold, seal_told
from apps.activity.states import PROVEN_FROM, Kind
from apps.core.actors import Actor
from apps.inventory.querysets.scope import reads_all_systems
from apps.proof.models import Log

MOST_TOLD = 500
MOST_NEAR = 100
UNKNOWN = "an unknown agent"
# Events of the log that bring what was said to an agent and what it answered.
SPOKEN = frozenset(name for name, (slot, _) in EVENTS.items() if slot != "instructions")
# Deeper than that a row is drawn no further in.
DEEPEST = 6
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

    @property
    def system(self) -> str:
        """Where it happened, by the name in the inventory, else as its log says."""
        told = self.header.get("whose", {}).get("system")
        claimed: str = self.header.get("claimed", {}).get("system", "")
        return told or claimed


@dataclass(slots=True)
class Moment:
    """One row of the story: what the agent said, what systems recorded, or both.

    Without `event` the agent said nothing of these calls, or in a record that is not shown here:
    `elsewhere` is its place, 0 where the reader may not see it. `depth` is how deep it lies.
    `by` is who said it, where that is not the run's agent; `is_double` marks the inner of two
    records of one run, which some instrumentation sends.
    """

    event: Event | None
    header: dict[str, Any]
    depth: int = 0
    calls: list[Joined] = field(default_factory=list)
    opened: Any = None
    elsewhere: int | None = None
    by: str = ""
    is_double: bool = False

    @property
    def is_silent(self) -> bool:
        """Systems saw what the agent never said."""
        return self.event is None and self.elsewhere is None

    @property
    def at(self) -> datetime:
        first = self.event or self.calls[0].event
        return first.happened_at

    @property
    def is_deed(self) -> bool:
        """Whether it needed something that allowed it."""
        return self.event is not None and self.event.kind in {Kind.ACTION, Kind.CALL}

    @property
    def records(self) -> list[tuple[Event, bool]]:
        """What was said of it and its calls, each with whether it tells what allowed it."""
        said = [(self.event, self.is_deed and not self.calls)] if self.event else []
        return [*said, *((call.event, True) for call in self.calls)]

    @property
    def has_payload(self) -> bool:
        """Whether words were sealed with it; where its header tells nothing, they may have been."""
        return bool(self.header.get("payload", True))

    @property
    def word(self) -> str:
        if self.event is None:
            return ""
        return TOLD_AS[Kind.OTHER if self.is_double else Kind(self.event.kind)]

    @property
    def is_odd(self) -> bool:
        """What should be seen from afar: what did not end well, and calls nobody told of."""
        return self.is_silent or (self.event is not None and self.event.is_bad)


@dataclass(frozen=True, slots=True)
class Bar:
    """One record on the clock of its run: where it starts and how long it is, in thousandths.

    `is_accounted` where it tells what allowed it.
    """

    leaf: int
    name: str
    depth: int
    by: str
    start: int
    width: int
    took: str
    is_odd: bool
    is_recorded: bool
    is_accounted: bool


@dataclass(frozen=True, slots=True)
class Story:
    """A run in the order of its clock; `near` only happened close to it, as did `more_near`.

    `withheld` of what was told in it is by agents that the reader may not see. `others` are the
    runs of other agents under the same id, as far as the reader may see them, with their names.
    `joined` are all the calls joined to it, those that stand beside a moment and those near it.
    """

    moments: list[Moment]
    joined: list[Joined]
    near: list[Joined]
    more_near: int
    seal: SealTold
    is_cut: bool
    missing_parents: int
    hidden: int
    withheld: int
    warnings: list[str]
    others: list[Invocation]

    @property
    def attested_by(self) -> str:
        """The client that delivered what was told, by the first record that says so."""
        told = (one.header.get("whose", {}).get("attested_by", "") for one in self.moments)
        return next(filter(None, told), "")

    @property
    def bars(self) -> list[Bar]:
        """Every record as a bar between the run's first moment and its last."""
        records = [(*one, moment) for moment in self.moments for one in moment.records]
        if not records:
            return []
        first = min(event.happened_at for event, _, _ in records)
        whole = max(event.ended_at for event, _, _ in records) - first
        return [
            _bar(event, moment, first, whole, is_accounted=is_accounted)
            for event, is_accounted, moment in records
        ]


def story_of(invocation: Invocation, actor: Actor) -> Story:
    """Everything of one invocation but its payloads, as far as the reader may see it.

    A fixed number of queries, however long it is. `hidden` calls lie outside the reader's seat.
    """
    log = Log.objects.get(pk=invocation.log_id)
    apart = Invocation.objects.under(log.pk, [invocation.trace_id]).exclude(pk=invocation.pk)
    others = list(apart.visible_to(actor).for_table())
    rows = Event.objects.story_of(invocation)
    told = list(rows.visible_to(actor)[: MOST_TOLD + 1])
    withheld = _withheld(rows, actor)
    is_cut = len(told) > MOST_TOLD
    told = sorted(told[:MOST_TOLD], key=lambda one: (one.happened_at, one.leaf_index))
    shown = {*(one.leaf_index for one in told), *withheld}
    joined, beside, hidden = _joined(invocation, shown, actor)
    near = [one for one in joined if one.link.confidence < PROVEN_FROM]
    sure = [one for one in joined if one.link.confidence >= PROVEN_FROM] + beside
    roots = {one.root_span for one in (invocation, *others)}
    depths, missing = _depths(told, roots, set(withheld.values()))
    moments = _moments(told, sure, depths, withheld)
    _name(moments, invocation)
    _mark_doubles(moments)
    return Story(
        moments=moments,
        joined=joined,
        near=near[:MOST_NEAR],
        more_near=max(0, len(near) - MOST_NEAR),
        seal=seal_told(log, [*told, *(one.event for one in (*joined, *beside))]),
        is_cut=is_cut,
        missing_parents=missing,
        hidden=hidden,
        withheld=len(withheld),
        warnings=_warnings(invocation, moments),
        others=others,
    )


def _name(moments: Iterable[Moment], invocation: Invocation) -> None:
    """Say who said what the run's agent did not."""
    told = [one for one in moments if one.event]
    known = names_beside([one.event for one in told if one.event])
    for moment in told:
        assert moment.event is not None  # noqa: S101  (they were chosen so)
        whose = moment.header.get("whose", {})
        agent = known.get(moment.event.leaf_index)
        teller = agent.pk if agent else moment.event.agent_id
        if teller != invocation.agent_id:
            moment.by = (agent.name if agent else whose.get("agent")) or UNKNOWN


def _mark_doubles(moments: Iterable[Moment]) -> None:
    """Of runs of one name of one agent, one within the other, the inner is no sub-agent."""
    runs = {
        one.event.span_id: _called(one)
        for one in moments
        if one.event and one.event.kind == Kind.INVOCATION
    }
    for one in moments:
        if one.event and one.event.kind == Kind.INVOCATION and one.header.get("claimed"):
            called = _called(one)
            one.is_double = bool(called[1]) and runs.get(one.event.parent_id) == called


def _called(moment: Moment) -> tuple[int | None, str]:
    assert moment.event is not None  # noqa: S101  (it is a record's)
    return moment.event.agent_id, moment.header.get("claimed", {}).get("agent", "")


def _warnings(invocation: Invocation, moments: Iterable[Moment]) -> list[str]:
    """What did not come. Spans without words lack nothing where log events bring these."""
    if any(one.event and one.has_payload and one.event.name in SPOKEN for one in moments):
        return [one for one in invocation.warnings if one != NOT_CAPTURED]
    return list(invocation.warnings)


def _withheld(rows: EventQuerySet, actor: Actor) -> dict[int, str]:
    """The spans of records under the same id that the reader may not see, by their place."""
    if reads_all_systems(actor) and not has_period(actor):
        return {}
    seen = rows.visible_to(actor).order_by().values("leaf_index")
    unseen = rows.exclude(leaf_index__in=seen)
    return dict(unseen.values_list("leaf_index", "span_id")[: MOST_TOLD + 1])


def _bar(
    event: Event, moment: Moment, first: datetime, whole: timedelta, *, is_accounted: bool
) -> Bar:
    took = (event.ended_at - event.happened_at).total_seconds()
    scale = 1000 / max(whole.total_seconds(), 0.001)
    start = round((event.happened_at - first).total_seconds() * scale)
    return Bar(
        leaf=event.leaf_index,
        name=event.name or "without a name",
        depth=moment.depth,
        by=moment.by,
        start=min(start, 996),
        width=max(round(took * scale), 4),
        took=f"{took:.1f} s" if took >= 1 else f"{took * 1000:.0f} ms",
        is_odd=event.is_bad,
        is_recorded=event.kind == Kind.API,
        is_accounted=is_accounted,
    )


def _joined(
    invocation: Invocation, shown: Container[int], actor: Actor
) -> tuple[list[Joined], list[Joined], int]:
    """The calls joined to a run that the reader may see; those proven to be of what other agents
    told beside it; and how many of its own they may not see."""
    log_id = invocation.log_id
    under = {"invocation__log_id": log_id, "invocation__trace_id": invocation.trace_id}
    own_first = Case(When(invocation=invocation.pk, then=0), default=1)
    links = Link.objects.filter(**under).order_by(own_first, "-confidence", "call_recorded_at")
    links = links[: 2 * MOST_TOLD]
    mine = [one for one in links if one.invocation_id == invocation.pk][:MOST_TOLD]
    apart = [
        one
        for one in links
        if one.invocation_id != invocation.pk
        and one.confidence >= PROVEN_FROM
        and one.action_leaf in shown
    ]
    found = _called_by(log_id, [*mine, *apart], actor)
    joined = [one for one in found if one.link.invocation_id == invocation.pk]
    beside = [one for one in found if one.link.invocation_id != invocation.pk]
    return joined, beside, len(mine) - len(joined)


def _called_by(log_id: int, links: Sequence[Link], actor: Actor) -> list[Joined]:
    if not links:
        return []
    times = [one.call_recorded_at for one in links]
    rows = Event.objects.at(log_id, (link.call_leaf for link in links))
    rows = rows.recorded_between(min(times), max(times)).visible_to(actor)
    calls = {one.leaf_index: one for one in rows}
    found = [
        Joined(calls[link.call_leaf], link, header_said(calls[link.call_leaf].header))
        for link in links
        if link.call_leaf in calls
    ]
    found.sort(key=lambda one: (one.event.happened_at, one.event.leaf_index))
    return found


def _moments(
    told: Sequence[Event],
    sure: Iterable[Joined],
    depths: dict[str, int],
    withheld: Container[int],
) -> list[Moment]:
    beside: dict[int, list[Joined]] = defaultdict(list)
    places = {event.leaf_index for event in told}
    apart = []
    for one in sure:
        leaf = one.link.action_leaf
        if leaf in places:
            beside[leaf].append(one)
        else:
            elsewhere = 0 if leaf in withheld else leaf
            apart.append(Moment(None, {}, calls=[one], elsewhere=elsewhere))
    moments = [
        Moment(
            event,
            header_said(event.header),
            depths.get(event.span_id, 0),
            beside[event.leaf_index],
        )
        for event in told
    ]
    return sorted(moments + apart, key=lambda one: one.at)


def _depths(
    told: Sequence[Event], roots: Iterable[str], unseen: set[str]
) -> tuple[dict[str, int], int]:
    """How deep each span lies, by the parents that came; and how many parents did not.

    `unseen` came too. What the topmost of an agent lies in is outside the trail, and not missed.
    """
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
    outside = {"", *(parents.get(root, "") for root in roots)}
    missing = {one.parent_id for one in told} - outside - unseen - parents.keys()
    return {span: min(depth, DEEPEST) for span, depth in depths.items()}, len(missing)
