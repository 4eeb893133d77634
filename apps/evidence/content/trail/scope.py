"""Which records a package of the trail holds, and whether any is still to come."""

import heapq
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db.models import Exists, F, Max, Min, OuterRef, Q, QuerySet
from django.utils import timezone

from apps.activity.models import Event, IngestRequest, Invocation, Link
from apps.activity.services.append import LOG
from apps.activity.states import Kind
from apps.core.errors import DomainError
from apps.evidence.content.items import CHUNK
from apps.evidence.content.logs import Run, SignedLog, signed_log
from apps.evidence.content.review import FINAL, INTERIM
from apps.evidence.content.trail.archived import Record, Stock, stock_of, withheld_of
from apps.evidence.content.trail.reach import Reach, reach_of
from apps.evidence.models import Package
from apps.evidence.subjects import Subject
from apps.inventory.models import Agent, Binding

# Records of one batch stand together in the log; this far about their range they were kept.
ABOUT = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Tale:
    """What a package of the trail is about. `claimed` is the range of the log it accounts for."""

    about: str
    name: str
    package: str
    signed: SignedLog
    with_payloads: bool
    unsigned: int
    claimed: Run | None = None
    invocation: Invocation | None = None
    # All that told under its id, itself among them.
    runs: Sequence[Invocation] = ()
    agent: Agent | None = None
    since: date | None = None
    until: date | None = None
    stock: Stock = field(default_factory=Stock)
    reach: Reach = field(default_factory=Reach)

    @property
    def log_id(self) -> int:
        return self.signed.log.pk

    @property
    def status(self) -> str:
        return INTERIM if self.note else FINAL

    @property
    def note(self) -> str:
        """Why the package is interim, in words; empty once nothing is still to come."""
        said = [*self.reach.to_come]
        if self.until is not None and self.until >= timezone.now().date():
            said.append("the period is not over")
        if self.unsigned:
            said.append(f"records newer than the last checkpoint: {self.unsigned}")
        if self.stock.troubles:
            said.append("a part of the archive cannot be read")
        return f"Not everything is here ({'; '.join(said)}), so this will change." if said else ""

    @property
    def links(self) -> QuerySet[Link]:
        """The joins of which both sides can be read."""
        lost = Q()
        for first, end in self.stock.lost:
            lost |= Q(call_leaf__gte=first, call_leaf__lt=end)
            lost |= Q(action_leaf__gte=first, action_leaf__lt=end)
        return self.joins.exclude(lost) if lost else self.joins

    @property
    def joins(self) -> QuerySet[Link]:
        """All joins of the runs that are told of."""
        rows = Link.objects.filter(log_id=self.log_id, call_leaf__lt=self.signed.size)
        if self.invocation is not None:
            rows = rows.filter(invocation__in=self.runs)
        if self.agent is not None:
            rows = rows.filter(invocation__agent_id=self.agent.pk)
        if self.claimed is not None:
            first, end = self.claimed
            rows = rows.filter(call_leaf__gte=first, call_leaf__lt=end)
        return rows.select_related("invocation").order_by("call_leaf", "pk")

    @property
    def invocations(self) -> QuerySet[Invocation]:
        """The runs that are told of, whole or in part."""
        rows = Invocation.objects.filter(log_id=self.log_id)
        if self.invocation is not None:
            return Invocation.objects.under(self.log_id, [self.invocation.trace_id])
        start, end = moments_of(self.since, self.until)
        rows = rows.filter(first_recorded__lt=end, last_recorded__gte=start)
        if self.agent is not None:
            rows = rows.filter(agent_id=self.agent.pk)
        return rows.order_by("started_at", "pk")

    @property
    def agents(self) -> list[int]:
        """Whom it is about: of a run all that told under its id."""
        if self.agent is not None:
            return [self.agent.pk]
        if self.invocation is None:
            return []
        return sorted(one.agent_id for one in self.runs if one.agent_id)

    def records(self) -> Iterator[Record]:
        """The records, in the order of the log and in constant memory, wherever they lie."""
        streams = [map(Record, rows.iterator(CHUNK)) for rows in self._streams()]
        archived = self._archived() if self.stock.shelves else []
        return heapq.merge(*streams, *archived, key=lambda one: one.event.leaf_index)

    def _archived(self) -> list[Iterator[Record]]:
        calls = set(self.joins.order_by().values_list("call_leaf", flat=True))
        mine = set(dedicated_to(self.agent.pk)) if self.agent else set()
        trace = self.invocation.trace if self.invocation else ""

        def is_wanted(leaf: int, said: Mapping[str, Any]) -> bool:
            if leaf >= self.signed.size:
                return False
            is_call, whose = said.get("kind") == Kind.API, said.get("whose", {})
            if self.invocation is not None:
                return leaf in calls if is_call else said.get("trace") == trace
            if not (self.claimed and self.claimed[0] <= leaf < self.claimed[1]):
                return False
            if self.agent is None:
                return True
            if is_call:
                return leaf in calls or whose.get("identity_id") in mine
            return bool(whose.get("agent_id") == self.agent.pk)

        return list(self.stock.streams(is_wanted, withheld_of(self.log_id)))

    def _streams(self) -> list[QuerySet[Event]]:
        if self.invocation is not None:
            return self._of_invocation(self.invocation)
        first, end = self.claimed or (0, 0)
        start, until = moments_of(self.since, self.until)
        rows = Event.objects.filter(log_id=self.log_id, leaf_index__gte=first, leaf_index__lt=end)
        rows = rows.recorded_between(start - ABOUT, until + ABOUT).order_by("leaf_index")
        if self.agent is not None:
            linked = Link.objects.filter(
                log_id=self.log_id,
                call_leaf=OuterRef("leaf_index"),
                invocation__agent_id=self.agent.pk,
            )
            as_itself = Q(kind=Kind.API) & (
                Q(identity_id__in=dedicated_to(self.agent.pk)) | Exists(linked)
            )
            rows = rows.filter((~Q(kind=Kind.API) & Q(agent_id=self.agent.pk)) | as_itself)
        return [rows]

    def _of_invocation(self, run: Invocation) -> list[QuerySet[Event]]:
        told = Event.objects.told_in(self.log_id, run.trace_id)
        told = told.recorded_between(run.first_recorded, run.last_recorded)
        mine: QuerySet[Event] = told.filter(leaf_index__lt=self.signed.size)
        streams = [mine.order_by("leaf_index")]
        span = self.joins.order_by().aggregate(
            first=Min("call_recorded_at"), last=Max("call_recorded_at")
        )
        if span["first"] is not None:
            calls = Event.objects.filter(log_id=self.log_id)
            calls = calls.filter(leaf_index__in=self.joins.order_by().values("call_leaf"))
            streams.append(
                calls.recorded_between(span["first"], span["last"]).order_by("leaf_index")
            )
        return streams


def moments_of(since: date | None, until: date | None) -> tuple[datetime, datetime]:
    """Whole days in UTC, as [start, end)."""
    assert since is not None and until is not None  # noqa: S101, PT018  (a period has both)
    start = datetime.combine(since, time.min, UTC)
    return start, datetime.combine(until, time.min, UTC) + timedelta(days=1)


def dedicated_to(agent_id: int) -> list[int]:
    """Identities that this agent is, or was, bound to, and no other ever was."""
    rows = Binding.objects.filter(agent=agent_id)
    others = Binding.objects.exclude(agent=agent_id).filter(identity=OuterRef("identity"))
    return list(rows.filter(~Exists(others)).values_list("identity", flat=True).distinct())


def tale_of(package: Package) -> Tale:
    """What the package holds as things stand now. Raises `DomainError` where nothing is proven."""
    signed = signed_log(LOG)
    if signed is None:
        raise DomainError(
            "No checkpoint of the trail is signed yet, so nothing in it can be proven. "
            "Start the signer, and export again."
        )
    told = _of_invocation if package.trace_id is not None else _of_period
    tale = told(package, signed)
    return replace(tale, stock=stock_of(signed.log, _places(tale)))


def _places(tale: Tale) -> list[Run]:
    """Where in the log the records stand, as far as that is known without reading them."""
    run = tale.invocation
    if run is None:
        return [tale.claimed] if tale.claimed else []
    arrived = _arrived_in(run.log_id, run.first_recorded - ABOUT, run.last_recorded + ABOUT)
    calls = tale.joins.order_by().values_list("call_leaf", flat=True)
    return [arrived, *((leaf, leaf + 1) for leaf in calls)]


def _of_invocation(package: Package, signed: SignedLog) -> Tale:
    assert package.trace_id is not None  # noqa: S101
    runs = list(Invocation.objects.under(signed.log.pk, [package.trace_id]))
    if not runs:
        raise DomainError("The invocation is no longer kept.")
    run = runs[0]
    told = Event.objects.told_in(run.log_id, run.trace_id)
    told = told.recorded_between(run.first_recorded, run.last_recorded)
    unsigned = told.filter(leaf_index__gte=signed.size).count()
    unsigned += Link.objects.filter(invocation__in=runs, call_leaf__gte=signed.size).count()
    return Tale(
        about=Subject.INVOCATION,
        name=f"Invocation {run}",
        package=f"invocation-{run.trace}",
        signed=signed,
        with_payloads=package.with_payloads,
        unsigned=unsigned,
        invocation=run,
        runs=runs,
        agent=None,
        reach=reach_of(runs),
    )


def _arrived_in(log_id: int, start: datetime, end: datetime) -> Run:
    """The range of the log that arrived in [start, end), also where records are kept no longer."""
    kept = Event.objects.filter(log_id=log_id, recorded_at__gte=start, recorded_at__lt=end)
    taken = IngestRequest.objects.filter(log_id=log_id, received_at__gte=start, received_at__lt=end)
    of_kept: dict[str, Any] = kept.aggregate(first=Min("leaf_index"), last=Max("leaf_index"))
    of_taken: dict[str, Any] = taken.filter(count__gt=0).aggregate(
        first=Min("first_leaf"), behind=Max(F("first_leaf") + F("count"))
    )
    firsts = [one for one in (of_kept["first"], of_taken["first"]) if one is not None]
    behind = [of_kept["last"] + 1] if of_kept["last"] is not None else []
    behind += [of_taken["behind"]] if of_taken["behind"] is not None else []
    return (min(firsts), max(behind)) if firsts else (0, 0)


def _of_period(package: Package, signed: SignedLog) -> Tale:
    start, end = moments_of(package.period_from, package.period_to)
    first, behind = _arrived_in(signed.log.pk, start, end)
    claimed = (min(first, signed.size), min(behind, signed.size))
    days = f"{package.period_from}-{package.period_to}"
    whose = f"agent-{package.agent_id}" if package.agent_id else "everything"
    return Tale(
        about=package.subject,
        name=package.about,
        package=f"{whose}-{days}",
        signed=signed,
        with_payloads=package.with_payloads,
        unsigned=behind - max(claimed[1], first) if behind else 0,
        claimed=claimed,
        agent=package.agent,
        since=package.period_from,
        until=package.period_to,
    )
