"""Joining what systems recorded to the runs it is of, as either side arrives."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from uuid import UUID

from django.db.models import Q
from django.utils import timezone

from apps.activity.models import Event, Invocation, Link
from apps.activity.services.accounting import SKEW, runs_account
from apps.activity.services.judging import PROVING, joins_count, joins_judge
from apps.activity.services.placing import joins_drop_far, joins_place, requests_tell
from apps.activity.states import CONFIDENCE, Kind, Method
from apps.inventory.models import Binding

CARRIED = {"session": Method.SESSION}

# A call once for each id that it is proven of, and once for each run that it is near.
type Place = tuple[int, UUID | int]


def calls_link(
    log_id: int,
    events: Sequence[Event],
    touched: Sequence[Invocation],
    anew: Sequence[Invocation] = (),
) -> set[int]:
    """Join new records, on either side, to what is here already; returns the runs it changed.

    A call proven to be of a run is not also noted as near it. A better method replaces a worse.
    Of `touched` those that were summed up `anew` may have gone on for less time than was known.
    """
    far = joins_drop_far(anew, SKEW) if anew else set()
    found: dict[Place, Link] = {}
    for link in (
        *_by_request(log_id, events),
        *_by_carried_id(log_id, events, touched),
        *_by_window(log_id, events, touched),
    ):
        key = _place(link)
        if key not in found or found[key].confidence < link.confidence:
            found[key] = link
    for link in list(found.values()):
        # Near a run is not what is proven to be of it.
        if link.method in PROVING:
            found.pop((link.call_leaf, link.invocation_id), None)
    return runs_settle(log_id, _keep(log_id, list(found.values())) | far, touched)


def runs_settle(
    log_id: int, joined: Collection[int], touched: Sequence[Invocation] = ()
) -> set[int]:
    """Tell which deed and run each call of these runs is of, and judge what joins it.

    `touched` are all the runs under their ids. Returns those that are joined anew or otherwise.
    """
    runs = {one.pk: one for one in touched}
    if others := set(joined) - runs.keys():
        runs |= {one.pk: one for one in Invocation.objects.under_ids_of(log_id, others)}
    changed = set(joined) | requests_tell(runs.values())
    changed |= runs_account(log_id, runs)
    changed |= joins_place(log_id, runs.values())
    changed |= joins_judge(runs)
    joins_count(changed)
    return changed


def _place(link: Link) -> Place:
    is_proving = link.method in PROVING
    return link.call_leaf, link.invocation.trace_id if is_proving else link.invocation_id


def _keep(log_id: int, links: list[Link]) -> set[int]:
    """Write what is new or better. To which run under its id a call is joined is settled later."""
    rows = Link.objects.filter(log_id=log_id, call_leaf__in={one.call_leaf for one in links})
    standing: dict[Place, Link] = {}
    for one in rows.select_related("invocation"):
        standing[one.call_leaf, one.invocation_id] = standing[_place(one)] = one
    new, better, changed = [], [], set()
    for link in links:
        known = standing.get(_place(link)) or standing.get((link.call_leaf, link.invocation_id))
        if known is None:
            new.append(link)
        elif CONFIDENCE[Method(known.method)] < link.confidence:
            link.pk = known.pk
            better.append(link)
            changed.add(known.invocation_id)
    Link.objects.bulk_create(new)
    Link.objects.bulk_update(better, ["action_leaf", "method", "confidence", "made_at"])
    return {one.invocation_id for one in new} | changed


def _by_request(log_id: int, events: Sequence[Event]) -> list[Link]:
    """The agent and the system name the same request. Of several that do, what came first."""
    asked = {one.request_id for one in events if one.request_id}
    sides: dict[str, tuple[list[Event], list[Event]]] = defaultdict(lambda: ([], []))
    for one in Event.objects.naming_requests(log_id, asked).order_by("leaf_index"):
        sides[one.request_id][one.kind == Kind.API].append(one)
    pairs = [
        (told, call)
        for deeds, calls in sides.values()
        for told in deeds
        for call in calls
        if not _is_of_run(call)
    ]
    runs = _runs(log_id, {told.trace_id for told, _ in pairs if told.trace_id})
    return [
        _link(call, runs[told.trace_id], Method.REQUEST_ID, told.leaf_index)
        for told, call in pairs
        if told.trace_id in runs
    ]


def _is_of_run(call: Event) -> bool:
    """Whether what its system calls its request is the run's id, which many requests may bear."""
    correlation = call.correlation
    return correlation is not None and call.request_id.replace("-", "").lower() == correlation.hex


def _by_carried_id(
    log_id: int, events: Sequence[Event], touched: Sequence[Invocation]
) -> list[Link]:
    """The system's record carries the id of the run."""
    carried = {one.correlation for one in events if one.correlation}
    runs = _runs(log_id, carried | {one.trace_id for one in touched})
    calls = Event.objects.carrying(log_id, runs)
    return [
        _link(one, runs[one.correlation], CARRIED.get(one.carried_by, Method.CARRIED_ID))
        for one in calls
        if one.correlation
    ]


def _by_window(log_id: int, events: Sequence[Event], touched: Sequence[Invocation]) -> list[Link]:
    """The same identity was used while the run went on: near it, and no more."""
    calls = [one for one in events if one.kind == Kind.API and one.identity_id]
    agents = {one.agent_id for one in touched if one.agent_id}
    bound = _bindings(agents, {one.identity_id for one in calls})
    return [
        *_near_runs(log_id, calls, bound),
        *_near_calls(log_id, touched, bound),
    ]


def _bindings(agents: set[int], identities: set[int | None]) -> list[tuple[int, int]]:
    """(agent, identity) of those who act as one now."""
    rows = Binding.objects.live().filter(Q(agent__in=agents) | Q(identity__in=identities))
    return list(rows.values_list("agent_id", "identity_id"))


def _near_runs(log_id: int, calls: Sequence[Event], bound: Sequence[tuple[int, int]]) -> list[Link]:
    agents_as: dict[int, set[int]] = defaultdict(set)
    for agent, identity in bound:
        agents_as[identity].add(agent)
    users = {agent for one in calls for agent in agents_as[one.identity_id or 0]}
    if not users:
        return []
    first, last = min(one.happened_at for one in calls), max(one.happened_at for one in calls)
    runs = Invocation.objects.going_on(log_id, users, first - SKEW, last + SKEW)
    return _near(calls, runs.only("agent_id", "started_at", "ended_at"), bound)


def _near_calls(
    log_id: int, touched: Sequence[Invocation], bound: Sequence[tuple[int, int]]
) -> list[Link]:
    identities_of: dict[int, set[int]] = defaultdict(set)
    for agent, identity in bound:
        identities_of[agent].add(identity)
    runs = [one for one in touched if identities_of.get(one.agent_id or 0)]
    if not runs:
        return []
    used = {identity for run in runs for identity in identities_of[run.agent_id or 0]}
    first, last = min(one.started_at for one in runs), max(one.ended_at for one in runs)
    calls = Event.objects.calls_as(log_id, used, first - SKEW, last + SKEW)
    return _near(calls.defer("header"), runs, bound)


def _near(
    calls: Iterable[Event], runs: Iterable[Invocation], bound: Iterable[tuple[int, int]]
) -> list[Link]:
    """Each call with the runs that went on then, of agents that act as its identity.

    Both are walked once in the order of time: there may be very many of either.
    """
    of_identity: dict[int | None, list[Event]] = defaultdict(list)
    for call in sorted(calls, key=lambda one: (one.happened_at, one.leaf_index)):
        of_identity[call.identity_id].append(call)
    of_agent: dict[int | None, list[Invocation]] = defaultdict(list)
    for run in sorted(runs, key=lambda one: (one.started_at, one.pk), reverse=True):
        of_agent[run.agent_id].append(run)
    found = []
    for agent, identity in sorted(set(bound)):
        coming, going = list(of_agent[agent]), list[Invocation]()
        for call in of_identity[identity]:
            while coming and coming[-1].started_at - SKEW <= call.happened_at:
                going.append(coming.pop())
            going = [one for one in going if call.happened_at <= one.ended_at + SKEW]
            found += [_link(call, one, Method.PRINCIPAL_WINDOW) for one in going]
    return found


def _link(call: Event, run: Invocation, method: Method, action: int | None = None) -> Link:
    return Link(
        log_id=call.log_id,
        call_leaf=call.leaf_index,
        call_recorded_at=call.recorded_at,
        invocation=run,
        action_leaf=action,
        method=method,
        confidence=CONFIDENCE[method],
        made_at=timezone.now(),
    )


def _runs(log_id: int, traces: Iterable[UUID]) -> dict[UUID, Invocation]:
    """The first run under each of these ids."""
    runs: dict[UUID, Invocation] = {}
    for one in Invocation.objects.under(log_id, set(traces)):
        runs.setdefault(one.trace_id, one)
    return runs
