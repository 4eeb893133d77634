"""Summing up the runs of agents from what they said of them, in whatever order that arrives.

A run is described by what its own agent told alone. Whose a record is that names nobody is known
before it is summed up, as far as it can be; where that changes later, all runs under its id are
summed up anew, from the records.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from django.db import connection

from apps.activity.models import Event, Invocation
from apps.activity.saying import header_said
from apps.activity.states import Kind, Outcome

MOST_WARNINGS = 20
COUNTED = {Kind.STEP: "steps", Kind.ACTION: "actions", Kind.CALL: "calls"}
FIELDS = (
    "agent_id", "claimed_agent", "name", "run_key", "conversation", "root_span", "started_at",
    "ended_at", "first_recorded", "last_recorded", "events", "steps", "actions", "calls", "errors",
    "anomalies", "warnings", "outcome",
)  # fmt: skip

WRITE = """
UPDATE activity_invocation SET {sets} FROM unnest({values}) AS new({names})
WHERE activity_invocation.id = new.id"""


@dataclass(slots=True)
class Told:
    """The runs under one id: of each agent that told there its own.

    What claims a name that its collector may not use is a run of no agent beside them. The run of
    the first agent that is known also counts what names nobody at all; until there is one, a run
    of no agent does. Any client may tell under any id: what another tells neither renames a run
    nor counts as of it. `roots` are the topmost records that came, by agent; `is_mixed` where the
    first known agent came after records that name nobody and are counted with others' claims.
    """

    log_id: int
    trace_id: UUID
    runs: list[Invocation] = field(default_factory=list)
    roots: dict[int | None, Event] = field(default_factory=dict)
    recorded: set[datetime] = field(default_factory=set)
    is_mixed: bool = False

    def of(self, event: Event, agent_id: int | None, *, claims: bool) -> Invocation:
        """The run that a record is of, begun where there is none yet."""
        if self.runs and agent_id is None and not claims:
            return min(self.runs, key=lambda one: one.agent_id is None)
        for run in self.runs:
            if run.agent_id == agent_id:
                return run
        if agent_id is not None and len(self.runs) == 1 and self.runs[0].agent_id is None:
            if not self.runs[0].claimed_agent:
                return self._known(self.runs[0], agent_id)
            self.is_mixed = True
        self.runs.append(_begun(self.log_id, self.trace_id, agent_id, event))
        return self.runs[-1]

    def _known(self, run: Invocation, agent_id: int) -> Invocation:
        """Of an agent from now on; by what nobody is known to have told it is not described."""
        self.roots.pop(None, None)
        _forget(run)
        run.agent_id = agent_id
        return run

    def note_recorded(self) -> None:
        """When records under the id came in: the same of all its runs, which read each other's."""
        first = min([*(one.first_recorded for one in self.runs), *self.recorded])
        last = max([*(one.last_recorded for one in self.runs), *self.recorded])
        for run in self.runs:
            run.first_recorded, run.last_recorded = first, last


@dataclass(frozen=True, slots=True)
class Folded:
    """All runs under the ids, each once; and the ids under which all has to be summed up anew."""

    runs: list[Invocation]
    mixed: set[UUID]


def invocations_fold(
    log_id: int, events: Iterable[Event], whose: Mapping[int, int | None]
) -> Folded:
    """Add these records to the runs they are of; `whose` those are that do not say so."""
    new = [one for one in events if one.trace_id is not None]
    told = _told(log_id, {one.trace_id for one in new if one.trace_id})
    _find_roots(log_id, told)
    return _folded(told, new, whose)


def runs_fold_anew(
    log_id: int, traces: Collection[UUID], events: Iterable[Event], whose: Mapping[int, int | None]
) -> Folded:
    """Sum up all runs under these ids anew, of all that was told there, in the log's order."""
    told = _told(log_id, traces)
    for run in (run for one in told.values() for run in one.runs):
        _empty(run)
    return _folded(told, events, whose)


def _told(log_id: int, traces: Iterable[UUID]) -> dict[UUID, Told]:
    """What is known of these ids, in their order."""
    told = {one: Told(log_id, one) for one in sorted(traces)}
    rows = Invocation.objects.select_for_update().filter(log_id=log_id, trace_id__in=list(told))
    for run in rows.order_by("trace_id", "pk"):
        told[run.trace_id].runs.append(run)
    return told


def _folded(
    told: Mapping[UUID, Told], events: Iterable[Event], whose: Mapping[int, int | None]
) -> Folded:
    for event in events:
        if event.trace_id is not None:
            _fold(told[event.trace_id], event, event.agent_id or whose.get(event.leaf_index))
    made: list[Invocation] = []
    changed: list[Invocation] = []
    for one in told.values():
        one.note_recorded()
        for run in one.runs:
            (changed if run.pk else made).append(run)
    Invocation.objects.bulk_create(made)
    _write(changed)
    mixed = {one.trace_id for one in told.values() if one.is_mixed}
    return Folded([*made, *changed], mixed)


def _write(changed: Sequence[Invocation]) -> None:
    """Runs as they are now, in one statement: Django's own takes most of the projector's time."""
    if not changed:
        return
    written = {"id", *FIELDS}
    columns = [one for one in Invocation._meta.concrete_fields if one.attname in written]
    with connection.cursor() as cursor:
        cursor.execute(
            WRITE.format(
                sets=", ".join(f"{name} = new.{name}" for name in FIELDS),
                values=", ".join(f"%s::{one.db_type(connection)!s}[]" for one in columns),
                names=", ".join(one.attname for one in columns),
            ),
            [[_plain(getattr(run, one.attname)) for run in changed] for one in columns],
        )


def _plain(value: Any) -> Any:
    return orjson.dumps(value).decode() if isinstance(value, list) else value


def _begun(log_id: int, trace_id: UUID, agent_id: int | None, first: Event) -> Invocation:
    return Invocation(
        log_id=log_id,
        trace_id=trace_id,
        agent_id=agent_id,
        started_at=first.happened_at,
        ended_at=first.ended_at,
        first_recorded=first.recorded_at,
        last_recorded=first.recorded_at,
    )


def _empty(run: Invocation) -> None:
    _forget(run)
    for counted in ("events", "errors", "anomalies", *COUNTED.values()):
        setattr(run, counted, 0)


def _forget(run: Invocation) -> None:
    """All that records said of the run as a whole."""
    for described in ("name", "outcome", "root_span", "claimed_agent", "run_key", "conversation"):
        setattr(run, described, "")
    run.warnings = []


def _find_roots(log_id: int, told: Mapping[UUID, Told]) -> None:
    """The topmost record that each run was told by so far."""
    runs: dict[tuple[UUID | None, str], list[Invocation]] = defaultdict(list)
    for run in (run for one in told.values() for run in one.runs):
        if run.root_span:
            runs[run.trace_id, run.root_span].append(run)
    if not runs:
        return
    rows = Event.objects.filter(
        log_id=log_id,
        kind=Kind.INVOCATION,
        trace_id__in={trace for trace, _ in runs},
        span_id__in={span for _, span in runs},
        recorded_at__gte=min(run.first_recorded for of in runs.values() for run in of),
    )
    for one in rows:
        for run in runs.get((one.trace_id, one.span_id), ()):
            if one.agent_id in (None, run.agent_id):
                told[run.trace_id].roots[run.agent_id] = one


def _fold(told: Told, event: Event, agent_id: int | None) -> None:
    header = header_said(event.header)
    claims = agent_id is None and bool(header.get("claimed", {}).get("agent"))
    run = told.of(event, agent_id, claims=claims)
    told.recorded.add(event.recorded_at)
    _count(run, event)
    if run.agent_id == agent_id:
        root = told.roots.get(agent_id)
        is_root = event.kind == Kind.INVOCATION and (root is None or _height(event) < _height(root))
        if is_root:
            told.roots[agent_id] = event
        _describe(run, event, header, is_root=is_root)


def _count(run: Invocation, event: Event) -> None:
    if not run.events:
        run.started_at, run.ended_at = event.happened_at, event.ended_at
    run.events += 1
    run.started_at = min(run.started_at, event.happened_at)
    run.ended_at = max(run.ended_at, event.ended_at)
    run.errors += event.outcome in (Outcome.FAILED, Outcome.DENIED)
    run.anomalies += event.severity > 0
    if counted := COUNTED.get(Kind(event.kind)):
        setattr(run, counted, getattr(run, counted) + 1)


def _describe(run: Invocation, event: Event, header: dict[str, Any], *, is_root: bool) -> None:
    """What one record says of the whole run. A root's word counts before that of the others."""
    claimed = header.get("claimed", {})
    if is_root:
        run.root_span, run.name = event.span_id, event.name
        run.outcome = event.outcome
    for described, value in (
        ("claimed_agent", claimed.get("agent", "")),
        ("run_key", claimed.get("run", "")),
        ("conversation", claimed.get("conversation", "")),
    ):
        if value and (is_root or not getattr(run, described)):
            setattr(run, described, value)
    _warn(run, header.get("warnings", []))


def _warn(run: Invocation, said: Iterable[str]) -> None:
    run.warnings = list(dict.fromkeys([*run.warnings, *said]))[:MOST_WARNINGS]


def _height(event: Event) -> tuple[bool, datetime, float, str]:
    """The topmost is the one without a parent; else, as that may lie outside the trail, the one
    that began first, and of those the longest: spans end, and come, the inner before the outer."""
    lasted = (event.ended_at - event.happened_at).total_seconds()
    return bool(event.parent_id), event.happened_at, -lasted, event.span_id
