"""Summing up the runs of agents from what they said of them, in whatever order that arrives."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
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

    The first also holds what nobody known told, and is of the first agent that is known. Any
    client may tell under any id: what another tells neither renames a run nor counts as of it.
    """

    log_id: int
    trace_id: UUID
    runs: list[Invocation]

    def of(self, event: Event) -> Invocation:
        """The run that a record is of, begun where there is none yet."""
        if self.runs and event.agent_id is None:
            return self.runs[0]
        for run in self.runs:
            if run.agent_id == event.agent_id:
                return run
        if self.runs and self.runs[0].agent_id is None:
            self.runs[0].agent_id = event.agent_id
            return self.runs[0]
        self.runs.append(_begun(self.log_id, self.trace_id, event))
        return self.runs[-1]

    def note_recorded(self, events: Iterable[Event]) -> None:
        """When records under the id came in: the same of all its runs, which read each other's."""
        firsts = [*(one.first_recorded for one in self.runs), *(e.recorded_at for e in events)]
        lasts = [*(one.last_recorded for one in self.runs), *(e.recorded_at for e in events)]
        for run in self.runs:
            run.first_recorded, run.last_recorded = min(firsts), max(lasts)


def invocations_fold(log_id: int, events: Iterable[Event]) -> list[Invocation]:
    """Add these records to the runs they are of; returns all runs under their ids, each once."""
    of_trace: dict[UUID, list[Event]] = defaultdict(list)
    for event in events:
        if event.trace_id is not None:
            of_trace[event.trace_id].append(event)
    known: dict[UUID, list[Invocation]] = defaultdict(list)
    rows = Invocation.objects.select_for_update().filter(log_id=log_id, trace_id__in=of_trace)
    for run in rows.order_by("trace_id", "pk"):
        known[run.trace_id].append(run)
    roots = _roots(log_id, [run for runs in known.values() for run in runs])
    made: list[Invocation] = []
    changed: list[Invocation] = []
    for trace_id, events_of in sorted(of_trace.items()):
        told = Told(log_id, trace_id, known.get(trace_id, []))
        _fold(told, events_of, roots)
        for run in told.runs:
            (changed if run.pk else made).append(run)
    Invocation.objects.bulk_create(made)
    _write(changed)
    return [*made, *changed]


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


def _begun(log_id: int, trace_id: UUID, first: Event) -> Invocation:
    return Invocation(
        log_id=log_id,
        trace_id=trace_id,
        agent_id=first.agent_id,
        started_at=first.happened_at,
        ended_at=first.ended_at,
        first_recorded=first.recorded_at,
        last_recorded=first.recorded_at,
    )


def _roots(log_id: int, known: Iterable[Invocation]) -> dict[tuple[UUID, int | None], Event]:
    """The topmost record that each of these runs was told by so far, by its id and agent."""
    runs: dict[tuple[UUID | None, str], list[Invocation]] = defaultdict(list)
    for run in known:
        if run.root_span:
            runs[run.trace_id, run.root_span].append(run)
    if not runs:
        return {}
    rows = Event.objects.filter(
        log_id=log_id,
        kind=Kind.INVOCATION,
        trace_id__in={trace for trace, _ in runs},
        span_id__in={span for _, span in runs},
        recorded_at__gte=min(run.first_recorded for of in runs.values() for run in of),
    )
    return {
        (run.trace_id, run.agent_id): one
        for one in rows
        for run in runs.get((one.trace_id, one.span_id), ())
        if one.agent_id in (None, run.agent_id)
    }


def _fold(told: Told, events: Sequence[Event], roots: dict[tuple[UUID, int | None], Event]) -> None:
    for event in events:
        run = told.of(event)
        run.events += 1
        run.started_at = min(run.started_at, event.happened_at)
        run.ended_at = max(run.ended_at, event.ended_at)
        run.errors += event.outcome in (Outcome.FAILED, Outcome.DENIED)
        run.anomalies += event.severity > 0
        if counted := COUNTED.get(Kind(event.kind)):
            setattr(run, counted, getattr(run, counted) + 1)
        root = _root_of(run, roots)
        is_root = event.kind == Kind.INVOCATION and (root is None or _height(event) < _height(root))
        if is_root:
            roots[run.trace_id, run.agent_id] = event
        _describe(run, event, header_said(event.header), is_root=is_root)
    told.note_recorded(events)


def _root_of(run: Invocation, roots: dict[tuple[UUID, int | None], Event]) -> Event | None:
    """Also where it was found before anybody knew whose run it is."""
    key = run.trace_id, run.agent_id
    if key not in roots and run.root_span and (run.trace_id, None) in roots:
        roots[key] = roots.pop((run.trace_id, None))
    return roots.get(key)


def _describe(run: Invocation, event: Event, header: dict[str, Any], *, is_root: bool) -> None:
    """What one record says of the whole run. A root's word counts before that of the others."""
    claimed = header.get("claimed", {})
    if is_root:
        run.root_span, run.name = event.span_id, event.name
        run.outcome = event.outcome
    for field, value in (
        ("claimed_agent", claimed.get("agent", "")),
        ("run_key", claimed.get("run", "")),
        ("conversation", claimed.get("conversation", "")),
    ):
        if value and (is_root or not getattr(run, field)):
            setattr(run, field, value)
    _warn(run, header.get("warnings", []))


def _warn(run: Invocation, said: Iterable[str]) -> None:
    run.warnings = list(dict.fromkeys([*run.warnings, *said]))[:MOST_WARNINGS]


def _height(event: Event) -> tuple[bool, datetime, float, str]:
    """The topmost is the one without a parent; else, as that may lie outside the trail, the one
    that began first, and of those the longest: spans end, and come, the inner before the outer."""
    lasted = (event.ended_at - event.happened_at).total_seconds()
    return bool(event.parent_id), event.happened_at, -lasted, event.span_id
