"""How far the logs of systems reach: of what lies outside nothing is known."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from django.db.models import F

from apps.activity.models import Stream
from apps.activity.services.covering import Span, spans_of
from apps.core.actors import Actor
from apps.inventory.models import Binding, System

# A log that ends later than this before now still tells of now.
LAG = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Log:
    """How far a log of one system reaches: "never" is only said within [since, until].

    That is the newest of the times that are `covered` without a gap.
    """

    since: datetime | None = None
    until: datetime | None = None
    is_connected: bool = False
    ended_at: datetime | None = None
    log_format: str = ""
    covered: Sequence[Sequence[str]] = ()

    @property
    def pieces(self) -> list[Span]:
        """All times of which everything of it is here, each without a gap."""
        newest = [(self.since, self.until)] if self.since and self.until else []
        return [*spans_of(self.covered), *newest]

    def is_whole_over(self, start: datetime, end: datetime) -> bool:
        return any(since <= start and until >= end for since, until in self.pieces)

    def is_complete(self, start: datetime, now: datetime) -> bool:
        """Whether everything of [start, now] is here."""
        return bool(self.since and self.until and self.since <= start and self.until >= now - LAG)

    @property
    def why_not_known(self) -> str:
        """As a sentence's part, where it is not complete over what is asked."""
        if not self.is_connected:
            return "no log of the system is connected"
        ended = f"its log ended on {self.ended_at:%Y-%m-%d}, and " if self.ended_at else ""
        if self.since is None or self.until is None:
            return f"{ended}how far the log of the system reaches is not known"
        return (
            f"{ended}the log is complete only from {self.since:%Y-%m-%d} to {self.until:%Y-%m-%d}"
        )

    def knows(self, day: date) -> bool:
        return bool(self.since and self.until and self.since.date() <= day <= self.until.date())


NO_LOG = Log()


@dataclass(frozen=True, slots=True)
class Reached:
    """How far the logs of a system tell of a time: until when, and `is_over` all of it.

    Without `until` none tells of its start, and what the system saw is not known.
    """

    system: System
    until: datetime | None
    is_over: bool


def all_logs_of(system_ids: Collection[int]) -> dict[int, list[Log]]:
    """Every log of these systems, those that reach furthest back first."""
    found: dict[int, list[Log]] = defaultdict(list)
    for one in Stream.objects.filter(system__in=system_ids).order_by("complete_from", "pk"):
        log = Log(
            one.complete_from,
            one.complete_until,
            is_connected=True,
            ended_at=one.ended_at,
            log_format=one.log_format,
            covered=one.covered,
        )
        found[one.system_id].append(log)
    return found


def logs_of(system_ids: Collection[int]) -> dict[int, Log]:
    """How far the logs of these systems reach; of several, the one whose time is the longest.

    They ended where all of them did.
    """
    return {
        system: ended_together(max(logs, key=_span), logs)
        for system, logs in all_logs_of(system_ids).items()
    }


def ended_together(log: Log, logs: Iterable[Log]) -> Log:
    """One log as its system's: it ended only where all of them did."""
    return log if all(one.ended_at for one in logs) else replace(log, ended_at=None)


def systems_reached(
    agent_id: int | None, start: datetime, end: datetime, actor: Actor
) -> list[Reached]:
    """The systems that an agent acts on, each with how far its logs tell of [start, end]."""
    acts_on = Binding.objects.live().filter(agent=agent_id or 0).values("identity__system")
    rows = System.objects.visible_to(actor).filter(pk__in=acts_on).order_by("name", "pk")
    # A row for each log, and one for a system without any: all of it in one query.
    told = rows.annotate(
        since=F("logs__complete_from"),
        until=F("logs__complete_until"),
        covered=F("logs__covered"),
    )
    logs: dict[System, list[Log]] = defaultdict(list)
    for row in told:
        logs[row].append(Log(row.since, row.until, covered=row.covered or ()))
    return [_reached(system, of_it, start, end) for system, of_it in logs.items()]


def _reached(system: System, logs: Iterable[Log], start: datetime, end: datetime) -> Reached:
    pieces = sorted((piece for log in logs for piece in log.pieces), key=lambda piece: piece[1])
    over = [until for since, until in pieces if since <= start and until >= end]
    if over:
        return Reached(system, over[-1], is_over=True)
    # Where the newest begins only after the start, reading on brings nothing of what lies before.
    tells = bool(pieces) and pieces[-1][0] <= start
    return Reached(system, pieces[-1][1] if tells else None, is_over=False)


def _span(log: Log) -> timedelta:
    if log.since is None or log.until is None:
        return timedelta(0)
    return log.until - log.since
