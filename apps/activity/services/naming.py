"""Whose the records are of which a collector did not say so in the body that brought them.

A collector names an agent where its telemetry does, often on the last span of a run alone, and a
run comes in several bodies. What is sealed stays as it was told; beside it is kept whose a record
is by all that the same collector told under the id: what it lies in, else the only agent that was
named there. So it is the same as if it had come in one body, in whatever order bodies arrive. Of
what an agent's own client tells nothing is looked at: whose that is was known, and stays so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Min, Sum

from apps.activity.models import Archive, Event, Invocation, Nameless
from apps.activity.saying import header_said
from apps.activity.services.folding import runs_fold_anew
from apps.activity.states import DEEDS, Kind

# What a collector's records say of who brought them begins so.
COLLECTOR = "collector "
# How far up a name is looked for; runs nest a few deep.
DEEPEST = 64
# Under an id of more records than that, names are no longer looked for; no more are at once.
MOST_TOLD = 50_000
# So many are read from the database at a time.
CHUNK = 2000

# An agent by its id; an agent that its collector may not name, by what it calls itself.
type Name = int | str
# Whose a deed is now, or was until now, and the hour in which it happened.
type Deed = tuple[int | None, datetime]

NAME = """
UPDATE activity_nameless SET agent_id = found.agent_id
FROM unnest(%(leaves)s::bigint[], %(agents)s::bigint[]) AS found(leaf_index, agent_id)
WHERE activity_nameless.log_id = %(log)s AND activity_nameless.leaf_index = found.leaf_index"""


@dataclass(frozen=True, slots=True)
class _Record:
    leaf: int
    span: str
    parent: str
    collector: str
    name: Name | None


@dataclass(slots=True)
class Reach:
    """How much came under an id, and since when."""

    told: int
    since: datetime


@dataclass(slots=True)
class Named:
    """Whose new nameless records are, by their places; deeds that are another agent's now; and the
    ids under which an older record is another's now."""

    whose: dict[int, int] = field(default_factory=dict)
    deeds: set[Deed] = field(default_factory=set)
    moved: set[UUID] = field(default_factory=set)


def names_find(log_id: int, events: Sequence[Event], until: int) -> Named:
    """Find whose the nameless among new records are, and those that came before under their ids.

    Before they are summed up; nothing from the place `until` on is looked at. In the caller's
    transaction. Where no collector told anything new, whose older records are stays as it is.
    """
    new = [_nameless(one) for one in events if _is_nameless(one)]
    Nameless.objects.bulk_create(new, ignore_conflicts=True)
    told = [one for one in events if one.trace_id is not None and COLLECTOR in one.header]
    traces = {one.trace_id for one in told if one.trace_id}
    reaches = _reaches(log_id, [one for one in events if one.trace_id in traces])
    return names_find_in(log_id, reaches, until, events[0].leaf_index if events else until)


def names_find_in(log_id: int, reaches: Mapping[UUID, Reach], until: int, new_from: int) -> Named:
    """Find whose the nameless records under these ids are. From the place `new_from` on they are
    new.

    A bounded number of records at once, however many ids there are.
    """
    found = Named()
    for group in in_groups(reaches):
        _find(log_id, {one: reaches[one] for one in group}, until, new_from, found)
    return found


def in_groups(reaches: Mapping[UUID, Reach]) -> Iterator[list[UUID]]:
    """These ids, so many at once as hold together no more than is looked at at once."""
    group, held = list[UUID](), 0
    for trace_id, reach in sorted(reaches.items(), key=lambda one: (one[1].since, one[0])):
        if group and held + reach.told > MOST_TOLD:
            yield group
            group, held = [], 0
        group.append(trace_id)
        held += reach.told
    if group:
        yield group


def within_reach(reaches: Mapping[UUID, Reach]) -> dict[UUID, Reach]:
    """Without ids under which there is too much, or a part of it in the archive alone: all stays
    there."""
    if not reaches:
        return {}
    kept_since = Archive.objects.kept_since()
    return {
        trace_id: one
        for trace_id, one in reaches.items()
        if one.told <= MOST_TOLD and (kept_since is None or one.since >= kept_since)
    }


def runs_tell_anew(log_id: int, reaches: Mapping[UUID, Reach], until: int) -> list[Invocation]:
    """Sum up and describe all runs under these ids anew, of what came before the place `until`."""
    runs = []
    for group in in_groups(reaches):
        since = min(reaches[one].since for one in group)
        told = Event.objects.filter(log_id=log_id, trace_id__in=group, leaf_index__lt=until)
        rows = told.filter(recorded_at__gte=since).exclude(kind=Kind.API).order_by("leaf_index")
        known = Nameless.objects.filter(log_id=log_id, trace_id__in=group, agent_id__isnull=False)
        whose = dict(known.values_list("leaf_index", "agent_id"))
        folded = runs_fold_anew(log_id, group, rows.iterator(CHUNK), whose)
        if folded.mixed:
            # By now there is a run of the first known agent, which holds what names nobody.
            folded = runs_fold_anew(log_id, group, rows.iterator(CHUNK), whose)
        runs += folded.runs
    return runs


def reaches_of(log_id: int, traces: Collection[UUID]) -> dict[UUID, Reach]:
    """What runs hold under these ids, of those within reach."""
    return within_reach(reaches_known(log_id, traces))


def reaches_known(log_id: int, traces: Collection[UUID]) -> dict[UUID, Reach]:
    """How much the runs under these ids hold, and since when."""
    runs = Invocation.objects.filter(log_id=log_id, trace_id__in=list(traces)).order_by()
    known = runs.values("trace_id").annotate(told=Sum("events"), since=Min("first_recorded"))
    return {one["trace_id"]: Reach(one["told"], one["since"]) for one in known}


def _reaches(log_id: int, events: Sequence[Event]) -> dict[UUID, Reach]:
    """What is known under the ids of new records, and these, within reach."""
    reaches = reaches_known(log_id, {one.trace_id for one in events if one.trace_id})
    for one in events:
        if one.trace_id is not None:
            reach = reaches.setdefault(one.trace_id, Reach(0, one.recorded_at))
            reach.told += 1
            reach.since = min(reach.since, one.recorded_at)
    return within_reach(reaches)


def _find(
    log_id: int, reaches: Mapping[UUID, Reach], until: int, new_from: int, found: Named
) -> None:
    of_trace: dict[UUID, list[Nameless]] = defaultdict(list)
    rows = Nameless.objects.filter(log_id=log_id, trace_id__in=list(reaches))
    for one in rows.filter(leaf_index__lt=until).order_by("leaf_index"):
        of_trace[one.trace_id].append(one)
    if not of_trace:
        return
    told = _told(log_id, of_trace, min(reaches[one].since for one in of_trace), until)
    changed = []
    for trace_id, nameless in of_trace.items():
        whose = _whose(told[trace_id], {one.leaf_index for one in nameless})
        for one in nameless:
            agent_id = whose.get(one.leaf_index, one.agent_id)
            if one.leaf_index >= new_from and agent_id is not None:
                found.whose[one.leaf_index] = agent_id
            if agent_id != one.agent_id:
                changed.append((one, agent_id))
    _name(log_id, changed)
    found.moved |= {one.trace_id for one, _ in changed if one.leaf_index < new_from}
    found.deeds |= {
        (agent, one.happened_at.replace(minute=0, second=0, microsecond=0))
        for one, agent_id in changed
        if one.kind in DEEDS
        for agent in (one.agent_id, agent_id)
    }


def _name(log_id: int, changed: Sequence[tuple[Nameless, int | None]]) -> None:
    if not changed:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            NAME,
            {
                "log": log_id,
                "leaves": [one.leaf_index for one, _ in changed],
                "agents": [found for _, found in changed],
            },
        )


def _is_nameless(event: Event) -> bool:
    """Whether a collector told it, and claims nobody in it."""
    if event.agent_id is not None or event.trace_id is None or event.kind == Kind.API:
        return False
    said = header_said(event.header)
    attested = said.get("whose", {}).get("attested_by", "")
    return attested.startswith(COLLECTOR) and not said.get("claimed", {}).get("agent")


def _nameless(event: Event) -> Nameless:
    assert event.trace_id is not None  # noqa: S101  (else it is none: see above)
    return Nameless(
        log_id=event.log_id,
        leaf_index=event.leaf_index,
        recorded_at=event.recorded_at,
        happened_at=event.happened_at,
        trace_id=event.trace_id,
        kind=event.kind,
    )


def _told(
    log_id: int, traces: Iterable[UUID], since: datetime, until: int
) -> dict[UUID, list[_Record]]:
    """What collectors told under these ids, since then and before the place `until`."""
    rows = Event.objects.filter(
        log_id=log_id,
        trace_id__in=list(traces),
        recorded_at__gte=since,
        leaf_index__lt=until,
        header__contains=COLLECTOR,
    ).exclude(kind=Kind.API)
    told: dict[UUID, list[_Record]] = defaultdict(list)
    columns = ("trace_id", "leaf_index", "span_id", "parent_id", "agent_id", "header")
    ordered = rows.order_by("leaf_index").values_list(*columns)
    for trace, leaf, span, parent, agent, header in ordered.iterator(CHUNK):
        said = header_said(header)
        attested = said.get("whose", {}).get("attested_by", "")
        if trace and attested.startswith(COLLECTOR):
            name = agent or said.get("claimed", {}).get("agent") or None
            told[trace].append(_Record(leaf, span, parent, attested, name))
    return told


def _whose(told: Sequence[_Record], nameless: set[int]) -> dict[int, int | None]:
    """Of each nameless record the agent it is of: of what it lies in, else the only one named."""
    spans: dict[tuple[str, str], _Record] = {}
    named: dict[str, set[Name]] = defaultdict(set)
    for one in told:
        if one.span and (one.name or (one.collector, one.span) not in spans):
            spans[one.collector, one.span] = one
        if one.name:
            named[one.collector].add(one.name)
    found = {}
    for one in told:
        if one.leaf in nameless:
            name = _name_above(one, spans) or _only(named[one.collector])
            found[one.leaf] = name if isinstance(name, int) else None
    return found


def _name_above(record: _Record, spans: dict[tuple[str, str], _Record]) -> Name | None:
    at: _Record | None = record
    for _ in range(DEEPEST):
        if at is None or at.name:
            break
        at = spans.get((at.collector, at.parent)) if at.parent else None
    return at.name if at is not None else None


def _only(names: set[Name]) -> Name | None:
    return next(iter(names)) if len(names) == 1 else None
