"""What let a run do what it did: of each action and call the grant, and why that was there."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from apps.activity.models import Event, Invocation, Link
from apps.activity.selectors.held import Elsewhere
from apps.activity.selectors.records import record_at
from apps.activity.selectors.shown import shown_of
from apps.activity.states import PROVEN_FROM, Kind, Shown
from apps.console.selectors.grant_reasons import Reason, reasons_of
from apps.console.selectors.record_access import (
    ALONE,
    UNKEPT,
    UNSEEN,
    Judgement,
    Verdict,
    judgements_of,
    together,
)
from apps.core.actors import Actor

# As many as the run's page shows: each line has a place there.
MOST = 500
DEEDS = (Kind.ACTION, Kind.CALL)


@dataclass(frozen=True, slots=True)
class Cover:
    """A grant that allowed a record, as `apps.console.selectors.record_access` says it."""

    reason: Reason
    is_sure: bool
    is_younger: bool


@dataclass(frozen=True, slots=True)
class RecordAccess:
    """What allowed one record. `hidden` grants did too, and the reader may not see them.

    Beside what was told and `is_joined` stand the calls themselves, each with its own line; beside
    the rest what the logs have of it, `shown`.
    """

    event: Event
    judged: Judgement
    covers: list[Cover]
    elsewhere: list[Elsewhere]
    hidden: int
    is_joined: bool
    shown: Shown | None = None

    @property
    def is_told(self) -> bool:
        return self.event.kind != Kind.API

    @property
    def first(self) -> Cover:
        return self.covers[0]

    @property
    def others(self) -> list[Cover]:
        return self.covers[1:]

    @property
    def also(self) -> int:
        return len(self.covers) - 1 + self.hidden


@dataclass(frozen=True, slots=True)
class Used:
    """A grant that allowed these calls; `also` counts others that cover one of them."""

    reason: Reason
    names: list[str]
    is_younger: bool
    also: int


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A call that no grant of its identity allowed; `elsewhere` name it for other things."""

    name: str
    on: list[str]
    elsewhere: list[Elsewhere]


@dataclass(frozen=True, slots=True)
class RunAccess:
    """`used` and `uncovered` are of the calls that systems recorded; `records` of all it did.

    `hidden` grants allowed calls too, and lie outside of what the reader may see; so do `unseen`
    calls that are proven to be of it.
    """

    used: list[Used]
    uncovered: list[Uncovered]
    hidden: int
    records: list[RecordAccess]
    is_proven: bool
    unseen: int


def access_of(run: Invocation, actor: Actor) -> RunAccess:
    """Of what the run told and of the calls proven to be of it, as far as they may be seen.

    A fixed number of queries, however long it is.
    """
    links = list(
        run.links.filter(confidence__gte=PROVEN_FROM).order_by("-confidence", "call_recorded_at")[
            :MOST
        ]
    )
    told = (
        Event.objects.told_in(run.log_id, run.trace_id)
        .recorded_between(run.first_recorded, run.last_recorded)
        .visible_to(actor)
        .order_by("happened_at", "leaf_index")[:MOST]
    )
    deeds = [one for one in told if one.kind in DEEDS]
    links_beside = _links_beside(run, deeds)
    records, unseen = _records(deeds, [*links, *links_beside], run.log_id, run.ended_at, actor)
    shown = shown_of([one.event for one in records if one.is_told and not one.is_joined], actor)
    records = [replace(one, shown=shown.get(one.event.leaf_index)) for one in records]
    own = {link.call_leaf for link in links}
    calls = [one for one in records if not one.is_told and one.event.leaf_index in own]
    seen = {cover.reason.grant.pk for one in calls for cover in one.covers}
    allowing = {cover.grant_id for one in calls for cover in one.judged.covers}
    return RunAccess(
        _used(calls),
        _uncovered(calls),
        len(allowing - seen),
        records,
        is_proven=bool(calls),
        unseen=len(unseen & own),
    )


def _links_beside(run: Invocation, deeds: Sequence[Event]) -> list[Link]:
    """Proven calls of what other agents told within the run: they stand beside that."""
    apart = Invocation.objects.under(run.log_id, [run.trace_id]).exclude(pk=run.pk).order_by()
    joined = Link.objects.filter(invocation__in=apart.values("pk"), confidence__gte=PROVEN_FROM)
    joined = joined.filter(action_leaf__in=[one.leaf_index for one in deeds])
    return list(joined.order_by("call_recorded_at")[:MOST])


def access_of_record(leaf: int, actor: Actor) -> RecordAccess | None:
    """Of one record by its place in the log; None if there is none such for this reader."""
    at = record_at(leaf, actor)
    if at is None:
        return None
    _, event = at
    told, links = ([], []) if event.kind == Kind.API else _within(event, actor)
    found, _ = _records([event, *told], links, event.log_id, event.happened_at, actor)
    return next(one for one in found if one.event.leaf_index == leaf)


def _within(event: Event, actor: Actor) -> tuple[list[Event], list[Link]]:
    """What else was told within an action, and the calls proven to be of it."""
    if event.trace_id is None:
        return [], []
    runs = Invocation.objects.under(event.log_id, [event.trace_id])
    run = runs.first()
    if run is None:
        return [], []
    inner = (
        Event.objects.told_in(run.log_id, run.trace_id)
        .recorded_between(run.first_recorded, run.last_recorded)
        .visible_to(actor)
        .filter(kind__in=DEEDS, parent_id=event.span_id)
        .exclude(parent_id="")[:MOST]
    )
    told = [one for one in inner if one.leaf_index != event.leaf_index]
    leaves = [event.leaf_index, *(one.leaf_index for one in told)]
    joined = Link.objects.filter(invocation__in=[one.pk for one in runs])
    links = joined.filter(confidence__gte=PROVEN_FROM, action_leaf__in=leaves)
    return told, list(links[:MOST])


def _records(
    told: Sequence[Event],
    links: Sequence[Link],
    log_id: int,
    moment: datetime,
    actor: Actor,
) -> tuple[list[RecordAccess], set[int]]:
    """And the places of the calls that are joined, and that the reader may not see."""
    calls = _calls(links, log_id, actor)
    events = [*told, *calls]
    judged = judgements_of(events)
    seen = {one.leaf_index for one in calls}
    unseen = _unseen(links, log_id, seen)
    lost = {link.call_leaf for link in links} - seen - unseen
    for leaves, why in ((unseen, UNSEEN), (lost, UNKEPT)):
        for leaf in _proving(told, links, leaves):
            if judged[leaf].why == ALONE:
                judged[leaf] = replace(judged[leaf], why=why)
    proving = _proving(told, links, seen)
    for leaf, of_it in proving.items():
        judged[leaf] = together([judged[one] for one in of_it])
    ids = {cover.grant_id for one in judged.values() for cover in one.covers}
    ids |= {grant for one in judged.values() for grant, _ in one.elsewhere}
    reasons = reasons_of(ids, moment, actor)
    joined = {link.action_leaf for link in links if link.call_leaf in seen}
    events.sort(key=lambda one: (one.happened_at, one.leaf_index))
    found = [
        _record(one, judged[one.leaf_index], reasons, is_joined=one.leaf_index in joined)
        for one in events
    ]
    return found, unseen


def _record(
    event: Event, judged: Judgement, reasons: Mapping[int, Reason], *, is_joined: bool
) -> RecordAccess:
    covers = [
        Cover(reasons[one.grant_id], one.is_sure, one.is_younger)
        for one in judged.covers
        if one.grant_id in reasons
    ]
    elsewhere = [
        Elsewhere(reasons[grant].grant, places)
        for grant, places in judged.elsewhere
        if grant in reasons
    ]
    hidden = len(judged.covers) - len(covers)
    return RecordAccess(event, judged, covers, elsewhere, hidden, is_joined)


def _unseen(links: Sequence[Link], log_id: int, seen: Collection[int]) -> set[int]:
    """Calls that are kept here, and are not for this reader; asked for where any is missing."""
    missing = [one for one in links if one.call_leaf not in seen]
    if not missing:
        return set()
    times = [one.call_recorded_at for one in missing]
    rows = Event.objects.at(log_id, {one.call_leaf for one in missing})
    kept = rows.recorded_between(min(times), max(times))
    return set(kept.values_list("leaf_index", flat=True))


def _calls(links: Sequence[Link], log_id: int, actor: Actor) -> list[Event]:
    if not links:
        return []
    times = [one.call_recorded_at for one in links]
    rows = Event.objects.at(log_id, (one.call_leaf for one in links))
    return list(rows.recorded_between(min(times), max(times)).visible_to(actor))


def _proving(
    told: Iterable[Event], links: Iterable[Link], seen: Collection[int]
) -> dict[int, list[int]]:
    """By what was told, the calls that prove it: joined to it, or to what was told within it."""
    spans = {one.span_id: one.leaf_index for one in told if one.span_id}
    outer = {one.leaf_index: spans.get(one.parent_id) for one in told}
    proving: dict[int, list[int]] = defaultdict(list)
    for link in links:
        if link.action_leaf not in outer or link.call_leaf not in seen:
            continue
        for leaf in (link.action_leaf, outer[link.action_leaf]):
            if leaf is not None:
                proving[leaf].append(link.call_leaf)
    return proving


def _used(calls: Iterable[RecordAccess]) -> list[Used]:
    names: dict[int, set[str]] = defaultdict(set)
    beside: dict[int, set[int]] = defaultdict(set)
    covers: dict[int, Cover] = {}
    for one in calls:
        together_with = {cover.grant_id for cover in one.judged.covers}
        for cover in one.covers:
            grant = cover.reason.grant.pk
            names[grant].add(one.event.name)
            beside[grant] |= together_with - {grant}
            if grant not in covers or covers[grant].is_younger:
                covers[grant] = cover
    found = [
        Used(cover.reason, sorted(names[grant]), cover.is_younger, len(beside[grant]))
        for grant, cover in covers.items()
    ]
    return sorted(found, key=lambda one: (one.reason.grant.level == "read", str(one.reason.grant)))


def _uncovered(calls: Iterable[RecordAccess]) -> list[Uncovered]:
    on: dict[tuple[int, str], set[str]] = defaultdict(set)
    elsewhere: dict[tuple[int, str], dict[int, Elsewhere]] = defaultdict(dict)
    for one in calls:
        if one.judged.verdict == Verdict.OUTSIDE:
            key = (one.event.identity_id or 0, one.event.name)
            on[key].add(one.event.target)
            elsewhere[key] |= {of.grant.pk: of for of in one.elsewhere}
    return [
        Uncovered(key[1], sorted(on[key] - {""}), list(elsewhere[key].values()))
        for key in sorted(on, key=lambda key: key[1])
    ]
