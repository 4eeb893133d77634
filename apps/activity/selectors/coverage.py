"""What systems recorded of an agent against what it said, by day, system, and identity."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Exists, F, OuterRef, Q, QuerySet, Sum
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.activity.models import DeedHour, Stream, UseHour
from apps.activity.services.covering import Span, joined_spans
from apps.activity.settling import settled_before
from apps.core.actors import Actor
from apps.inventory.models import Agent, Binding, Identity, System
from apps.inventory.querysets.scope import hidden_systems

DAY = timedelta(days=1)
MOST_GROUPS = 300


@dataclass(frozen=True, slots=True)
class Line:
    """The calls of one identity on one system on one day.

    `proven` are those that a run tells of; `unexplained` those that none does, and that are old
    enough for that to be said; `unsettled` those that are not. Of an identity that several agents
    share, neither can be tied to one of them. Where no log is whole for the day, figures are what
    was seen, not all there was; of a day that `is_new` it may still become so.
    """

    identity: Identity | None
    identity_id: int
    calls: int
    proven: int
    unexplained: int
    unsettled: int
    is_shared: bool
    is_known: bool
    is_new: bool

    @property
    def coverage(self) -> int | None:
        """In whole percent, never rounded up to all of them; None where it is not known."""
        return 100 * self.proven // self.calls if self.is_known and self.calls else None


@dataclass(frozen=True, slots=True)
class Told:
    """What the agent said it did on one system on one day.

    `unconfirmed` were missed in a whole log; of `unjudged` no log would show whether they were.
    """

    deeds: int
    confirmed: int
    failed: int
    unconfirmed: int
    unjudged: int


@dataclass(slots=True)
class Group:
    """One system on one day; without a system, what was done on nobody knows which."""

    system: System | None
    start: datetime
    end: datetime
    lines: list[Line] = field(default_factory=list)
    told: Told | None = None

    @property
    def bounds(self) -> str:
        """The query of a list that holds what the figures of this day count."""
        return urlencode({"start": self.start.isoformat(), "end": self.end.isoformat()})


@dataclass(frozen=True, slots=True)
class Silence:
    """A system that the agent acts on, not all of whose time is known; both None: no log of it."""

    system: System
    since: datetime | None
    until: datetime | None
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """Newest day first; and the systems of which a part of the time asked for is not known.

    Past a number of days and systems it is cut, at the older end. `hidden` systems lie outside the
    reader's seat, and nothing of them is told.
    """

    groups: list[Group]
    is_cut: bool
    not_known: list[Silence]
    hidden: int
    since: datetime
    until: datetime
    settled: datetime


@dataclass(frozen=True, slots=True)
class _Found:
    """What rows name by id, and the times of which the logs of a system are whole, oldest first.

    Between two logs of one system may lie a gap, of which nothing is known. A log comes a little
    later than what it tells of: until `settled`, nobody waits for it. So it is asked for what is
    settled alone, or, of a time in which nothing is, for all of it.
    """

    systems: Mapping[int, System]
    identities: Mapping[int, Identity]
    whole: Mapping[int, list[Span]]
    ended: Mapping[int, datetime]
    settled: datetime

    def knows(self, system_id: int, start: datetime, end: datetime) -> bool:
        asked = min(end, self.settled) if start < self.settled else end
        return any(
            since <= start and until >= asked for since, until in self.whole.get(system_id, ())
        )


def coverage_of(agent: Agent, since: datetime, until: datetime, actor: Actor) -> Coverage:
    """What is explained of one agent in [since, until), by the days of the reader's zone.

    As far as the reader may see it. A few queries, however long it is.
    """
    settled = settled_before(timezone.now())
    acts_as = Binding.objects.live().filter(agent=agent).values_list("identity__system", "identity")
    bound = set(acts_as)
    uses = _uses(agent, since, until, settled, actor)
    deeds = _deeds(agent, since, until, settled, actor)
    on = {system for system, _ in bound}
    hidden = hidden_systems(actor, (on | {row["system_id"] for row in deeds}) - {0})
    on, deeds = on - hidden, [row for row in deeds if row["system_id"] not in hidden]
    found = _found(on, [*uses, *deeds], {one for system, one in bound if system in on}, settled)
    groups: dict[tuple[date, int], Group] = {}
    for row in (*uses, *deeds):
        key = row["day"], row["system_id"]
        if key not in groups:
            start, end = _bounds(row["day"], since, until)
            groups[key] = Group(found.systems.get(row["system_id"]), start, end)
    for row in uses:
        group = groups[row["day"], row["system_id"]]
        group.lines.append(_line(row, group, found))
    for row in deeds:
        groups[row["day"], row["system_id"]].told = _told(row)
    ordered = [groups[key] for key in sorted(groups, key=lambda key: (-key[0].toordinal(), key[1]))]
    shown, is_cut = ordered[:MOST_GROUPS], len(ordered) > MOST_GROUPS
    silences = list(_silences(on, found, since, until))
    return Coverage(shown, is_cut, silences, len(hidden), since, until, settled)


def _uses(
    agent: Agent, since: datetime, until: datetime, settled: datetime, actor: Actor
) -> list[dict[str, Any]]:
    rows: QuerySet[Any, Any] = (
        UseHour.objects.visible_to(actor)
        .of_agent(agent.pk)
        .filter(hour__gte=since, hour__lt=until)
        .annotate(day=TruncDate("hour"))
        .values("day", "system_id", "identity_id")
        .annotate(
            all_calls=Sum("calls"),
            all_proven=Sum("proven"),
            late=Sum(F("calls") - F("proven"), filter=Q(hour__gte=settled), default=0),
            nobodys=Sum("calls", filter=Q(agent_id__isnull=True), default=0),
        )
        .order_by("day", "system_id", "identity_id")
    )
    return list(rows)


def _deeds(
    agent: Agent, since: datetime, until: datetime, settled: datetime, actor: Actor
) -> list[dict[str, Any]]:
    rows: QuerySet[Any, Any] = (
        DeedHour.objects.visible_to(actor)
        .filter(agent_id=agent.pk, hour__gte=since, hour__lt=until)
        .annotate(day=TruncDate("hour"), is_judged=DeedHour.objects.is_judged(settled))
        .values("day", "system_id")
        .annotate(
            all_deeds=Sum("deeds"),
            all_confirmed=Sum("confirmed"),
            all_failed=Sum("failed"),
            missed=Sum("unconfirmed", filter=Q(is_judged=True), default=0),
            unjudged=Sum("unconfirmed", filter=Q(is_judged=False), default=0),
        )
        .order_by("day", "system_id")
    )
    return list(rows)


def _found(
    on: set[int], rows: Iterable[Mapping[str, Any]], identities: set[int], settled: datetime
) -> _Found:
    systems = on | {row["system_id"] for row in rows}
    identities |= {row["identity_id"] for row in rows if "identity_id" in row}
    streams = Stream.objects.filter(system__in=systems, complete_until__isnull=False)
    going_on = Stream.objects.going_on().filter(system=OuterRef("system"))
    told = streams.annotate(is_over=~Exists(going_on)).values_list(
        "system", "complete_from", "complete_until", "ended_at", "is_over"
    )
    whole: dict[int, list[Span]] = defaultdict(list)
    ended: dict[int, datetime] = {}
    for system, since, until, ended_at, is_over in told:
        if since and until:
            whole[system].append((since, until))
        if is_over and ended_at:
            ended[system] = max(ended_at, ended.get(system, ended_at))
    return _Found(
        System.objects.in_bulk(systems),
        Identity.objects.in_bulk(identities),
        {system: joined_spans(spans) for system, spans in whole.items()},
        ended,
        settled,
    )


def _bounds(day: date, since: datetime, until: datetime) -> tuple[datetime, datetime]:
    start = timezone.make_aware(datetime.combine(day, time.min))
    end = timezone.make_aware(datetime.combine(day + DAY, time.min))
    return max(start, since), min(end, until)


def _line(row: Mapping[str, Any], group: Group, found: _Found) -> Line:
    return Line(
        identity=found.identities.get(row["identity_id"]),
        identity_id=row["identity_id"],
        calls=row["all_calls"],
        proven=row["all_proven"],
        unexplained=row["all_calls"] - row["all_proven"] - row["late"],
        unsettled=row["late"],
        is_shared=row["nobodys"] > 0,
        is_known=found.knows(row["system_id"], group.start, group.end),
        is_new=group.start >= found.settled,
    )


def _told(row: Mapping[str, Any]) -> Told:
    return Told(
        deeds=row["all_deeds"],
        confirmed=row["all_confirmed"],
        failed=row["all_failed"],
        unconfirmed=row["missed"],
        unjudged=row["unjudged"],
    )


def _silences(
    on: Iterable[int], found: _Found, since: datetime, until: datetime
) -> Iterable[Silence]:
    for pk in sorted(on, key=lambda pk: found.systems[pk].name):
        if not found.knows(pk, since, until):
            begun, reached = found.whole.get(pk, [(None, None)])[-1]
            yield Silence(found.systems[pk], begun, reached, found.ended.get(pk))
