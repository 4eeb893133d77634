"""What fifty agents do in twenty months, as readings: the same for the same number of records.

An agent works in bursts of ten runs, five minutes apart, in an hour of its own; the bursts are
spread evenly. A run is twenty records: fifteen that the agent tells and five that the system
recorded, of which four name the request that the agent named and one carries the run's session.
Here and there a call has no run or only happened near one, something fails,
and something is flagged.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.activity.headers import Whose
from apps.activity.readings import Reading

RECORDS, RUNS = 20, 10
BURST = RECORDS * RUNS
APART, SECOND = 300, 10**9
# What is told arrives a minute after a run began, and the system's log two minutes later.
TOLD_AFTER, SEEN_AFTER = 60, 200
DEEDS = (
    ("orders:Read", "read"),
    ("orders:Refund", "write"),
    ("customers:Read", "read"),
    ("customers:Update", "write"),
    ("tickets:Read", "read"),
    ("tickets:Close", "write"),
    ("payments:Send", "admin"),
)
WORDS = "The customer writes that the parcel came late and asks for the money back. "


@dataclass(frozen=True, slots=True)
class Seat:
    """An agent as its records name it, and the identity it acts as, as its system's log does."""

    told: Whose
    seen: Whose
    credential: str


@dataclass(frozen=True, slots=True)
class Plan:
    """How many bursts there are, from which hour on, over how many hours."""

    log_id: int
    seats: tuple[Seat, ...]
    first: datetime
    hours: int
    bursts: int

    def __post_init__(self) -> None:
        # Else two bursts of one agent lie in an hour, and its calls are near two runs.
        assert self.bursts <= self.hours * len(self.seats)

    @property
    def records(self) -> int:
        return self.bursts * BURST

    def hour_of(self, burst: int) -> datetime:
        return self.first + timedelta(hours=burst * self.hours // self.bursts)

    def seat_of(self, burst: int) -> Seat:
        return self.seats[burst % len(self.seats)]

    def months(self) -> list[tuple[datetime, range]]:
        """The first day of each month, and which bursts are of it."""
        starts: dict[tuple[int, int], int] = {}
        for burst in range(self.bursts):
            hour = self.hour_of(burst)
            starts.setdefault((hour.year, hour.month), burst)
        ends = [*list(starts.values())[1:], self.bursts]
        return [
            (self.first.replace(year=year, month=month, day=1, hour=0), range(start, end))
            for ((year, month), start), end in zip(starts.items(), ends, strict=True)
        ]


@dataclass(frozen=True, slots=True)
class Run:
    """One run: its number, whose, when it began, and its trace."""

    number: int
    seat: Seat
    start: datetime

    @property
    def trace(self) -> str:
        return hashlib.blake2b(b"%d" % self.number, digest_size=16).hexdigest()


def slots_of(plan: Plan, bursts: range) -> Iterator[list[Run]]:
    """Runs that began together, in the order of time."""
    burst = bursts.start
    while burst < bursts.stop:
        hour, first = plan.hour_of(burst), burst
        while burst < bursts.stop and plan.hour_of(burst) == hour:
            burst += 1
        for number in range(RUNS):
            start = hour + timedelta(seconds=APART * number)
            yield [
                Run(one * RUNS + number, plan.seat_of(one), start) for one in range(first, burst)
            ]


def told_by(run: Run) -> list[Reading]:
    """What the agent tells: that it was asked, what it thought, what it did and called."""
    at = int(run.start.timestamp()) * SECOND
    trace, odd = run.trace, run.number % 10
    root = f"{1:016x}"
    steps = 5 if odd in (4, 9) else 6
    told = [
        Reading(
            "invocation",
            f"{run.seat.told.agent} run",
            at,
            at + 20 * SECOND,
            trace_id=trace,
            span_id=root,
            outcome="failed" if run.number % 50 == 7 else "ok",
            claimed_agent=run.seat.told.agent,
            conversation=f"conversation-{run.number // 5}",
            body={"told": WORDS * 3, "outcome": f"Answered ticket {run.number}."},
        )
    ]
    told += [_step(run, step, at, trace, root) for step in range(steps)]
    for deed in range(4):
        told += _deed(run, deed, at, trace, root)
    return told


def _step(run: Run, step: int, at: int, trace: str, root: str) -> Reading:
    return Reading(
        "step",
        "chat model-large",
        at + (1 + 3 * step) * SECOND,
        at + (3 + 3 * step) * SECOND,
        trace_id=trace,
        span_id=f"{2 + step:016x}",
        parent_id=root,
        outcome="ok",
        severity=2 if step == 3 and run.number % 100 == 33 else 0,
        body={"told": WORDS, "decided": f"Look up order {run.number + step} and {WORDS}"},
    )


def _deed(run: Run, deed: int, at: int, trace: str, root: str) -> list[Reading]:
    """An action, and the call within it."""
    name, level = DEEDS[(run.number + deed) % len(DEEDS)]
    began = at + (4 + 4 * deed) * SECOND
    span = f"{0x10 + deed:016x}"
    body = {"did": {"order": f"A{run.number}", "amount": deed * 5}, "result": WORDS * 2}
    outcome = "failed" if (run.number + deed) % 47 == 0 else "ok"
    common = {"trace_id": trace, "level": level, "outcome": outcome, "target": f"order/{deed}"}
    return [
        Reading(
            "action", name, began, began + SECOND, span_id=span, parent_id=root, body=body, **common
        ),
        Reading(
            "call",
            name,
            began,
            began + SECOND // 2,
            span_id=f"{0x20 + deed:016x}",
            parent_id=span,
            request_id=request_of(run, deed),
            body={"did": {"method": "POST", "path": f"/v2/{name}/{run.number}", "status": 200}},
            **common,
        ),
    ]


def seen_by(run: Run) -> list[Reading]:
    """What the system recorded of a run, and what it recorded beside it."""
    at = int(run.start.timestamp()) * SECOND
    odd = run.number % 10
    seen = [
        _call(run, deed, at + (4 + 4 * deed) * SECOND, request=request_of(run, deed))
        for deed in range(4)
    ]
    seen.append(_call(run, 4, at + 21 * SECOND, correlation=run.trace, carried_by="session"))
    if odd == 4:
        seen.append(_call(run, 5, at + 18 * SECOND))
    if odd == 9:
        seen.append(_call(run, 6, at + 160 * SECOND))
    return seen


def request_of(run: Run, deed: int) -> str:
    return f"REQ-{run.trace[:20]}-{deed}"


def _call(
    run: Run, deed: int, at: int, *, request: str = "", correlation: str = "", carried_by: str = ""
) -> Reading:
    name, level = DEEDS[(run.number + deed) % len(DEEDS)]
    return Reading(
        "api",
        name,
        at,
        at,
        correlation=correlation,
        carried_by=carried_by,
        request_id=request or f"SYS-{run.trace[:20]}-{deed}",
        target=f"order/{deed}",
        level=level,
        outcome="failed" if (run.number + deed) % 47 == 0 else "ok",
        principal=run.seat.seen.identity,
        credential=run.seat.credential,
        address=f"10.0.{run.number % 3}.{(run.seat.seen.identity_id or 0) % 250}",
        client="agent-sdk/2.1",
        original_id=f"{run.trace[:24]}{deed}",
        body={"rest": {"parameters": {"order": f"A{run.number}", "deed": deed}, "note": WORDS * 3}},
    )
