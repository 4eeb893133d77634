"""What would break: the runs of the last days that would have failed without a credential or grant,
or without many at once.

Counted are runs that a call is proven to be of. Calls that no run accounts for would have failed
too, and are told apart.
"""

import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import Invocation, UseHour
from apps.activity.querysets.measured import (
    RunRow,
    runs_with_credential,
    runs_with_grant_alone,
    runs_with_many,
)
from apps.activity.selectors.measured import LATER, contradicted, silences_of
from apps.activity.selectors.reach import NO_LOG, Log, logs_of
from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential

# What is looked at: the newest calls, so that one busy key does not hold the page up.
MOST_CALLS = 20_000
# Of each system, where many are looked at at once.
MOST_OF_MANY = 10_000
MOST_AGENTS = 20
# So many credentials and grants one address names.
MOST_IN_ADDRESS = 100
IDS = r"(?:\d{1,18}(?:\.\d{1,18}){0,99})?"
ADDRESS = re.compile(
    rf"(?P<how>credential|grant|all)-c(?P<credentials>{IDS})-g(?P<grants>{IDS})-(?P<since>\d{{1,16}})"
)
SAMPLES = 3
NAMELESS = "for some calls of its identity the log names no credential"


@dataclass(frozen=True, slots=True)
class Hit:
    """The runs of one agent that would have failed, a few of them linked, newest first.

    `href` lists exactly these; empty where no address holds what they would have failed without.
    """

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
    silence: str = ""

    @property
    def is_told(self) -> bool:
        """Whether anything can be said of it: else the sentence is that it is not known."""
        return bool(self.calls) or self.is_known

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
        return self.silence or self.log.why_not_known

    @property
    def _and_untraced(self) -> str:
        if not self.untraced:
            return ""
        calls = f"{self.untraced:,} call{'' if self.untraced == 1 else 's'}"
        return f", and {calls} that no run accounts for"


@dataclass(slots=True)
class OnSystem:
    """What would break on one system; past a number of calls they are no longer counted."""

    days: int
    since: datetime
    log: Log
    is_known: bool
    silence: str = ""
    calls: int = 0
    untraced: int = 0
    runs: dict[int, datetime] = field(default_factory=dict)
    by_credential: dict[int, int] = field(default_factory=dict)

    @property
    def is_cut(self) -> bool:
        return self.calls > MOST_OF_MANY

    @property
    def calls_in_words(self) -> str:
        if self.is_cut:
            return f"more than {MOST_OF_MANY:,} calls"
        return _counted(self.calls, "call")

    @property
    def runs_in_words(self) -> str:
        """Of which runs these calls were."""
        some = "at least " if self.is_cut else ""
        if not self.runs:
            return "which no run accounts for"
        runs = f"of {some}{_counted(len(self.runs), 'run')}"
        if not self.untraced:
            return runs
        return f"{runs}; no run accounts for {some}{self.untraced:,} of them"

    @property
    def why_not_known(self) -> str:
        return self.silence or self.log.why_not_known

    def href(self, **query: object) -> str:
        """The list of exactly these calls, given what they were made with."""
        asked = {**query, "allowed": "true", "start": self.since.isoformat()}
        return reverse("activity:call_list", query=asked)


@dataclass(frozen=True, slots=True)
class ManyWouldBreak:
    """What was seen to need any of them, by system and by agent."""

    days: int
    systems: Mapping[int, OnSystem]
    runs: int
    hits: tuple[Hit, ...]
    hidden: int

    @property
    def shown(self) -> tuple[Hit, ...]:
        return self.hits[:MOST_AGENTS]

    @property
    def more_agents(self) -> int:
        return max(0, len(self.hits) - MOST_AGENTS)

    @property
    def is_told(self) -> bool:
        """Whether anything can be said of it: else the sentence is that it is not known."""
        return all(one.is_known for one in self.systems.values()) or any(
            one.calls for one in self.systems.values()
        )

    @property
    def in_words(self) -> str:
        """One sentence over all systems."""
        untraced = sum(one.untraced for one in self.systems.values())
        dark = sum(not one.is_known for one in self.systems.values())
        where = f"on {dark} of {len(self.systems)} systems" if len(self.systems) > 1 else "there"
        if not any(one.calls for one in self.systems.values()):
            if dark:
                return f"What would break {where} is not known: the log there does not tell all."
            return f"Nothing seen in {self.days} days would have failed without them."
        some = "at least " if any(one.is_cut for one in self.systems.values()) else ""
        runs = _counted(self.runs, "run")
        told = f"Of the last {self.days} days {some}{runs} would have failed without them"
        if untraced:
            told += f", and {some}{_counted(untraced, 'call')} that no run accounts for"
        more = f" More may: {where} the log does not tell all." if dark else ""
        return f"{told}.{more}"


def breaks_without_credential(credential: Credential, actor: Actor) -> WouldBreak:
    """Everything that signed in with it is lost with it."""
    _, since = _window()
    rows = runs_with_credential(credential.pk, since, MOST_CALLS)
    held = Grant.objects.live().filter(identity=credential.identity_id)
    asked = _address("credential", [credential.pk], [], since)
    system_id, lost = credential.identity.system_id, [credential.pk]
    return _told(rows, system_id, held, since, actor, asked=asked, credential_ids=lost)


def breaks_without_grant(grant: Grant, actor: Actor) -> WouldBreak:
    """What no other live grant of its identity would have allowed."""
    _, since = _window()
    rows = runs_with_grant_alone(grant.pk, grant.identity_id, since, MOST_CALLS)
    lost, asked = Grant.objects.filter(pk=grant.pk), _address("grant", [], [grant.pk], since)
    return _told(rows, grant.system_id, lost, since, actor, asked=asked)


def breaks_without(
    credential_ids: Sequence[int],
    grant_ids: Sequence[int],
    system_ids: Collection[int],
    actor: Actor,
) -> ManyWouldBreak:
    """The same without all of these at once, in as many queries for one as for thousands.

    `system_ids` are all that they are on. Grants are lost together: what only they would have
    allowed would break.
    """
    days, since = _window()
    now = timezone.now()
    logs = logs_of(system_ids)
    with_them = Q(identity__credentials__in=credential_ids)
    lost = Grant.objects.live().filter(Q(pk__in=grant_ids) | with_them)
    silence = _silence(lost, logs, since, credential_ids)
    systems = {}
    for pk in sorted(system_ids):
        log = logs.get(pk, NO_LOG)
        why = silence.get(pk, "") if log.is_complete(since, now) else ""
        systems[pk] = OnSystem(days, since, log, log.is_complete(since, now) and not why, why)
    last: dict[int, datetime] = {}
    rows = runs_with_many(credential_ids, grant_ids, since, MOST_OF_MANY + 1)
    for system_id, is_of_credential, credential, run, calls, at in rows:
        on = systems[system_id]
        if is_of_credential:
            on.calls += calls
            on.by_credential[credential or 0] = calls
        elif run is None:
            on.untraced += calls
        else:
            on.runs[run] = at
            last[run] = max(at, last.get(run, at))
    is_cut = any(one.is_cut for one in systems.values())
    asked = "" if is_cut else _address("all", credential_ids, grant_ids, since)
    hits, hidden = _hits(last, actor, asked)
    return ManyWouldBreak(days, systems, len(last), hits, hidden)


def runs_asked(value: str, actor: Actor) -> list[int]:
    """The runs that an address of `_address` stands for; none where not all of it may be seen."""
    found = ADDRESS.fullmatch(value)
    if found is None:
        return []
    credentials, grants = (
        [int(one) for one in found[part].split(".") if one] for part in ("credentials", "grants")
    )
    since = datetime.fromtimestamp(int(found["since"]) / 10**6, tz=UTC)
    may = Credential.objects.visible_to(actor).filter(pk__in=credentials).count() == len(
        credentials
    ) and Grant.objects.visible_to(actor).filter(pk__in=grants).count() == len(grants)
    if not may:
        return []
    rows: Iterable[int | None]
    if found["how"] == "credential" and len(credentials) == 1 and not grants:
        rows = (run for run, _, _ in runs_with_credential(credentials[0], since, MOST_CALLS))
    elif found["how"] == "grant" and len(grants) == 1 and not credentials:
        grant = Grant.objects.get(pk=grants[0])
        of_grant = runs_with_grant_alone(grant.pk, grant.identity_id, since, MOST_CALLS)
        rows = (run for run, _, _ in of_grant)
    else:
        many = runs_with_many(credentials, grants, since, MOST_OF_MANY + 1)
        rows = (row[3] for row in many if not row[1])
    return [run for run in dict.fromkeys(rows) if run is not None]


def _address(
    how: str, credential_ids: Collection[int], grant_ids: Collection[int], since: datetime
) -> str:
    """What a link to these runs carries: without which credentials and grants, and since when."""
    if len(credential_ids) + len(grant_ids) > MOST_IN_ADDRESS:
        return ""
    credentials, grants = (".".join(map(str, sorted(ids))) for ids in (credential_ids, grant_ids))
    return f"{how}-c{credentials}-g{grants}-{round(since.timestamp() * 10**6)}"


def _silence(
    lost: QuerySet[Grant],
    logs: Mapping[int, Log],
    since: datetime,
    credential_ids: Collection[int],
) -> dict[int, str]:
    """By system, why calls may be missing that these grants allow, or that these credentials made,
    although the log of it is whole."""
    systems = dict(lost.order_by().values_list("pk", "system_id"))
    later = dict.fromkeys(contradicted(lost, since).order_by().values_list("pk", flat=True), LATER)
    silent = sorted((later | silences_of(lost, logs)).items())
    return _nameless(credential_ids, since) | {systems[pk]: why for pk, why in silent}


def _nameless(credential_ids: Collection[int], since: datetime) -> dict[int, str]:
    """The systems whose logs name no credential for some calls of those whose these are."""
    of_them = Credential.objects.filter(pk__in=list(credential_ids)).values("identity")
    calls = UseHour.objects.filter(identity_id__in=of_them, credential_id=0, hour__gte=since)
    return dict.fromkeys(calls.order_by().values_list("system_id", flat=True).distinct(), NAMELESS)


def _counted(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


def _window() -> tuple[int, datetime]:
    days = preference("measured_window_days")
    return days, timezone.now() - timedelta(days=days)


def _told(
    rows: Sequence[RunRow],
    system_id: int,
    lost: QuerySet[Grant],
    since: datetime,
    actor: Actor,
    *,
    asked: str,
    credential_ids: Collection[int] = (),
) -> WouldBreak:
    """`lost` are the grants that would serve no more, with a credential that is lost or none."""
    calls = sum(count for _, count, _ in rows)
    last = {run: at for run, _, at in rows if run is not None}
    logs = logs_of({system_id})
    log = logs.get(system_id, NO_LOG)
    is_complete = log.is_complete(since, timezone.now())
    silence = ""
    if is_complete:
        silence = _silence(lost, logs, since, credential_ids).get(system_id, "")
    hits, hidden = _hits(last, actor, asked)
    return WouldBreak(
        days=preference("measured_window_days"),
        runs=len(last),
        calls=calls,
        untraced=sum(count for run, count, _ in rows if run is None),
        hits=hits,
        hidden=hidden,
        log=log,
        is_known=is_complete and not silence,
        is_cut=calls >= MOST_CALLS,
        silence=silence,
    )


def _hits(last: dict[int, datetime], actor: Actor, asked: str) -> tuple[tuple[Hit, ...], int]:
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
            reverse("activity:invocation_list", query={"without": asked, "agent": pk or 0})
            if asked
            else "",
        )
        for pk, runs in by_agent.items()
    ]
    return tuple(sorted(hits, key=lambda hit: -hit.runs)), len(last) - len(agent_of)
