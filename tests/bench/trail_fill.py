"""Filling the trail quickly: every record a real one, written as no door could.

A month is one process's work: its tables are taken off and lose their indexes, records are made by
the functions that make them at the door and copied in, the indexes are built as they were, and the
month is put back. Runs and joins are summed up beside it from the same records, by the projector's
own functions; the log is grown in order by `leaves_append`. What a projector would make of it is
the same, which `tests/bench/test_kept.py` holds.
"""

import hashlib
import multiprocessing
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

from django.db import connection, connections, transaction

from apps.activity.headers import Whose, moment_of
from apps.activity.models import Cursor, HourDue, IngestRequest, Invocation
from apps.activity.readings import Reading
from apps.activity.services.append import LOG, Row, rows_of
from apps.activity.services.copying import (
    events_copy,
    payloads_copy,
    placed,
)
from apps.activity.services.folding import Told, _fold
from apps.activity.services.hours import AT_ONCE, RUNS, hours_make
from apps.activity.services.linking import SKEW
from apps.activity.states import CONFIDENCE, PROVEN_FROM, Method, Subject
from apps.proof.services.logs import leaves_append, log_lock
from tests.bench.trail_told import SEEN_AFTER, TOLD_AFTER, Plan, Run, seen_by, slots_of, told_by

TABLES = ("activity_event", "activity_payload")
FREEZE = ", FREEZE"
LINK = "log_id, call_leaf, call_recorded_at, invocation_id, action_leaf, method, confidence"
# So many records are copied at once, and so many leaves appended.
COPIED, APPENDED = 5000, 65_536
INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid), conname,
           pg_get_constraintdef(pg_constraint.oid)
    FROM pg_index LEFT JOIN pg_constraint ON conindid = indexrelid AND conrelid = indrelid
    WHERE indrelid = %s::regclass ORDER BY indexrelid
"""
# Connections that a child has of its parent, kept so that nothing closes them.
INHERITED: list[Any] = []
BOUND = "SELECT pg_get_expr(relpartbound, oid) FROM pg_class WHERE oid = %s::regclass"


@dataclass(frozen=True, slots=True)
class Part:
    """A table of one month, taken off: how it is put back, and what makes its indexes."""

    parent: str
    name: str
    bound: str
    indexes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Month:
    bursts: range
    first_leaf: int
    parts: tuple[Part, ...]


@dataclass(slots=True)
class Event:
    """A record as far as the projector reads it."""

    log_id: int
    leaf_index: int
    recorded_at: datetime
    happened_at: datetime
    ended_at: datetime
    kind: str
    agent_id: int | None
    trace_id: UUID | None
    span_id: str
    parent_id: str
    name: str
    outcome: str
    severity: int
    header: str


@dataclass(slots=True)
class Written:
    """Rows of a month that wait to be copied; `leaves` are all of them so far."""

    log_id: int
    next_leaf: int
    leaves: list[bytes] = field(default_factory=list)
    events: list[bytearray] = field(default_factory=list)
    payloads: list[bytearray] = field(default_factory=list)
    deliveries: list[IngestRequest] = field(default_factory=list)
    runs: list[Invocation] = field(default_factory=list)
    links: list[tuple[int, Invocation, int | None, Method, datetime]] = field(default_factory=list)

    def deliver(self, sender: str, rows: Sequence[Row], now: datetime) -> int:
        """Put rows at the end, as one delivery; returns the leaf of the first."""
        first, stamp = self.next_leaf, now.isoformat()
        for wanted, tuples in (
            (self.events, [row.event for row in rows]),
            (self.payloads, [row.payload for row in rows]),
        ):
            sizes = map(len, tuples)
            wanted.append(placed(self.log_id, first, b"".join(tuples), sizes))
        self.leaves += [row.leaf for row in rows]
        self.next_leaf += len(rows)
        digest = hashlib.sha256(f"{sender} {stamp}".encode()).digest()
        told = {"sender": sender, "digest": digest, "log_id": self.log_id, "received_at": now}
        self.deliveries.append(IngestRequest(first_leaf=first, count=len(rows), **told))
        return first


def trail_fill(plan: Plan, *, processes: int) -> None:
    """Write every record of the plan into an empty trail. With no processes, in this one."""
    months, first = [], 0
    for start, bursts in plan.months():
        months.append(Month(bursts, first, tuple(_taken_off(start))))
        first += len(bursts) * (plan.records // plan.bursts)
    with _spread(processes) as each:
        for month, leaves in zip(months, each(partial(month_fill, plan), months), strict=True):
            _put_back(month.parts, leaves)
    Cursor.objects.update_or_create(name=RUNS, defaults={"leaf": plan.records})


def deeds_count(*, processes: int) -> None:
    """Count the noted hours of what agents did; each is of one agent, so any process may."""
    due = list(HourDue.objects.filter(subject=Subject.DEED).order_by("hour", "subject_id"))
    with _spread(processes) as each:
        for _ in each(_deeds_make, [due[at : at + AT_ONCE] for at in range(0, len(due), AT_ONCE)]):
            pass
    HourDue.objects.filter(subject=Subject.DEED).delete()


@transaction.atomic
def _deeds_make(due: list[HourDue]) -> None:
    hours_make(Subject.DEED, due)


@contextmanager
def _spread(processes: int) -> Iterator[Any]:
    if not processes:
        yield map
        return
    connections.close_all()  # no two processes may speak on one
    fork = multiprocessing.get_context("fork")
    with ProcessPoolExecutor(processes, mp_context=fork, initializer=_leave_inherited) as pool:
        yield pool.map


def _leave_inherited() -> None:
    """A child has no running event loop, and finds what was open before its parent had one."""
    for alias in connections:
        INHERITED.append(connections[alias])  # closing it would end the parent's session
        del connections[alias]


@transaction.atomic
def _taken_off(start: datetime) -> Iterator[Part]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_make_partitions(%s, 1)", [start.date()])
        for parent in TABLES:
            name = f"{parent}_{start:%Y_%m}"
            cursor.execute(BOUND, [name])
            (bound,) = cursor.fetchone()
            cursor.execute(f"ALTER TABLE {parent} DETACH PARTITION {name}")
            cursor.execute(INDEXES, [name])
            made = []
            for index, definition, constraint, said in cursor.fetchall():
                if constraint:
                    made.append(f"ALTER TABLE {name} ADD CONSTRAINT {constraint} {said}")
                    cursor.execute(f"ALTER TABLE {name} DROP CONSTRAINT {constraint}")
                    continue
                cursor.execute(f"DROP INDEX {index}")
                # A list of values is another one once it was written out and read again; such an
                # index is made anew as the month is put back.
                if "ARRAY[" not in definition:
                    made.append(definition)
            yield Part(parent, name, bound, tuple(made))


@transaction.atomic
def _put_back(parts: Sequence[Part], leaves: bytes) -> None:
    with connection.cursor() as cursor:
        for part in parts:
            cursor.execute(f"ALTER TABLE {part.parent} ATTACH PARTITION {part.name} {part.bound}")
    step = APPENDED * 32
    for at in range(0, len(leaves), step):
        some = leaves[at : at + step]
        leaves_append(log_lock(LOG), [some[one : one + 32] for one in range(0, len(some), 32)])


@transaction.atomic
def month_fill(plan: Plan, month: Month) -> bytes:
    """Write all of one month but its place among the others; returns the leaves."""
    written = Written(plan.log_id, month.first_leaf)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL maintenance_work_mem = '512MB'")
        cursor.execute("SET LOCAL max_parallel_maintenance_workers = 0")
        # So that rows may come in as if a vacuum had been over them already.
        cursor.execute(f"TRUNCATE {', '.join(part.name for part in month.parts)}")
        for slot in slots_of(plan, month.bursts):
            _slot_write(written, slot)
            if sum(one.count for one in written.deliveries) >= COPIED:
                _copy(cursor, written, month.parts)
        _copy(cursor, written, month.parts)
        for part in month.parts:
            for statement in part.indexes:
                cursor.execute(statement)
            cursor.execute(f"ANALYZE {part.name}")
    return b"".join(written.leaves)


def _slot_write(written: Written, slot: Sequence[Run]) -> None:
    """Runs that began together: what the agents told of them, then what the systems recorded."""
    told = [(one, run.seat.told) for run in slot for one in told_by(run)]
    seen = [(one, run.seat.seen) for run in slot for one in seen_by(run)]
    at = slot[0].start + timedelta(seconds=TOLD_AFTER)
    later = slot[0].start + timedelta(seconds=SEEN_AFTER)
    rows = rows_of(told, at)
    first = written.deliver("bench:told", rows, at)
    runs = _folded(written.log_id, first, told, rows, at)
    written.runs += runs.values()
    first_call = written.deliver("bench:seen", rows_of(seen, later), later)
    asked = {one.request_id: (first + at, one) for at, (one, _) in enumerate(told)}
    mine = {run.seat.seen: runs[run.trace] for run in slot}
    for leaf, (call, whose) in enumerate(seen, first_call):
        joined = _joined(call, runs, asked, mine[whose])
        if joined:
            written.links.append((leaf, *joined, later))


def _folded(
    log_id: int,
    first: int,
    told: Sequence[tuple[Reading, Whose]],
    rows: Sequence[Row],
    at: datetime,
) -> dict[str, Invocation]:
    """The runs, summed up as the projector does."""
    of_trace: dict[str, list[Event]] = {}
    for leaf, (one, row) in enumerate(zip(told, rows, strict=True), first):
        of_trace.setdefault(one[0].trace_id, []).append(_event(log_id, leaf, one, row, at))
    runs = {}
    for trace, events in of_trace.items():
        of_it = Told(log_id, UUID(trace))
        for event in events:
            _fold(of_it, event, event.agent_id)  # type: ignore[arg-type]
        of_it.note_recorded()
        (runs[trace],) = of_it.runs
    return runs


def _event(log_id: int, leaf: int, told: tuple[Reading, Whose], row: Row, at: datetime) -> Event:
    reading, whose = told
    return Event(
        log_id,
        leaf,
        at,
        moment_of(reading.happened_at, at),
        moment_of(reading.ended_at, at),
        reading.kind,
        whose.agent_id,
        UUID(reading.trace_id),
        reading.span_id,
        reading.parent_id,
        reading.name,
        reading.outcome,
        reading.severity,
        row.header.decode(),
    )


def _joined(
    call: Reading,
    runs: dict[str, Invocation],
    asked: dict[str, tuple[int, Reading]],
    near: Invocation,
) -> tuple[Invocation, int | None, Method] | None:
    """Join a call as the ladder has it: the surest that holds. Runs of one agent lie far apart."""
    if call.request_id in asked:
        action, told = asked[call.request_id]
        run, method = runs[told.trace_id], Method.REQUEST_ID
    elif call.correlation:
        run, action, method = runs[call.correlation], None, Method.SESSION
    else:
        run, action, method = near, None, Method.CREDENTIAL_WINDOW
        if moment_of(call.happened_at, run.ended_at) > run.ended_at + SKEW:
            return None
    run.proven += CONFIDENCE[method] >= PROVEN_FROM
    run.near += CONFIDENCE[method] < PROVEN_FROM
    return run, action, method


def _copy(cursor: Any, written: Written, parts: Sequence[Part]) -> None:
    events, payloads = parts
    events_copy(cursor, events.name, written.events, FREEZE)
    payloads_copy(cursor, payloads.name, written.payloads, FREEZE)
    IngestRequest.objects.bulk_create(written.deliveries)
    Invocation.objects.bulk_create(written.runs)
    made = "".join(
        f"{written.log_id}\t{leaf}\t{at.isoformat()}\t{run.pk}\t"
        f"{r'\N' if action is None else action}\t{method.value}\t{CONFIDENCE[method]}"
        f"\t{at.isoformat()}\n"
        for leaf, run, action, method, at in written.links
    )
    with cursor.copy(f"COPY activity_link ({LINK}, made_at) FROM STDIN") as copy:
        copy.write(made)
    for some in (written.events, written.payloads, written.deliveries, written.runs, written.links):
        some.clear()
