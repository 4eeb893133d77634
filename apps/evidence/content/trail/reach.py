"""How far the logs of systems reach over what a package tells of, and what is still to come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from apps.activity.models import DeedHour, Invocation, UseHour
from apps.activity.selectors.reach import NO_LOG, Log, all_logs_of, ended_together
from apps.activity.settling import settled_before
from apps.evidence.content.readings import gap
from apps.inventory.models import Agent, Binding, Identity, System

# So many systems are named; past that, how many more there are.
MOST_NAMED = 200
CALLS = "API calls that no run tells of"
YOUNG = "API calls that a run may still tell of"
NOBODYS = "API calls that cannot be tied to one agent"
MISSED = "Actions that no log of a system shows"
UNJUDGED = "Actions that no log was there to show"
BY_HOUR = "By the hour at which it happened."

type Logs = Sequence[tuple[System, Sequence[Log]]]


@dataclass(frozen=True, slots=True)
class Reach:
    """Of a run: why it may still become more, in words, and of which systems not all is known."""

    to_come: tuple[str, ...] = ()
    unread: tuple[dict[str, Any], ...] = ()


def reach_of(runs: Sequence[Invocation]) -> Reach:
    """Of a run, and of what it had other agents do."""
    start, end = min(one.started_at for one in runs), max(one.ended_at for one in runs)
    settled = settled_before(timezone.now())
    logs = _logs(_acts_on([one.agent_id for one in runs if one.agent_id], start))
    said = _not_told(runs, settled)
    if end >= settled:
        said.append("it ended not long ago, and logs come later")
    said += [
        f"the log of {system} reaches only to {until:%Y-%m-%d %H:%M} UTC"
        for system, of_it in logs
        for until in _reading_on(of_it, start, end)
    ]
    return Reach(tuple(said), tuple(_unread(logs, start, max(start, min(end, settled)))))


def unread_of_period(agent: Agent | None, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """Of a period: the systems whose logs do not reach over it, and what is not explained."""
    systems: QuerySet[System] = System.objects.present()
    if agent is not None:
        systems = _acts_on([agent.pk], start)
    settled = settled_before(timezone.now())
    unread = _unread(_logs(systems), start, max(start, min(end, settled)))
    return [*unread, *_unexplained(agent, start, end, settled)]


def _acts_on(agents: Sequence[int], since: datetime) -> QuerySet[System]:
    """Systems on which these agents acted as something since then."""
    bound = Binding.objects.filter(Q(ended_at__isnull=True) | Q(ended_at__gt=since))
    bound = bound.filter(agent__in=agents)
    return System.objects.filter(pk__in=bound.values("identity__system"))


def _not_told(runs: Sequence[Invocation], settled: datetime) -> list[str]:
    """Whether one of them may still tell its end: of what fell silent nobody waits for it."""
    waited = [one for one in runs if not one.has_told_end and one.last_recorded >= settled]
    if not waited:
        return []
    whose = "the run" if runs[0] in waited else "a run of another agent under its id"
    return [f"{whose} has not told its end"]


def _logs(systems: QuerySet[System]) -> Logs:
    found = list(systems.order_by("name", "pk"))
    logs = all_logs_of([one.pk for one in found])
    return [(one, logs.get(one.pk, [NO_LOG])) for one in found]


def _is_whole(logs: Iterable[Log], start: datetime, end: datetime) -> bool:
    return any(log.is_whole_over(start, end) for log in logs)


def _reading_on(logs: Sequence[Log], start: datetime, end: datetime) -> list[datetime]:
    """Until when logs are read that go on and will reach over it, where none is whole over it.

    One of which no time is known to be whole may stay so: files are not always said to be whole.
    """
    if _is_whole(logs, start, end):
        return []
    return [log.until for log in logs if log.until and not log.ended_at and log.until < end]


def _unread(logs: Logs, start: datetime, asked: datetime) -> list[dict[str, Any]]:
    """One line for each system of which a part of the time is not known, and why."""
    dark = [(system, of_it) for system, of_it in logs if not _is_whole(of_it, start, asked)]
    found = [
        gap(f"What {system} recorded", _because(of_it, start, asked))
        for system, of_it in dark[:MOST_NAMED]
    ]
    if (more := len(dark) - MOST_NAMED) > 0:
        found.append(gap("What further systems recorded", "Their logs do not reach it.", more))
    return found


def _because(logs: Sequence[Log], start: datetime, asked: datetime) -> str:
    """By the time without a gap that tells of the most of it, or lies nearest."""
    near = [
        (min(until, asked) - max(since, start), replace(log, since=since, until=until))
        for log in logs
        for since, until in log.pieces
    ]
    told = max(near, key=itemgetter(0))[1] if near else logs[0]
    return f"Not all of this time is known: {ended_together(told, logs).why_not_known}."


def _unexplained(
    agent: Agent | None, start: datetime, end: datetime, settled: datetime
) -> list[dict[str, Any]]:
    """What no run tells of, and what no log shows: as the page of what is explained counts it."""
    calls = UseHour.objects.filter(hour__gte=start, hour__lt=end)
    deeds = DeedHour.objects.filter(hour__gte=start, hour__lt=end)
    if agent is not None:
        calls, deeds = calls.of_agent(agent.pk), deeds.filter(agent_id=agent.pk)
    by_identity = _summed(calls, settled)
    sums = {name: sum(row[name] for row in by_identity) for name in ("old", "young", "nobodys")}
    judged = deeds.annotate(is_judged=DeedHour.objects.is_judged(settled))
    sums |= judged.aggregate(
        missed=Sum("unconfirmed", filter=Q(is_judged=True), default=0),
        unjudged=Sum("unconfirmed", filter=Q(is_judged=False), default=0),
    )
    told = [
        (CALLS, "They are old enough to be judged.", sums["old"]),
        (YOUNG, "They are not old enough to be judged.", sums["young"]),
        (NOBODYS, "Several agents, or none, act as their identities.", sums["nobodys"]),
        (MISSED, "Logs that reach over them do not hold them.", sums["missed"]),
        (UNJUDGED, "So whether they happened is not known.", sums["unjudged"]),
    ]
    gaps = [gap(what, f"{why} {BY_HOUR}", count) for what, why, count in told if count]
    return [*_coverage(by_identity), *gaps]


def _summed(calls: QuerySet[UseHour], settled: datetime) -> list[dict[str, Any]]:
    """The calls of each identity on each system, most first."""
    is_one, is_old, left = Q(agent_id__isnull=False), Q(hour__lt=settled), F("calls") - F("proven")
    rows: QuerySet[Any, Any] = (
        calls.values("identity_id", "system_id")
        .annotate(
            recorded=Sum("calls"),
            told=Sum("proven"),
            old=Sum(left, filter=is_one & is_old, default=0),
            young=Sum(left, filter=is_one & ~is_old, default=0),
            nobodys=Sum("calls", filter=~is_one, default=0),
        )
        .order_by("-recorded", "identity_id", "system_id")
    )
    return list(rows)


def _coverage(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Of each identity on each system for itself: one figure would hide the one in the other."""
    if not rows:
        return [gap("Coverage", f"Not known: no API call of that time was recorded. {BY_HOUR}")]
    named = rows[:MOST_NAMED]
    identities = Identity.objects.in_bulk({row["identity_id"] for row in named})
    systems = System.objects.in_bulk({row["system_id"] for row in named})
    found = []
    for row in named:
        identity = identities.get(row["identity_id"], "an identity that is not known")
        system = systems.get(row["system_id"], "a system that is not known")
        found.append(gap(f"Coverage of {identity} on {system}", _share(row)))
    if (more := len(rows) - MOST_NAMED) > 0:
        found.append(gap("Coverage of further identities", "Each has fewer API calls.", more))
    return found


def _share(row: dict[str, Any]) -> str:
    recorded, told = row["recorded"], row["told"]
    calls = f"{recorded} API call{'' if recorded == 1 else 's'}"
    return f"{100 * told // recorded} % of {calls} that were recorded trace to a run. {BY_HOUR}"
