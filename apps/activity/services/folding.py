"""Summing up an agent's runs from what it said of them, in whatever order that arrives."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any
from uuid import UUID

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
    made, changed = [], []
    for trace_id, told in sorted(of_trace.items()):
        invocation = known.get(trace_id)
        if invocation is None:
            invocation = _begun(log_id, trace_id, told)
            made.append(invocation)
        else:
            changed.append(invocation)
        _fold(invocation, told)
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


def _fold(invocation: Invocation, told: Sequence[Event]) -> None:
    for event in told:
        invocation.started_at = min(invocation.started_at, event.happened_at)
        invocation.ended_at = max(invocation.ended_at, event.ended_at)
        invocation.first_recorded = min(invocation.first_recorded, event.recorded_at)
        invocation.last_recorded = max(invocation.last_recorded, event.recorded_at)
        invocation.events += 1
        invocation.errors += event.outcome in (Outcome.FAILED, Outcome.DENIED)
        invocation.anomalies += event.severity > 0
        if counted := COUNTED.get(Kind(event.kind)):
            setattr(invocation, counted, getattr(invocation, counted) + 1)
        _describe(invocation, event, header_said(event.header))


def _describe(invocation: Invocation, event: Event, header: dict[str, Any]) -> None:
    """What one record says of the whole run. A root's word counts before that of the others."""
    claimed = header.get("claimed", {})
    is_root = _is_root(invocation, event)
    if is_root:
        invocation.root_span, invocation.name = event.span_id, event.name
        invocation.outcome = event.outcome
    if invocation.agent_id is None:
        invocation.agent_id = event.agent_id
    for field, value in (
        ("claimed_agent", claimed.get("agent", "")),
        ("run_key", claimed.get("run", "")),
        ("conversation", claimed.get("conversation", "")),
    ):
        if value and (is_root or not getattr(invocation, field)):
            setattr(invocation, field, value)
    said = [*invocation.warnings, *header.get("warnings", [])]
    invocation.warnings = list(dict.fromkeys(said))[:MOST_WARNINGS]


def _is_root(invocation: Invocation, event: Event) -> bool:
    """The topmost run of the trace: one without a parent, else the first that came."""
    if event.kind != Kind.INVOCATION:
        return False
    return not event.parent_id or not invocation.root_span
