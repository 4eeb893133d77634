"""What one agent did over some weeks: when, where, by which permissions, and what it flagged."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from django.contrib.postgres.aggregates import ArrayAgg
from django.db.models import Max, QuerySet, Sum
from django.db.models.functions import ExtractHour
from django.utils import timezone

from apps.activity.allowing import BY_TRUST, FREE, Allows, Call, allows, call_of, places_of
from apps.activity.models import AllowedCall, DeedHour, Event, Invocation, UseHour
from apps.activity.named import CHANGED, NO_GRANTS, TOO_EARLY, TRUST, UNNAMED, is_action
from apps.activity.querysets.events import told_by
from apps.activity.selectors.held import Elsewhere, known_calls
from apps.activity.selectors.searching import FoundRow, rows_of
from apps.activity.selectors.tenures import Tenure, tenures_of
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding, System
from apps.inventory.querysets.scope import hidden_systems, is_limited_auditor

DAYS = (7, 30, 90)
MOST_NAMES = 50
MOST_LISTED = 10
SHADES = 5
NEEDLESS = {name.lower() for name in FREE}
TRUSTED = {name.lower() for name in BY_TRUST}

# A call by its system and its name.
type Called = tuple[int, str]


@dataclass(frozen=True, slots=True)
class Cell:
    hour: int
    count: int
    shade: int


@dataclass(frozen=True, slots=True)
class Strip:
    """One system's hours of the day, in the reader's zone; system 0 is what the agent says."""

    name: str
    system_id: int
    total: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Past:
    """A grant that would have allowed a call, until it ended."""

    grant: Grant
    ended: datetime


@dataclass(frozen=True, slots=True)
class Done:
    """One API call by its name, and the live grants that would have allowed it.

    Where none would, `past` are those that did and have ended since, and `elsewhere` those that
    name it for other resources. `is_hidden` says that the reader may see none of those that would.
    `untold` is why it cannot be told what allowed it; `is_free` that nothing has to.
    """

    system: str
    system_id: int
    name: str
    calls: int
    proven: int
    denied: int
    last_at: datetime
    grants: list[Grant]
    past: list[Past]
    elsewhere: list[Elsewhere]
    is_hidden: bool
    untold: str
    is_free: bool

    @property
    def is_bare(self) -> bool:
        """Whether it worked, at least once, when no grant that is known allowed it."""
        if self.grants or self.is_hidden or self.calls <= self.denied:
            return False
        if self.untold or self.is_free:
            return False
        return not any(one.ended >= self.last_at for one in self.past)


@dataclass(frozen=True, slots=True)
class AgentActivity:
    """`asked` is the query of the lists that hold what the figures count.

    `hidden` systems lie outside of the reader's seat, and nothing of them is told.
    """

    asked: str
    strips: list[Strip]
    done: list[Done]
    is_cut: bool
    flagged: list[FoundRow]
    runs: list[Invocation]
    hidden: int


def activity_of(agent: Agent, days: int, actor: Actor) -> AgentActivity:
    """From the hourly counts, as far as the reader may see the systems; a few queries in all."""
    now = timezone.now()
    since = (now - timedelta(days=days)).replace(minute=0, second=0, microsecond=0)
    uses = UseHour.objects.visible_to(actor).filter(agent_id=agent.pk, hour__gte=since)
    hours = _hours(uses, "calls", "system_id")
    used = System.objects.visible_to(actor).filter(pk__in=hours)
    systems = dict(used.order_by().values_list("pk", "name"))
    uses = uses.filter(system_id__in=systems)
    told = DeedHour.objects.visible_to(actor).filter(agent_id=agent.pk, hour__gte=since)
    strips = [_strip("It says it did", 0, _hours(told, "deeds")[0])]
    strips += [_strip(systems[one], one, hours[one]) for one in sorted(systems)]
    rows: list[Any] = list(
        uses.values("system_id", "name")
        .annotate(
            calls=Sum("calls"),
            proven=Sum("proven"),
            denied=Sum("denied"),
            last_at=Max("last_at"),
            by=ArrayAgg("identity_id", distinct=True),
        )
        .order_by("-calls", "name")[: MOST_NAMES + 1]
    )
    runs = Invocation.objects.visible_to(actor).of_agent(agent.pk).filter(started_at__gte=since)
    runs = runs.only("name", "trace_id", "started_at", "actions", "proven")
    newest = list(runs.order_by("-started_at", "-pk")[:MOST_LISTED])
    return AgentActivity(
        urlencode({"agent": agent.pk, "start": since.isoformat()}),
        strips,
        _done(rows[:MOST_NAMES], systems, since, actor),
        len(rows) > MOST_NAMES,
        _flagged(agent, since, now, actor),
        newest,
        _hidden(agent, since, actor),
    )


def _hidden(agent: Agent, since: datetime, actor: Actor) -> int:
    """How many systems that it acts on the reader's seat leaves out."""
    if not is_limited_auditor(actor):
        return 0
    used = UseHour.objects.filter(agent_id=agent.pk, hour__gte=since).order_by()
    acts_on = Binding.objects.live().filter(agent=agent).values_list("identity__system", flat=True)
    return len(hidden_systems(actor, {*used.values_list("system_id", flat=True), *acts_on}))


def _hours(rows: QuerySet, counted: str, by: str = "") -> dict[int, dict[int, int]]:
    hours: dict[int, dict[int, int]] = defaultdict(dict)
    grouped = rows.annotate(of_day=ExtractHour("hour")).values("of_day", *([by] if by else []))
    for row in grouped.annotate(count=Sum(counted)).order_by():
        hours[row[by] if by else 0][row["of_day"]] = row["count"]
    return hours


def _strip(name: str, system_id: int, hours: dict[int, int]) -> Strip:
    most = max(hours.values(), default=0)
    cells = [Cell(hour, count := hours.get(hour, 0), _shade(count, most)) for hour in range(24)]
    return Strip(name, system_id, sum(hours.values()), cells)


def _shade(count: int, most: int) -> int:
    """0 for none; the busiest hour is the darkest."""
    return -(-count * SHADES // most) if count else 0


def _done(
    rows: Sequence[Any], systems: dict[int, str], since: datetime, actor: Actor
) -> list[Done]:
    """By the identities that made these calls, whether the agent acts as them still or not."""
    by_whom = {(row["system_id"], row["name"]): set(row.pop("by")) for row in rows}
    allowed = _allowed(by_whom)
    bare = {key: of for key, of in by_whom.items() if key not in allowed}
    last = {(row["system_id"], row["name"]): row["last_at"] for row in rows}
    past, elsewhere, untold = _otherwise(bare, since, last)
    ids = {one for of in (*allowed.values(), *past.values(), *elsewhere.values()) for one in of}
    grants = Grant.objects.visible_to(actor).named().order_by().in_bulk(ids)
    return [
        Done(
            systems[row["system_id"]],
            grants=(seen := [grants[one] for one in sorted(allowed.get(key, ())) if one in grants]),
            past=(
                over := [
                    Past(grants[one], ended)
                    for one, ended in sorted(past.get(key, {}).items())
                    if one in grants
                ]
            ),
            elsewhere=[
                Elsewhere(grants[one], places)
                for one, places in elsewhere.get(key, {}).items()
                if one in grants
            ],
            is_hidden=(key in allowed and not seen) or (key in past and not over),
            untold=untold.get(key, ""),
            is_free=row["name"].lower() in NEEDLESS,
            **row,
        )
        for key, row in zip(by_whom, rows, strict=True)
    ]


def _allowed(by_whom: Mapping[Called, set[int]]) -> dict[Called, set[int]]:
    allowed: dict[Called, set[int]] = defaultdict(set)
    rows = AllowedCall.objects.filter(
        identity_id__in=set().union(*by_whom.values()), name__in={name for _, name in by_whom}
    )
    for identity, system, name, grant in rows.values_list(
        "identity_id", "system_id", "name", "grant_id"
    ):
        if identity in by_whom.get((system, name), ()):
            allowed[system, name].add(grant)
    return allowed


def _otherwise(
    bare: Mapping[Called, set[int]], since: datetime, last: Mapping[Called, datetime]
) -> tuple[
    dict[Called, dict[int, datetime]], dict[Called, dict[int, list[str]]], dict[Called, str]
]:
    """Of calls that no grant allows: grants that ended since then and did, with when they ended;
    live ones that would have, had the calls been made on something else, with on what; and why it
    cannot be told what allowed them, as it stood at the last of them.
    """
    past: dict[Called, dict[int, datetime]] = defaultdict(dict)
    elsewhere: dict[Called, dict[int, list[str]]] = defaultdict(dict)
    untold: dict[Called, str] = {}
    if not bare:
        return past, elsewhere, untold
    tenures = tenures_of(set().union(*bare.values()))
    kinds = {one.system_id: one.held.kind for of in tenures.values() for one in of}
    known = known_calls({(kinds.get(system, ""), name) for system, name in bare})
    for key, identities in bare.items():
        system, name = key
        kind = kinds.get(system, "")
        call = call_of(kind, name, known.get((kind, name.lower())))
        of_them = (one for who in sorted(identities) for one in tenures.get(who, ()))
        held = [one for one in of_them if one.system_id == system]
        for one in held:
            answer, grant = allows(one.held, call), one.held.grant_id
            if one.is_live and answer == Allows.BY_TARGET:
                elsewhere[key][grant] = places_of(one.held, call)
            if one.ended and one.ended > since and answer != Allows.NEVER:
                past[key][grant] = one.ended
        is_named = (kind, name.lower()) in known or key in elsewhere or key in past
        untold[key] = _untold(call, held, last[key], is_named=is_named or is_action(call))
    return past, elsewhere, untold


def _untold(call: Call, held: Sequence[Tenure], at: datetime, *, is_named: bool) -> str:
    """Why it cannot be told what allowed a call: the same as is said of each single record."""
    if call.name.lower() in TRUSTED:
        return TRUST
    if not held:
        return NO_GRANTS
    if any(one.was_other(at, call) for one in held):
        return CHANGED
    if not is_named:
        return UNNAMED
    return TOO_EARLY if all(one.known_from > at for one in held) else ""


def _flagged(agent: Agent, since: datetime, until: datetime, actor: Actor) -> list[FoundRow]:
    """By the index of what is flagged, which is little: whatever else the agent told."""
    told = told_by(Event, [agent.pk])
    rows = Event.objects.in_trail().recorded_between(since, until)
    rows = rows.filter(told, severity__gt=0).visible_to(actor)
    last_in = rows.order_by("-recorded_at", "-leaf_index")[:MOST_LISTED]
    newest = sorted(last_in, key=lambda one: (one.happened_at, one.leaf_index), reverse=True)
    return rows_of(newest, actor)
