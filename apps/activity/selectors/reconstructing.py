"""Whether what an agent did can be told, from instruction to call: figures, rules, and a verdict.

The verdict follows from the rules alone; a person then signs it with what they know beside it.
"""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, Sum

from apps.activity.models import DeedHour, Invocation, UseHour
from apps.activity.querysets.measured import told_runs
from apps.activity.selectors.reach import NO_LOG, Log, logs_of
from apps.activity.settling import settled_before
from apps.activity.states import Told
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.inventory.models import Agent, Binding, System
from apps.inventory.querysets.scope import hidden_systems, is_limited_auditor

# Payloads are looked into, so that a busy agent's newest runs stand for all of them.
MOST_RUNS = 2000
# What a run must say of itself, and below which share nothing can be told any more.
SAID_PERCENT, LOST_PERCENT = 95, 50


@dataclass(frozen=True, slots=True)
class OfSystem:
    """One system the agent acts on: its calls, how many are explained, how far its log reaches."""

    system: System
    calls: int
    explained: int
    log: Log
    is_complete: bool


@dataclass(frozen=True, slots=True)
class Figures:
    """What was told and seen in [since, until]. Of the newest `looked_at` runs, how many tell.

    `hidden` systems lie outside of the reader's seat: what is said is said without them. Of the
    deeds that do not say they failed, `missed` are those that no system's log has, and `unjudged`
    those that no log would show yet.
    """

    since: datetime
    until: datetime
    runs: int
    looked_at: int
    with_trigger: int
    with_steps: int
    with_outcome: int
    deeds: int
    confirmed: int
    missed: int
    unjudged: int
    systems: tuple[OfSystem, ...]
    hidden: int
    needed: int

    def kept(self) -> dict[str, Any]:
        """As it is written into what is signed."""
        return {
            "runs": self.runs,
            "looked_at": self.looked_at,
            "with_trigger": self.with_trigger,
            "with_steps": self.with_steps,
            "with_outcome": self.with_outcome,
            "actions": self.deeds,
            "confirmed": self.confirmed,
            "unconfirmed": self.missed,
            "not_judged": self.unjudged,
            "systems": [
                {
                    "system": str(one.system),
                    "system_id": one.system.pk,
                    "calls": one.calls,
                    "explained": one.explained,
                    "log_since": one.log.since.isoformat() if one.log.since else None,
                    "log_until": one.log.until.isoformat() if one.log.until else None,
                    "log_is_complete": one.is_complete,
                }
                for one in self.systems
            ],
        }


@dataclass(frozen=True, slots=True)
class Rule:
    """One stated rule: so many of so many, and from which share it holds.

    Of `unknown` of the whole it is not known, so that the share lies between two.
    """

    text: str
    part: int
    whole: int
    needed: int
    unknown: int = 0

    @property
    def percent(self) -> int | None:
        """At least. None where there was nothing to tell, and so nothing is missing."""
        return 100 * self.part // self.whole if self.whole else None

    @property
    def most(self) -> int:
        return 100 * (self.part + self.unknown) // self.whole if self.whole else 100

    @property
    def holds(self) -> bool:
        return self.percent is None or self.percent >= self.needed

    @property
    def is_untold(self) -> bool:
        """Whether it would hold with what is not known, and not without."""
        return not self.holds and self.most >= self.needed

    @property
    def is_lost(self) -> bool:
        return self.most < LOST_PERCENT

    @property
    def reason(self) -> str:
        """Why it does not hold."""
        if self.is_untold:
            return f"{self.text}: not known, as no log would show {self.unknown} of {self.whole}"
        return f"{self.text}: {self.most} %, needed {self.needed} %"


@dataclass(frozen=True, slots=True)
class Check:
    """Figures with the rules over them, and the verdict that follows."""

    figures: Figures
    rules: tuple[Rule, ...]
    verdict: Told
    reasons: tuple[str, ...]


def check_of(agent: Agent, days: int, now: datetime, actor: Actor | None = None) -> Check:
    """What can be told of the agent's last days; of a limited seat, on the systems it covers."""
    figures = _figures(agent, now - timedelta(days=days), now, actor)
    rules = _rules(figures)
    verdict, reasons = _verdict(figures, rules)
    return Check(figures, rules, verdict, reasons)


def _figures(agent: Agent, since: datetime, until: datetime, actor: Actor | None) -> Figures:
    runs = Invocation.objects.of_agent(agent.pk).filter(started_at__gte=since, started_at__lt=until)
    looked = told_runs(agent.pk, since, until, MOST_RUNS)
    is_judged = DeedHour.objects.is_judged(settled_before(until))
    told = DeedHour.objects.filter(agent_id=agent.pk, hour__gte=since)
    if actor is not None:
        told = told.on_seat(actor)
    deeds = told.annotate(is_judged=is_judged).aggregate(
        made=Sum("deeds", default=0),
        confirmed=Sum("confirmed", default=0),
        missed=Sum("unconfirmed", filter=Q(is_judged=True), default=0),
        unjudged=Sum("unconfirmed", filter=Q(is_judged=False), default=0),
    )
    systems, hidden = _systems(agent, since, until, actor)
    return Figures(
        since=since,
        until=until,
        runs=runs.count(),
        looked_at=looked[0],
        with_trigger=looked[1],
        with_steps=looked[2],
        with_outcome=looked[3],
        deeds=deeds["made"],
        confirmed=deeds["confirmed"],
        missed=deeds["missed"],
        unjudged=deeds["unjudged"],
        systems=systems,
        hidden=hidden,
        needed=preference("coverage_known_percent"),
    )


def _systems(
    agent: Agent, since: datetime, until: datetime, actor: Actor | None
) -> tuple[tuple[OfSystem, ...], int]:
    """Its own calls, and those of identities it shares that nothing ties to another agent; and how
    many systems are left out, since they lie outside of the reader's seat."""
    identities = dict(
        Binding.objects.live().filter(agent=agent).values_list("identity", "identity__system")
    )
    its = Q(agent_id=agent.pk) | Q(agent_id=None, identity_id__in=identities)
    rows = (
        UseHour.objects.filter(its, hour__gte=since)
        .values_list("system_id")
        .annotate(made=Sum("calls"), explained=Sum("proven"))
        .order_by()
    )
    used = {system: (made, explained) for system, made, explained in rows}
    wanted = {*used, *identities.values()}
    hidden = _hidden(agent, since, wanted, actor)
    wanted -= hidden
    systems = System.objects.filter(pk__in=wanted).order_by("name")
    logs = logs_of([one.pk for one in systems])
    found = (
        OfSystem(
            one,
            *used.get(one.pk, (0, 0)),
            log=logs.get(one.pk, NO_LOG),
            is_complete=logs.get(one.pk, NO_LOG).is_complete(since, until),
        )
        for one in systems
    )
    return tuple(found), len(hidden)


def _hidden(agent: Agent, since: datetime, used: set[int], actor: Actor | None) -> set[int]:
    """The systems outside of the reader's seat that it used, or says it acted on."""
    if actor is None or not is_limited_auditor(actor):
        return set()
    told = DeedHour.objects.filter(agent_id=agent.pk, hour__gte=since, system_id__gt=0).order_by()
    return hidden_systems(actor, {*used, *told.values_list("system_id", flat=True).distinct()})


def _rules(figures: Figures) -> tuple[Rule, ...]:
    looked, needed = figures.looked_at, figures.needed
    confirmed, unjudged = figures.confirmed, figures.unjudged
    judged = confirmed + figures.missed
    return (
        Rule("Runs that say what triggered them", figures.with_trigger, looked, SAID_PERCENT),
        Rule("Runs that say how they reasoned", figures.with_steps, looked, needed),
        Rule("Runs that say how they ended", figures.with_outcome, looked, SAID_PERCENT),
        Rule("Actions that a system confirms", confirmed, judged + unjudged, needed, unjudged),
        *(
            Rule(f"API calls on {one.system} that trace to a run", one.explained, one.calls, needed)
            for one in figures.systems
        ),
    )


def _verdict(figures: Figures, rules: Collection[Rule]) -> tuple[Told, tuple[str, ...]]:
    """The first that fits: not known, cannot be told, can be told, in part."""
    dark = [str(one.system) for one in figures.systems if not one.is_complete]
    reasons = [rule.reason for rule in rules if not rule.holds]
    if dark:
        reasons.append(f"The log is not complete over these days: {', '.join(dark)}")
    if figures.hidden:
        many = f"{figures.hidden} systems lie" if figures.hidden > 1 else "1 system lies"
        reasons.append(f"{many} outside of your seat: this is worked out without what is there")
    if not figures.systems and figures.hidden:
        return Told.UNKNOWN, tuple(reasons)
    if not figures.systems:
        return Told.UNKNOWN, ("It is bound to no identity, so no system's log can tell of it.",)
    if len(dark) == len(figures.systems):
        return Told.UNKNOWN, tuple(reasons)
    if any(rule.is_lost for rule in rules):
        return Told.NO, tuple(reasons)
    return (Told.PARTLY if reasons else Told.YES), tuple(reasons)
