"""What would break: the runs of the last days that would have failed without a credential or grant.

Counted are runs that a call is proven to be of. Calls that no run accounts for would have failed
too, and are told apart.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Invocation
from apps.activity.querysets.measured import RunRow, runs_with_credential, runs_with_grant_alone
from apps.activity.selectors.measured import NO_LOG, Log, logs_of
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential

# What is looked at: the newest calls, so that one busy key does not hold the page up.
MOST_CALLS = 20_000
SAMPLES = 3


@dataclass(frozen=True, slots=True)
class Hit:
    """The runs of one agent that would have failed, a few of them linked, newest first."""

    agent: Agent | None
    runs: int
    samples: tuple[Invocation, ...]
    href: str


@dataclass(frozen=True, slots=True)
class WouldBreak:
    """What was seen to need it in the last days, and how far that is known."""

    days: int
    runs: int
    calls: int
    untraced: int
    hits: tuple[Hit, ...]
    hidden: int
    log: Log
    is_known: bool
    is_cut: bool

    @property
    def in_words(self) -> str:
        """One sentence, for where there is no room for the runs themselves."""
        if not self.calls:
            if self.is_known:
                return f"Nothing seen in {self.days} days would have failed without it."
            return f"What would break is not known: {self.why_not_known}."
        more = "at least " if self.is_cut else ""
        runs = f"{more}{self.runs:,} run{'' if self.runs == 1 else 's'}"
        return (
            f"Of the last {self.days} days {runs} would have failed without it"
            f"{self._and_untraced}.{'' if self.is_known else f' More may: {self.why_not_known}.'}"
        )

    @property
    def why_not_known(self) -> str:
        if not self.log.is_connected:
            return "no log of the system is connected"
        if self.log.since is None or self.log.until is None:
            return "how far the log of the system reaches is not known"
        begun, ended = self.log.since, self.log.until
        return f"the log is complete only from {begun:%Y-%m-%d} to {ended:%Y-%m-%d}"

    @property
    def _and_untraced(self) -> str:
        if not self.untraced:
            return ""
        calls = f"{self.untraced:,} call{'' if self.untraced == 1 else 's'}"
        return f", and {calls} that no run accounts for"


def breaks_without_credential(credential: Credential, actor: Actor) -> WouldBreak:
    """Everything that signed in with it is lost with it."""
    days, since = _window()
    rows = runs_with_credential(credential.pk, since, MOST_CALLS)
    return _told(rows, credential.identity.system_id, days, since, actor)


def breaks_without_grant(grant: Grant, actor: Actor) -> WouldBreak:
    """What no other live grant of its identity would have allowed."""
    days, since = _window()
    rows = runs_with_grant_alone(grant.pk, grant.identity_id, since, MOST_CALLS)
    return _told(rows, grant.system_id, days, since, actor)


def _window() -> tuple[int, datetime]:
    days = preference("measured_window_days")
    return days, timezone.now() - timedelta(days=days)


def _told(
    rows: Sequence[RunRow], system_id: int, days: int, since: datetime, actor: Actor
) -> WouldBreak:
    calls = sum(count for _, count, _ in rows)
    last = {run: at for run, _, at in rows if run is not None}
    log = logs_of({system_id}).get(system_id, NO_LOG)
    hits, hidden = _hits(last, actor)
    return WouldBreak(
        days=days,
        runs=len(last),
        calls=calls,
        untraced=sum(count for run, count, _ in rows if run is None),
        hits=hits,
        hidden=hidden,
        log=log,
        is_known=log.is_complete(since, timezone.now()),
        is_cut=calls >= MOST_CALLS,
    )


def _hits(last: dict[int, datetime], actor: Actor) -> tuple[tuple[Hit, ...], int]:
    """By agent, most runs first; and how many runs are of agents this reader may not see."""
    visible = Invocation.objects.visible_to(actor).filter(pk__in=last)
    agent_of = dict(visible.values_list("pk", "agent_id"))
    by_agent: dict[int | None, list[int]] = defaultdict(list)
    for run in sorted(agent_of, key=last.__getitem__, reverse=True):
        by_agent[agent_of[run]].append(run)
    samples = {run for runs in by_agent.values() for run in runs[:SAMPLES]}
    shown = {one.pk: one for one in Invocation.objects.filter(pk__in=samples)}
    agents = Agent.objects.in_bulk([pk for pk in by_agent if pk])
    hits = [
        Hit(
            agents.get(pk or 0),
            len(runs),
            tuple(shown[run] for run in runs[:SAMPLES]),
            reverse("activity:invocation_list") + (f"?agent={pk}" if pk else ""),
        )
        for pk, runs in by_agent.items()
    ]
    return tuple(sorted(hits, key=lambda hit: -hit.runs)), len(last) - len(agent_of)
