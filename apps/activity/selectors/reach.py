"""How far the logs of systems reach: of what lies outside nothing is known."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Max, OuterRef, QuerySet, Subquery

from apps.activity.models import Stream
from apps.core.actors import Actor
from apps.inventory.models import Binding, System

# A log that ends later than this before now still tells of now.
LAG = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Log:
    """How far the logs of one system reach: nothing is known outside [since, until]."""

    since: datetime | None = None
    until: datetime | None = None
    is_connected: bool = False
    ended_at: datetime | None = None
    log_format: str = ""

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


def logs_of(system_ids: Collection[int]) -> dict[int, Log]:
    """How far the logs of these systems reach; of several, the one that reaches furthest back.

    They ended where all of them did.
    """
    found: dict[int, Log] = {}
    streams = list(Stream.objects.filter(system__in=system_ids).order_by("complete_from"))
    going_on = {one.system_id for one in streams if one.ended_at is None}
    for one in streams:
        ended = None if one.system_id in going_on else one.ended_at
        log = Log(
            one.complete_from,
            one.complete_until,
            is_connected=True,
            ended_at=ended,
            log_format=one.log_format,
        )
        known = found.get(one.system_id)
        if known is None or _span(log) > _span(known):
            found[one.system_id] = log
    return found


def systems_reached(agent_id: int | None, actor: Actor) -> QuerySet[System]:
    """The systems that an agent acts on, each with until when its logs are complete: `reached`."""
    acts_on = Binding.objects.live().filter(agent=agent_id or 0).values("identity__system")
    reached = Stream.objects.filter(system=OuterRef("pk")).order_by().values("system")
    rows: QuerySet[System] = (
        System.objects.visible_to(actor)
        .filter(pk__in=acts_on)
        .annotate(reached=Subquery(reached.annotate(at=Max("complete_until")).values("at")))
        .order_by("name")
    )
    return rows


def _span(log: Log) -> timedelta:
    if log.since is None or log.until is None:
        return timedelta(0)
    return log.until - log.since
