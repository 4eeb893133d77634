"""What of an agent's own account a call belongs to, where the call carries its run's id alone.

That id says of which run a call is, not that the agent told of it: an agent that leaves its deletes
out carries the id all the same. So each such call is given to one deed of its run that accounts for
it, or to none. A told call accounts for calls of its name; an action for any that went on within
it, but for no write where it says that it reads, and for none of a service whose calls it tells
itself. Within its own time a deed accounts for all of them; beside it, as far as clocks may be
apart, for one, and an action for a write only where it says that it writes. What a log gives no
level has that of the catalogue, or is a write. All that was
told under one id is looked at each time, whoever told it: the order of arrival makes no difference.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.activity.allowing import call_of
from apps.activity.models import Archive, Event, Invocation, Link
from apps.activity.querysets.events import claimed_system, teller
from apps.activity.selectors.held import known_calls
from apps.activity.states import CARRYING, DEEDS, Kind, Method
from apps.grants.states import Level
from apps.inventory.models import Binding, System

# How far clocks may be apart: a call this long before or after still is near.
SKEW = timedelta(minutes=2)
# Logs tell whole seconds, and clocks that are kept differ by less than one.
WITHIN = timedelta(seconds=2)
# So many deeds that went on at one time are looked at for one call: the last to begin.
MOST_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class _Call:
    leaf: int
    at: datetime
    name: str
    level: str
    system_id: int | None
    system: str
    agents: frozenset[int]


@dataclass(slots=True)
class _Deed:
    """`tells` are the services whose calls it tells one by one; `calls` how many are of it."""

    leaf: int
    began: datetime
    ended: datetime
    is_call: bool
    name: str
    level: str
    system_id: int | None
    system: str
    agent_id: int | None
    tells: Collection[str]
    calls: int

    def accounts_for(self, call: _Call) -> bool:
        if call.agents and self.agent_id not in call.agents:
            return False
        if self.system_id and call.system_id and self.system_id != call.system_id:
            return False
        if self.system and call.system and self.system != call.system:
            return False
        if self.is_call:
            return self.name == call.name
        if self.level == Level.READ and call.level != Level.READ:
            return False
        return service_of(call.name) not in self.tells

    def accounts_beside(self, call: _Call) -> bool:
        """By nothing but being near: no write, where it does not say that it writes."""
        is_told = self.is_call or call.level == Level.READ or self.level not in ("", Level.READ)
        return is_told and not self.calls and self.accounts_for(call)


def runs_account(log_id: int, runs: Mapping[int, Invocation]) -> set[int]:
    """Give the calls that carry the id of these runs, by their keys, to deeds; returns those that
    changed. They are all the runs under their ids."""
    links = list(
        Link.objects.filter(log_id=log_id, invocation_id__in=list(runs), method__in=CARRYING)
    )
    of_trace: dict[str, list[Link]] = defaultdict(list)
    for link in links:
        of_trace[runs[link.invocation_id].trace].append(link)
    if not of_trace:
        return set()
    calls, kept_since = _calls(log_id, links), Archive.objects.kept_since()
    changed = []
    for of_it in of_trace.values():
        run = runs[of_it[0].invocation_id]
        if kept_since is not None and run.first_recorded < kept_since:
            continue  # What it told is in the archive, in part or whole: it stays as it was said.
        here = [one for one in of_it if one.call_leaf in calls]
        given = _given([calls[one.call_leaf] for one in here], _deeds(run))
        for link in here:
            if link.action_leaf != given.get(link.call_leaf):
                link.action_leaf = given.get(link.call_leaf)
                changed.append(link)
    Link.objects.bulk_update(changed, ["action_leaf"], batch_size=500)
    return {one.invocation_id for one in changed}


def service_of(name: str) -> str:
    """Of which service a call is, as both sides name it: `s3` of `s3:GetObject`."""
    return name.partition(":")[0].lower()


def _calls(log_id: int, links: Sequence[Link]) -> dict[int, _Call]:
    times = [one.call_recorded_at for one in links]
    rows = list(
        Event.objects.at(log_id, {one.call_leaf for one in links})
        .recorded_between(min(times), max(times))
        .annotate(claimed_system=claimed_system())
        .values_list(
            "leaf_index", "happened_at", "name", "level", "system_id", "claimed_system",
            "identity_id",
        )
    )  # fmt: skip
    bound = _bound({row[-1] for row in rows})
    levels = _levels({(system_id, name) for _, _, name, level, system_id, *_ in rows if not level})
    return {
        leaf: _Call(
            leaf, at, name.lower(), level or levels[system_id, name], system_id, system or "",
            frozenset(
                agent for agent, ended in bound.get(identity, ()) if ended is None or ended > at
            ),
        )
        for leaf, at, name, level, system_id, system, identity in rows
    }  # fmt: skip


def _levels(
    calls: Collection[tuple[int | None, str]],
) -> dict[tuple[int | None, str], str]:
    """The levels of calls, by system and name, whose log gives them none."""
    systems = {system_id for system_id, _ in calls if system_id}
    kinds = dict(System.objects.filter(pk__in=systems).order_by().values_list("pk", "kind"))
    named = {(one, name): (kinds.get(one or 0, ""), name) for one, name in calls}
    known = known_calls(set(named.values()))
    return {
        call: call_of(kind, name, known.get((kind, name.lower()))).level
        for call, (kind, name) in named.items()
    }


def _bound(
    identities: Collection[int | None],
) -> dict[int | None, list[tuple[int, datetime | None]]]:
    """Who acts or acted as these identities, and until when."""
    bound: dict[int | None, list[tuple[int, datetime | None]]] = defaultdict(list)
    rows = Binding.objects.filter(identity__in=[one for one in identities if one])
    for identity, agent, ended in rows.values_list("identity_id", "agent_id", "ended_at"):
        bound[identity].append((agent, ended))
    return bound


def _deeds(run: Invocation) -> list[_Deed]:
    """What agents said they did under this run's id, but for calls whose request was found
    itself."""
    rows = list(
        Event.objects.told_in(run.log_id, run.trace_id)
        .recorded_between(run.first_recorded, run.last_recorded)
        .filter(kind__in=DEEDS)
        .annotate(claimed_system=claimed_system(), teller=teller())
        .values_list(
            "leaf_index", "happened_at", "ended_at", "kind", "name", "level", "system_id",
            "claimed_system", "span_id", "parent_id", "teller",
        )
    )  # fmt: skip
    under = {"invocation__log_id": run.log_id, "invocation__trace_id": run.trace_id}
    exact = Link.objects.filter(**under, method=Method.REQUEST_ID)
    found = set(exact.values_list("action_leaf", flat=True))
    tells: dict[str, set[str]] = defaultdict(set)
    joined: dict[str, int] = defaultdict(int)
    for leaf, _, _, kind, name, *_, parent, _ in rows:
        if parent and kind == Kind.CALL:
            tells[parent].add(service_of(name))
            joined[parent] += leaf in found
    return [
        _Deed(
            leaf, began, ended, kind == Kind.CALL, name.lower(), level, system_id, system or "",
            agent, tells.get(span, ()) if span else (), joined.get(span, 0) if span else 0,
        )
        for leaf, began, ended, kind, name, level, system_id, system, span, _, agent in rows
        if leaf not in found
    ]  # fmt: skip


def _given(calls: Iterable[_Call], deeds: Sequence[_Deed]) -> dict[int, int]:
    """The deed that each call is of; calls that none accounts for are left out."""
    ordered = sorted(calls, key=lambda one: (one.at, one.leaf))
    given: dict[int, int] = {}
    for call, around in _around(ordered, deeds, WITHIN):
        if within := [one for one in around if one.accounts_for(call)]:
            deed = max(within, key=lambda one: _fits(call, one))
            deed.calls += 1
            given[call.leaf] = deed.leaf
    left = [one for one in ordered if one.leaf not in given]
    for call, around in _around(left, deeds, SKEW):
        if beside := [one for one in around if one.accounts_beside(call)]:
            deed = min(beside, key=lambda one: (not one.is_call, _apart(call, one), one.leaf))
            deed.calls += 1
            given[call.leaf] = deed.leaf
    return given


def _around(
    calls: Iterable[_Call], deeds: Iterable[_Deed], margin: timedelta
) -> Iterator[tuple[_Call, list[_Deed]]]:
    """Each call, in the order of time, with the deeds that went on then, give or take."""
    coming = sorted(deeds, key=lambda one: (one.began, one.leaf), reverse=True)
    going: list[_Deed] = []
    for call in calls:
        while coming and coming[-1].began - margin <= call.at:
            going.append(coming.pop())
        going = [one for one in going if call.at <= one.ended + margin][-MOST_AT_ONCE:]
        yield call, going


def _fits(call: _Call, deed: _Deed) -> tuple[bool, bool, bool, datetime, int]:
    """The told call before the action; what held the call to the moment, what has none yet, and
    what began last before the rest."""
    is_exact = deed.began <= call.at <= deed.ended
    return deed.is_call, is_exact, not deed.calls, deed.began, -deed.leaf


def _apart(call: _Call, deed: _Deed) -> timedelta:
    return max(deed.began - call.at, call.at - deed.ended)
