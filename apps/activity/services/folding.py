"""Summing up an agent's runs from what it said of them, in whatever order that arrives."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from apps.activity.models import Event, Invocation
from apps.activity.saying import header_said
from apps.activity.states import Kind, Outcome

MOST_WARNINGS = 20
ANOTHERS = "another agent told records under this id"
COUNTED = {Kind.STEP: "steps", Kind.ACTION: "actions", Kind.CALL: "calls"}
FIELDS = (
    "agent_id", "claimed_agent", "name", "run_key", "conversation", "root_span", "started_at",
    "ended_at", "first_recorded", "last_recorded", "events", "steps", "actions", "calls", "errors",
    "anomalies", "warnings", "outcome",
)  # fmt: skip


def invocations_fold(log_id: int, events: Iterable[Event]) -> list[Invocation]:
    """Add these records to the runs they are of; returns those runs. Each is given once."""
    of_trace: dict[UUID, list[Event]] = defaultdict(list)
    for event in events:
        if event.trace_id is not None:
            of_trace[event.trace_id].append(event)
    known = {
        one.trace_id: one
        for one in Invocation.objects.select_for_update()
        .filter(log_id=log_id, trace_id__in=of_trace)
        .order_by("trace_id")
    }
    roots = _roots(log_id, known.values())
    made, changed = [], []
    for trace_id, told in sorted(of_trace.items()):
        invocation = known.get(trace_id)
        if invocation is None:
            invocation = _begun(log_id, trace_id, told)
            made.append(invocation)
        else:
            changed.append(invocation)
        _fold(invocation, told, roots.get(invocation.pk))
    Invocation.objects.bulk_create(made)
    Invocation.objects.bulk_update(changed, FIELDS, batch_size=500)
    return [*made, *changed]


def _begun(log_id: int, trace_id: UUID, told: Sequence[Event]) -> Invocation:
    first = told[0]
    return Invocation(
        log_id=log_id,
        trace_id=trace_id,
        started_at=first.happened_at,
        ended_at=first.ended_at,
        first_recorded=first.recorded_at,
        last_recorded=first.recorded_at,
    )


def _roots(log_id: int, known: Iterable[Invocation]) -> dict[int, Event]:
    """The topmost record that each of these runs was told by so far."""
    runs = {(one.trace_id, one.root_span): one for one in known if one.root_span}
    if not runs:
        return {}
    rows = Event.objects.filter(
        log_id=log_id,
        kind=Kind.INVOCATION,
        trace_id__in={trace for trace, _ in runs},
        span_id__in={span for _, span in runs},
        recorded_at__gte=min(one.first_recorded for one in runs.values()),
    )
    found: dict[int, Event] = {}
    for one in rows:
        run = runs.get((one.trace_id, one.span_id)) if one.trace_id else None
        if run is not None and one.agent_id in (None, run.agent_id):
            found[run.pk] = one
    return found


def _fold(invocation: Invocation, told: Sequence[Event], root: Event | None = None) -> None:
    """Sum up what the run's agent told, or nobody known.

    What another agent told under the same id is kept and shown among the rest, and neither renames
    the run nor counts as of it: any client may tell under any id.
    """
    for event in told:
        invocation.first_recorded = min(invocation.first_recorded, event.recorded_at)
        invocation.last_recorded = max(invocation.last_recorded, event.recorded_at)
        invocation.events += 1
        if invocation.agent_id is None:
            invocation.agent_id = event.agent_id
        if event.agent_id not in (None, invocation.agent_id):
            _warn(invocation, [ANOTHERS])
            continue
        invocation.started_at = min(invocation.started_at, event.happened_at)
        invocation.ended_at = max(invocation.ended_at, event.ended_at)
        invocation.errors += event.outcome in (Outcome.FAILED, Outcome.DENIED)
        invocation.anomalies += event.severity > 0
        if counted := COUNTED.get(Kind(event.kind)):
            setattr(invocation, counted, getattr(invocation, counted) + 1)
        is_root = event.kind == Kind.INVOCATION and (root is None or _height(event) < _height(root))
        root = event if is_root else root
        _describe(invocation, event, header_said(event.header), is_root=is_root)


def _describe(
    invocation: Invocation, event: Event, header: dict[str, Any], *, is_root: bool
) -> None:
    """What one record says of the whole run. A root's word counts before that of the others."""
    claimed = header.get("claimed", {})
    if is_root:
        invocation.root_span, invocation.name = event.span_id, event.name
        invocation.outcome = event.outcome
    for field, value in (
        ("claimed_agent", claimed.get("agent", "")),
        ("run_key", claimed.get("run", "")),
        ("conversation", claimed.get("conversation", "")),
    ):
        if value and (is_root or not getattr(invocation, field)):
            setattr(invocation, field, value)
    _warn(invocation, header.get("warnings", []))


def _warn(invocation: Invocation, said: Iterable[str]) -> None:
    invocation.warnings = list(dict.fromkeys([*invocation.warnings, *said]))[:MOST_WARNINGS]


def _height(event: Event) -> tuple[bool, datetime, float, str]:
    """The topmost is the one without a parent; else, as that may lie outside the trail, the one
    that began first, and of those the longest: spans end, and come, the inner before the outer."""
    lasted = (event.ended_at - event.happened_at).total_seconds()
    return bool(event.parent_id), event.happened_at, -lasted, event.span_id
