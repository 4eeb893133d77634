"""Whose the records are of which a collector did not say so in the body that brought them.

A collector names an agent where its telemetry does, often on the last span of a run alone, and a
run comes in several bodies. What is sealed stays as it was told; beside it is kept whose a record
is by all that the same collector told under the id: what it lies in, else the only agent that was
named there. So it is the same as if it had come in one body, in whatever order bodies arrive. Of
what an agent's own client tells nothing is looked at: whose that is was known, and stays so.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db import connection
from django.db.models import Count, Sum

from apps.activity.models import Archive, Event, Invocation, Nameless
from apps.activity.saying import header_said
from apps.activity.states import DEEDS, Kind

# What a collector's records say of who brought them begins so.
COLLECTOR = "collector "
# How far up a name is looked for; runs nest a few deep.
DEEPEST = 64
# Under an id of more records than that, names are no longer looked for.
MOST_TOLD = 50_000

# An agent by its id; an agent that its collector may not name, by what it calls itself.
type Name = int | str
# Whose a deed is now, or was until now, and when it happened.
type Deed = tuple[int | None, datetime]

NAME = """
UPDATE activity_nameless SET agent_id = found.agent_id
FROM unnest(%(leaves)s::bigint[], %(agents)s::bigint[]) AS found(leaf_index, agent_id)
WHERE activity_nameless.log_id = %(log)s AND activity_nameless.leaf_index = found.leaf_index"""

# The sums of all runs under these ids anew, each by what its agent told; the first also holds what
# nobody known did.
SUM = """
WITH run AS (
    SELECT id, log_id, trace_id, agent_id, first_recorded, last_recorded,
        id = min(id) OVER (PARTITION BY trace_id) AS is_first
    FROM activity_invocation WHERE log_id = %(log)s AND trace_id = ANY(%(traces)s)
), summed AS (
    SELECT run.id, min(told.happened_at) AS started_at, max(told.ended_at) AS ended_at,
        count(*) AS events, count(*) FILTER (WHERE kind = 'step') AS steps,
        count(*) FILTER (WHERE kind = 'action') AS actions,
        count(*) FILTER (WHERE kind = 'call') AS calls,
        count(*) FILTER (WHERE outcome IN ('failed', 'denied')) AS errors,
        count(*) FILTER (WHERE severity > 0) AS anomalies
    FROM run JOIN LATERAL (
        SELECT e.happened_at, e.ended_at, e.kind, e.outcome, e.severity,
            COALESCE(e.agent_id, n.agent_id) AS whose
        FROM activity_event e
        LEFT JOIN activity_nameless n ON n.log_id = e.log_id AND n.leaf_index = e.leaf_index
        WHERE e.log_id = run.log_id AND e.trace_id = run.trace_id AND e.kind <> 'api'
            AND e.recorded_at BETWEEN run.first_recorded AND run.last_recorded OFFSET 0
    ) told ON told.whose = run.agent_id OR told.whose IS NULL AND run.is_first
    GROUP BY run.id
)
UPDATE activity_invocation SET started_at = summed.started_at, ended_at = summed.ended_at,
    events = summed.events, steps = summed.steps, actions = summed.actions, calls = summed.calls,
    errors = summed.errors, anomalies = summed.anomalies
FROM summed WHERE activity_invocation.id = summed.id"""


@dataclass(frozen=True, slots=True)
class _Record:
    leaf: int
    span: str
    parent: str
    collector: str
    name: Name | None


def names_find(
    log_id: int, events: Iterable[Event], touched: Sequence[Invocation]
) -> tuple[list[Invocation], set[Deed]]:
    """Find whose nameless records are, of the runs that new records touched.

    Returns those runs as they are now, and the deeds that are another's now. In the caller's
    transaction.
    """
    new = [_nameless(one) for one in events if _is_nameless(one)]
    Nameless.objects.bulk_create(new, ignore_conflicts=True)
    changed = names_find_in(log_id, {one.trace_id for one in touched})
    if not changed:
        return list(touched), set()
    rows = Invocation.objects.in_bulk([one.pk for one in touched])
    return [rows[one.pk] for one in touched], changed


def names_find_in(log_id: int, traces: Iterable[UUID]) -> set[Deed]:
    """Find whose the nameless records under these ids are; returns the deeds it is news for."""
    rows = Nameless.objects.filter(log_id=log_id, trace_id__in=traces).order_by("leaf_index")
    of_trace: dict[UUID, list[Nameless]] = defaultdict(list)
    for one in rows:
        of_trace[one.trace_id].append(one)
    for trace_id in out_of_reach(log_id, of_trace):
        del of_trace[trace_id]
    told = _told(log_id, of_trace)
    changed = []
    for trace_id, nameless in of_trace.items():
        whose = _whose(told[trace_id], {one.leaf_index for one in nameless})
        changed += [
            (one, whose[one.leaf_index])
            for one in nameless
            if one.leaf_index in whose and whose[one.leaf_index] != one.agent_id
        ]
    _name(log_id, changed)
    return {
        (agent, one.happened_at)
        for one, found in changed
        if one.kind in DEEDS
        for agent in (one.agent_id, found)
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
    # An agent that told alone under an id has nobody's records in its sums already.
    runs = Invocation.objects.under(log_id, {one.trace_id for one, _ in changed}).order_by()
    several = runs.values("trace_id").annotate(runs=Count("pk")).filter(runs__gt=1)
    runs_sum(log_id, list(several.values_list("trace_id", flat=True)))


def runs_sum(log_id: int, traces: Collection[UUID]) -> None:
    """Sum up all runs under these ids anew, of which every record is here."""
    if not traces:
        return
    with connection.cursor() as cursor:
        cursor.execute(SUM, {"log": log_id, "traces": list(traces)})


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


def out_of_reach(log_id: int, traces: Iterable[UUID]) -> list[UUID]:
    """Ids under which there is too much, or a part of it in the archive alone: all stays there."""
    runs = Invocation.objects.filter(log_id=log_id, trace_id__in=list(traces)).order_by()
    many = runs.values("trace_id").annotate(told=Sum("events")).filter(told__gt=MOST_TOLD)
    found = set(many.values_list("trace_id", flat=True))
    if (kept_since := Archive.objects.kept_since()) is not None:
        old = runs.filter(first_recorded__lt=kept_since)
        found |= set(old.values_list("trace_id", flat=True))
    return list(found)


def _told(log_id: int, traces: Iterable[UUID]) -> dict[UUID, list[_Record]]:
    """What collectors told under these ids."""
    rows = Event.objects.filter(log_id=log_id, trace_id__in=list(traces)).exclude(kind=Kind.API)
    told: dict[UUID, list[_Record]] = defaultdict(list)
    for trace, leaf, span, parent, agent, header in rows.order_by("leaf_index").values_list(
        "trace_id", "leaf_index", "span_id", "parent_id", "agent_id", "header"
    ):
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
