"""Measured use as people read it where they decide: how often, last when, and how far it is known.

No figure stands without what is known of the log behind it: "never used" is only said where the
log of the system is here without a gap over the whole window.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Case, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, When
from django.utils import timezone

from apps.activity.models import AllowedCall, GrantUse, Invocation, UseHour
from apps.activity.selectors.reach import NO_LOG, Log, logs_of
from apps.activity.selectors.silent import silent_of
from apps.core.actors import Actor
from apps.grants.models import Grant
from apps.inventory.models import Agent, Binding

# Identity, system, name, target, and whether the target decides.
Allowed = tuple[Any, ...]

WEEKS = 13
CHAINS = 3
MOST_COVERING = 5
HIDDEN = "agents you may not see"
LATER = "its source tells of later use than the log of the system holds"


@dataclass(frozen=True, slots=True)
class Chain:
    """One run that used a grant; without `href` its agent is not this reader's to see."""

    at: datetime
    name: str
    href: str


@dataclass(frozen=True, slots=True)
class Measured:
    """The use of one grant over the last weeks, oldest first."""

    log: Log = NO_LOG
    is_known: bool = False
    weeks: tuple[int, ...] = (0,) * WEEKS
    known_weeks: tuple[bool, ...] = (False,) * WEEKS
    silence: str = ""
    calls: int = 0
    sole: int = 0
    last_at: datetime | None = None
    days: int = 90
    also: tuple[str, ...] = ()
    also_more: int = 0
    also_hidden: int = 0
    chains: tuple[Chain, ...] = ()
    by_agent: tuple[tuple[str, int], ...] = ()
    traced: int = 0
    names: tuple[str, ...] = ()
    is_named: bool = True

    @property
    def is_covered(self) -> bool:
        """Whether removing it breaks nothing that was seen: other grants allow it all too."""
        return self.calls > 0 and self.sole == 0

    @property
    def covered_by(self) -> str:
        """The other grants, as far as the reader may see them, and how many more there are."""
        parts = list(self.also)
        if self.also_more:
            parts.append(f"{self.also_more} more")
        if self.also_hidden:
            what = "" if parts else f" grant{'' if self.also_hidden == 1 else 's'}"
            parts.append(f"{self.also_hidden}{what} you may not see")
        *most, last = parts or [""]
        return f"{', '.join(most)} and {last}" if most else last

    @property
    def coverage(self) -> str:
        """How far the figures are known, as a sentence's part."""
        if self.is_known:
            return f"the log is complete over the {self.days} days"
        if self.log.is_connected and not self.is_named:
            return "the log of the system never named it"
        return self.silence or self.log.why_not_known

    @property
    def in_words(self) -> str:
        """Calls and what is known, without the time of the last."""
        if self.calls:
            times = "once" if self.calls == 1 else f"{self.calls:,} times"
            return f"used {times} in {WEEKS} weeks"
        return f"not used in {self.days} days" if self.is_known else "not known"


@dataclass(slots=True)
class _Sums:
    weeks: list[int] = field(default_factory=lambda: [0] * WEEKS)
    sole: int = 0
    last_at: datetime | None = None
    samples: list[tuple[date, int]] = field(default_factory=list)


def silences_of(grants: QuerySet[Grant], logs: Mapping[int, Log]) -> dict[int, str]:
    """Of which of these grants the log of their system says nothing by its silence, and why."""
    return silent_of(grants, {system: [log.log_format] for system, log in logs.items()})


def contradicted(grants: QuerySet[Grant], since: datetime) -> QuerySet[Grant]:
    """Grants whose source tells of use since then, later than any that their log holds."""
    seen = GrantUse.objects.filter(grant_id=OuterRef("pk"), last_at__gte=OuterRef("last_used_at"))
    told = grants.filter(use_is_known=True, use_is_logged=False, last_used_at__gte=since)
    return told.exclude(Exists(seen))


def _is_contradicted(grant: Grant, last_at: datetime | None, since: datetime) -> bool:
    """The same of one grant, whose use its log last holds at that time."""
    told = grant.last_used_at
    if told is None or not grant.use_is_known or grant.use_is_logged or told < since:
        return False
    return last_at is None or last_at < told


def measured_of(
    grants: Sequence[Grant],
    actor: Actor,
    *,
    days: int,
    now: datetime | None = None,
    beside: QuerySet[Grant] | None = None,
) -> dict[int, Measured]:
    """Use of these grants by their ids, known or not over so many days; a few queries for any.

    Of what else covers them, the actor is told the names of those that they may see, and of those
    that stand on the page anyway: these grants, and those `beside`.
    """
    if not grants:
        return {}
    now = now or timezone.now()
    begin = now.date() - timedelta(weeks=WEEKS) + timedelta(days=1)
    ids = {grant.pk for grant in grants}
    sums = _sums(ids, begin)
    logs = logs_of({grant.system_id for grant in grants})
    silent = silences_of(Grant.objects.filter(pk__in=ids), logs)
    since = now - timedelta(days=days)
    for grant in grants:
        if _is_contradicted(grant, sums[grant.pk].last_at, since):
            silent.setdefault(grant.pk, LATER)
    allowed = _allowed(grants)
    seen = Q(pk__in=Grant.objects.visible_to(actor).values("pk")) | Q(pk__in=ids)
    if beside is not None:
        seen |= Q(pk__in=beside.values("pk"))
    covering = _covering(ids, allowed, seen)
    names = _names(ids, allowed)
    chains = chains_of({pk: of.samples for pk, of in sums.items()}, actor)
    agents = _by_agent(ids, allowed, now - timedelta(weeks=WEEKS), actor)
    return {
        grant.pk: _measured(
            sums[grant.pk],
            log=logs.get(grant.system_id, NO_LOG),
            silence=silent.get(grant.pk, ""),
            days=days,
            begin=begin,
            now=now,
            also=covering[grant.pk],
            chains=chains[grant.pk],
            agents=agents[grant.pk],
            names=names[grant.pk],
        )
        for grant in grants
    }


def explained_of(agent_id: int, now: datetime) -> tuple[int, int]:
    """How many API calls of an agent the logs tell of these weeks, and how many trace to a run."""
    uses = UseHour.objects.filter(agent_id=agent_id, hour__gte=now - timedelta(weeks=WEEKS))
    sums = uses.aggregate(made=Sum("calls"), traced=Sum("proven"))
    return sums["made"] or 0, sums["traced"] or 0


def _measured(
    sums: _Sums,
    *,
    log: Log,
    silence: str,
    days: int,
    begin: date,
    now: datetime,
    also: "_Others",
    chains: list[Chain],
    agents: "_Shares",
    names: set[str],
) -> Measured:
    ends = [begin + timedelta(weeks=week, days=6) for week in range(WEEKS)]
    return Measured(
        log=log,
        silence=silence if log.is_complete(now - timedelta(days=days), now) else "",
        is_known=log.is_complete(now - timedelta(days=days), now) and not silence,
        weeks=tuple(sums.weeks),
        known_weeks=tuple(
            not silence and log.knows(end) and log.knows(end - timedelta(days=6)) for end in ends
        ),
        calls=sum(sums.weeks),
        sole=sums.sole,
        last_at=sums.last_at,
        days=days,
        also=tuple(also.labels[:MOST_COVERING]),
        also_more=max(0, len(also.labels) - MOST_COVERING),
        also_hidden=also.hidden,
        chains=tuple(chains),
        by_agent=tuple(sorted(agents.calls.items(), key=lambda row: -row[1])),
        traced=agents.traced_percent,
        names=tuple(sorted(names)),
    )


def _sums(ids: Collection[int], begin: date) -> dict[int, _Sums]:
    sums: dict[int, _Sums] = defaultdict(_Sums)
    for one in GrantUse.objects.filter(grant_id__in=ids, day__gte=begin).order_by("-day"):
        of_grant = sums[one.grant_id]
        of_grant.weeks[min((one.day - begin).days // 7, WEEKS - 1)] += one.calls
        of_grant.sole += one.sole
        of_grant.last_at = max(filter(None, (of_grant.last_at, one.last_at)))
        if one.sample_id is not None:
            of_grant.samples.append((one.day, one.sample_id))
    return sums


def _allowed(grants: Sequence[Grant]) -> dict[Allowed, set[int]]:
    """Every call of their identities, and all grants that would have allowed it."""
    found: dict[Allowed, set[int]] = defaultdict(set)
    rows = AllowedCall.objects.filter(identity_id__in={grant.identity_id for grant in grants})
    for *call, grant_id in rows.values_list(
        "identity_id", "system_id", "name", "target", "by_target", "grant_id"
    ):
        found[tuple(call)].add(grant_id)
    return found


@dataclass(slots=True)
class _Others:
    """Grants that cover the same: their names, and how many are not this reader's to see."""

    labels: list[str] = field(default_factory=list)
    hidden: int = 0


def _covering(ids: set[int], allowed: dict[Allowed, set[int]], seen: Q) -> dict[int, _Others]:
    """By grant, the others that would have allowed some of the same calls."""
    others: dict[int, set[int]] = defaultdict(set)
    for by in allowed.values():
        for one in by & ids:
            others[one] |= by - {one}
    wanted = set().union(*others.values())
    named = _labels(wanted, seen) if wanted else {}
    found: dict[int, _Others] = defaultdict(_Others)
    for one, by in others.items():
        labels = [named[pk] for pk in by if pk in named]
        found[one] = _Others(sorted(filter(None, labels)), labels.count(None))
    return found


def _names(ids: set[int], allowed: dict[Allowed, set[int]]) -> dict[int, set[str]]:
    names: dict[int, set[str]] = defaultdict(set)
    for (_, _, name, *_), by in allowed.items():
        for one in by & ids:
            names[one].add(name)
    return names


def _labels(ids: set[int], seen: Q) -> dict[int, str | None]:
    """Of those that still stand; none for one that the reader may not see."""
    named = Case(When(seen, then=F("label")), default=None)
    rows = Grant.objects.live().filter(pk__in=ids).annotate(named=named)
    return dict(rows.values_list("pk", "named"))


def chains_of(
    samples: Mapping[int, Sequence[tuple[date, int]]], actor: Actor
) -> dict[int, list[Chain]]:
    """A few of the runs that used each of these, newest first; each run once."""
    wanted = {key: _newest(of) for key, of in samples.items()}
    ids = {run for runs in wanted.values() for run in runs}
    found: dict[int, list[Chain]] = defaultdict(list)
    if not ids:
        return found
    visible = Invocation.objects.visible_to(actor).filter(pk=OuterRef("pk"))
    runs = {
        one.pk: one
        for one in Invocation.objects.filter(pk__in=ids).annotate(may_open=Exists(visible))
    }
    for key, of in wanted.items():
        found[key] = [
            Chain(runs[run].started_at, str(runs[run]), _href(runs[run]))
            for run in of
            if run in runs
        ]
    return found


def _newest(samples: Sequence[tuple[date, int]]) -> list[int]:
    return list(dict.fromkeys(run for _, run in samples))[:CHAINS]


def _href(run: Any) -> str:
    return run.get_absolute_url() if run.may_open else ""


@dataclass(slots=True)
class _Shares:
    """Whose calls they were; those tied to no one agent stand under a blank name."""

    calls: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    traced: int = 0

    @property
    def traced_percent(self) -> int:
        made = sum(self.calls.values())
        return 100 * self.traced // made if made else 0


def _by_agent(
    ids: set[int], allowed: dict[Allowed, set[int]], since: datetime, actor: Actor
) -> dict[int, _Shares]:
    """Whose use it was. Where resources decide, the calls of that name on anything count.

    Agents that share the identity are named to whoever decides; of others those that they may see.
    """
    by_name: dict[tuple[int, int, str], set[int]] = defaultdict(set)
    for (identity, system, name, *_), by in allowed.items():
        by_name[identity, system, name] |= by & ids
    shares: dict[int, _Shares] = defaultdict(_Shares)
    if not by_name:
        return shares
    shares_it = Binding.objects.live().filter(
        agent=OuterRef("pk"), identity=OuterRef(OuterRef("identity_id"))
    )
    seen = Agent.objects.visible_to(actor).filter(pk=OuterRef("pk"))
    named = Agent.objects.filter(Exists(shares_it) | Exists(seen), pk=OuterRef("agent_id"))
    used = (
        UseHour.objects.filter(
            identity_id__in={key[0] for key in by_name},
            name__in={key[2] for key in by_name},
            hour__gte=since,
        )
        .values_list("identity_id", "system_id", "name", "agent_id", Subquery(named.values("name")))
        .annotate(made=Sum("calls"), traced=Sum("proven"))
        .order_by()
    )
    for identity, system, name, agent_id, agent_name, made, traced in used:
        teller = agent_name or (HIDDEN if agent_id else "")
        for grant_id in by_name[identity, system, name]:
            shares[grant_id].calls[teller] += made
            shares[grant_id].traced += traced
    return shares
