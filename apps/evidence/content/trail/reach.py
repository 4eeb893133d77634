"""How far the logs of systems reach over what a package tells of, and what is still to come."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import F, Q, QuerySet, Sum
from django.utils import timezone

from apps.activity.models import DeedHour, Invocation, UseHour
from apps.activity.selectors.reach import NO_LOG, Log, logs_of
from apps.activity.settling import settled_before
from apps.evidence.content.readings import gap
from apps.inventory.models import Agent, Binding, System

# So many systems are named; past that, how many more there are.
MOST_NAMED = 200
CALLS = "API calls that no run tells of"
YOUNG = "API calls that a run may still tell of"
NOBODYS = "API calls that cannot be tied to one agent"
MISSED = "Actions that no log of a system shows"
UNJUDGED = "Actions that no log was there to show"
BY_HOUR = "By the hour at which it happened."


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
    said = [] if runs[0].root_span else ["the run has not told its end"]
    if end >= settled:
        said.append("it ended not long ago, and logs come later")
    said += [
        f"the log of {system} {_how_far(log)}"
        for system, log in logs
        if log.is_connected and log.ended_at is None and (log.until is None or log.until < end)
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


def _logs(systems: QuerySet[System]) -> list[tuple[System, Log]]:
    found = list(systems.order_by("name", "pk"))
    logs = logs_of([one.pk for one in found])
    return [(one, logs.get(one.pk, NO_LOG)) for one in found]


def _how_far(log: Log) -> str:
    if log.until is None:
        return "does not say yet how far it reaches"
    return f"reaches only to {log.until:%Y-%m-%d %H:%M} UTC"


def _unread(
    logs: Iterable[tuple[System, Log]], start: datetime, asked: datetime
) -> list[dict[str, Any]]:
    """One line for each system of which a part of the time is not known, and why."""
    dark = [
        (system, log)
        for system, log in logs
        if not (log.since and log.until and log.since <= start and log.until >= asked)
    ]
    found = [gap(f"What {system} recorded", _because(log)) for system, log in dark[:MOST_NAMED]]
    if (more := len(dark) - MOST_NAMED) > 0:
        found.append(gap("What further systems recorded", "Their logs do not reach it.", more))
    return found


def _because(log: Log) -> str:
    return f"Not all of this time is known: {log.why_not_known}."


def _unexplained(
    agent: Agent | None, start: datetime, end: datetime, settled: datetime
) -> list[dict[str, Any]]:
    """What no run tells of, and what no log shows: as the page of what is explained counts it."""
    calls = UseHour.objects.filter(hour__gte=start, hour__lt=end)
    deeds = DeedHour.objects.filter(hour__gte=start, hour__lt=end)
    if agent is not None:
        calls, deeds = calls.of_agent(agent.pk), deeds.filter(agent_id=agent.pk)
    is_one, is_old, left = Q(agent_id__isnull=False), Q(hour__lt=settled), F("calls") - F("proven")
    sums: dict[str, int] = calls.aggregate(
        recorded=Sum("calls", default=0),
        told=Sum("proven", default=0),
        old=Sum(left, filter=is_one & is_old, default=0),
        young=Sum(left, filter=is_one & ~is_old, default=0),
        nobodys=Sum("calls", filter=~is_one, default=0),
    )
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
    return [gap("Coverage", _coverage(sums["recorded"], sums["told"])), *gaps]


def _coverage(recorded: int, told: int) -> str:
    if not recorded:
        return f"Not known: no API call of that time was recorded. {BY_HOUR}"
    share = 100 * told // recorded
    calls = f"{recorded} API call{'' if recorded == 1 else 's'}"
    return f"{share} % of {calls} that were recorded trace to a run. {BY_HOUR}"
