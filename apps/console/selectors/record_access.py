"""Which grant let a record of the trail be: of what systems recorded, and of what agents only say.

Judged is by the grants and bindings of the time, by the rules of `apps.activity.allowing`. What an
agent alone says is judged where its name is a permission's; on what, is its word and counts not.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from apps.activity.allowing import (
    BY_TRUST,
    FREE,
    Allows,
    Call,
    Judged,
    allows,
    call_of,
    judge,
    places_of,
)
from apps.activity.models import Event
from apps.activity.named import CHANGED, NO_GRANTS, TOO_EARLY, TRUST, UNNAMED, is_action
from apps.activity.saying import header_said
from apps.activity.selectors.naming import names_beside
from apps.activity.selectors.tenures import Tenure, tenures_of
from apps.activity.states import Kind, Outcome
from apps.grants.models import Permission
from apps.inventory.models import Binding, Identity

NEEDLESS = {name.lower() for name in FREE}
TRUSTED = {name.lower() for name in BY_TRUST}
NOBODY = "whose it was is not known here"
UNBOUND = "its agent was bound to no identity then that is known here"
ALONE = f"{UNNAMED}, and no system's record proves it"
# The same where a proof is there, and the reader may not see it, or nobody can any more.
UNSEEN = f"{UNNAMED}, and the system's record that proves it lies outside of what you may see"
UNKEPT = f"{UNNAMED}, and the system's record that proves it is no longer kept here"
# What is read of a permission.
SHOWN = ("system_kind", "key", "search", "level", "service")


class Verdict(StrEnum):
    ALLOWED = "allowed"
    OUTSIDE = "outside"
    REFUSED = "refused"
    NEEDLESS = "needless"
    UNTOLD = "untold"


@dataclass(frozen=True, slots=True)
class Covering:
    """A grant that allows it: not `is_sure` where conditions or resources decide that the record
    does not tell; `is_younger` where it, or the binding, was first known here after.
    """

    grant_id: int
    is_sure: bool
    is_younger: bool = False


@dataclass(frozen=True, slots=True)
class Judgement:
    """`why` it cannot be told. `elsewhere` are grants that name it for other things only."""

    verdict: Verdict
    why: str = ""
    covers: tuple[Covering, ...] = ()
    elsewhere: tuple[tuple[int, list[str]], ...] = ()
    permission: Permission | None = None


@dataclass(frozen=True, slots=True)
class _Place:
    """An identity as it is judged: since when it is known, and on which system it is."""

    pk: int
    known_from: datetime
    system_id: int
    kind: str


@dataclass(slots=True)
class _Ground:
    """Everything that records are judged by, read at once; `tellers` are who told those told."""

    places: Mapping[int, _Place]
    tenures: Mapping[int, Sequence[Tenure]]
    bindings: Mapping[int, Sequence[tuple[int, datetime, datetime | None]]]
    tellers: Mapping[int, int | None]
    permissions: Mapping[tuple[str, str], Permission]
    judged: dict[tuple[int, str, str], Judged] = field(default_factory=dict)

    def call(self, kind: str, name: str) -> tuple[Call, Permission | None]:
        """A call by its name, and the permission that is called so."""
        names = (name, *call_of(kind, name, None).actions)
        found = (self.permissions.get((kind, one.lower())) for one in names)
        known = next(filter(None, found), None)
        return call_of(kind, name, (known.level, known.service) if known else None), known

    def judge(self, one: Tenure, call: Call, target: str) -> Judged:
        key = (one.held.grant_id, call.name, target)
        if key not in self.judged:
            self.judged[key] = judge(one.held, call, target)
        return self.judged[key]


def judgements_of(events: Collection[Event]) -> dict[int, Judgement]:
    """By their place in the log. Five queries, however many there are."""
    ground = _ground(events)
    found = {}
    for event in events:
        of_it = _recorded(event, ground) if event.kind == Kind.API else _told(event, ground)
        found[event.leaf_index] = of_it
    return found


def together(calls: Sequence[Judgement]) -> Judgement:
    """Of a told action, by the calls that are proven to be of it: what lies outside goes first."""
    worst = [Verdict.OUTSIDE, Verdict.ALLOWED, Verdict.UNTOLD, Verdict.REFUSED, Verdict.NEEDLESS]
    first = min(calls, key=lambda one: worst.index(one.verdict))
    covers = {cover.grant_id: cover for one in calls for cover in one.covers}
    return Judgement(
        first.verdict, first.why, tuple(covers.values()), first.elsewhere, first.permission
    )


def _ground(events: Collection[Event]) -> _Ground:
    known = {leaf: agent.pk for leaf, agent in names_beside(events).items()}
    tellers = {
        one.leaf_index: known.get(one.leaf_index) or one.agent_id
        for one in events
        if one.kind != Kind.API
    }
    agents = {one for one in tellers.values() if one}
    bindings: dict[int, list[tuple[int, datetime, datetime | None]]] = defaultdict(list)
    for one in Binding.objects.filter(agent__in=agents):
        bindings[one.agent_id].append((one.identity_id, one.bound_at, one.ended_at))
    ids = {one.identity_id for one in events if one.kind == Kind.API and one.identity_id}
    ids |= {identity for of in bindings.values() for identity, _, _ in of}
    rows = Identity.objects.filter(pk__in=ids)
    places = {
        row[0]: _Place(*row)
        for row in rows.values_list("pk", "first_seen_at", "system_id", "system__kind")
    }
    kinds = {one.kind for one in places.values()}
    return _Ground(places, tenures_of(ids), bindings, tellers, _permissions(events, kinds))


def _permissions(
    events: Iterable[Event], kinds: Collection[str]
) -> dict[tuple[str, str], Permission]:
    named = {one.name for one in events}
    names = {action for kind in kinds for name in named for action in _names(kind, name)}
    rows = Permission.objects.filter(system_kind__in=kinds, search__in=names)
    return {(one.system_kind, one.search): one for one in rows.only(*SHOWN)}


def _names(kind: str, name: str) -> set[str]:
    return {one.lower() for one in (name, *call_of(kind, name, None).actions)}


def _recorded(event: Event, ground: _Ground) -> Judgement:
    place = ground.places.get(event.identity_id or 0)
    if place is None:
        return Judgement(Verdict.UNTOLD, NOBODY)
    call, known = ground.call(place.kind, event.name)
    if needless := _needless(call, known):
        return needless
    held = [one for one in ground.tenures.get(place.pk, ()) if one.system_id == place.system_id]
    of_it = [one for one in held if one.is_of(call)]
    found = _covered(event, [(one, call) for one in of_it], ground, event.target)
    if found:
        return Judgement(Verdict.ALLOWED, covers=found, permission=known)
    if not held:
        return Judgement(Verdict.UNTOLD, NO_GRANTS, permission=known)
    return _bare(event, [(place, call, of_it)], known=known)


def _told(event: Event, ground: _Ground) -> Judgement:
    """By the identities that its agent acted as then, where one of their systems knows the name."""
    places, is_later = _acted_as(event, ground)
    named, permission = [], None
    for place in places:
        call, known = ground.call(place.kind, event.name)
        held = [one for one in ground.tenures.get(place.pk, ()) if one.is_of(call)]
        if known or any(_names_it(one, call) for one in held):
            named.append((place, call, held))
            permission = permission or known
    if not named:
        return Judgement(Verdict.UNTOLD, ALONE if places else UNBOUND)
    if needless := _needless(named[0][1], permission):
        return needless
    pairs = [(one, call) for _, call, held in named for one in held]
    if found := _covered(event, pairs, ground, ""):
        found = tuple(replace(one, is_younger=one.is_younger or is_later) for one in found)
        return Judgement(Verdict.ALLOWED, covers=found, permission=permission)
    known_any = any(ground.tenures.get(place.pk) for place, _, _ in named)
    if is_later or not known_any:
        why = UNBOUND if known_any else NO_GRANTS
        return Judgement(Verdict.UNTOLD, why, permission=permission)
    return _bare(event, named, known=permission)


def _needless(call: Call, known: Permission | None) -> Judgement | None:
    if call.name.lower() in NEEDLESS:
        return Judgement(Verdict.NEEDLESS, permission=known)
    if call.name.lower() in TRUSTED:
        return Judgement(Verdict.UNTOLD, TRUST, permission=known)
    return None


def _acted_as(event: Event, ground: _Ground) -> tuple[list[_Place], bool]:
    """The identities that an agent was bound to then, on the system that it names if it does.

    Where it was to none, those that it was bound to since, and that this is so.
    """
    at = event.happened_at
    teller = ground.tellers.get(event.leaf_index) or 0
    bound = [
        (ground.places[identity], since)
        for identity, since, until in ground.bindings.get(teller, ())
        if identity in ground.places and (until is None or until > at)
    ]
    then = [place for place, since in bound if since <= at]
    acted = then or [place for place, _ in bound]
    if event.system_id:
        acted = [one for one in acted if one.system_id == event.system_id]
    claimed = header_said(event.header).get("claimed", {}).get("system", "")
    return [one for one in acted if one.kind == claimed] or acted, not then


def _covered(
    event: Event, pairs: Iterable[tuple[Tenure, Call]], ground: _Ground, target: str
) -> tuple[Covering, ...]:
    """The grants that allowed it as they stood then; where none did, those that would since."""
    stood, younger = [], []
    for one, call in pairs:
        if one.ended is not None and one.ended <= event.happened_at:
            continue
        verdict = ground.judge(one, call, target)
        if verdict == Judged.OUTSIDE:
            continue
        is_sure = verdict == Judged.ALLOWED
        if one.begun <= event.happened_at:
            stood.append(Covering(one.held.grant_id, is_sure))
        elif one.ended is None:
            younger.append(Covering(one.held.grant_id, is_sure, is_younger=True))
    return tuple(sorted(stood or younger, key=lambda one: not one.is_sure))


def _bare(
    event: Event,
    named: Sequence[tuple[_Place, Call, Sequence[Tenure]]],
    *,
    known: Permission | None,
) -> Judgement:
    """What no grant covers, or of which that cannot be told."""
    at = event.happened_at
    if any(one.was_other(at, call) for _, call, held in named for one in held):
        return Judgement(Verdict.UNTOLD, CHANGED, permission=known)
    elsewhere = tuple(
        (one.held.grant_id, places_of(one.held, call))
        for _, call, held in named
        for one in held
        if one.stood_at(at) and allows(one.held, call) == Allows.BY_TARGET
    )
    is_named = known or elsewhere or any(is_action(call) for _, call, _ in named)
    if not is_named:
        return Judgement(Verdict.UNTOLD, UNNAMED)
    if event.outcome in {Outcome.DENIED, Outcome.FAILED}:
        return Judgement(Verdict.REFUSED, elsewhere=elsewhere, permission=known)
    if all(place.known_from > at for place, _, _ in named):
        return Judgement(Verdict.UNTOLD, TOO_EARLY, permission=known)
    return Judgement(Verdict.OUTSIDE, elsewhere=elsewhere, permission=known)


def _names_it(one: Tenure, call: Call) -> bool:
    return one.held.names_actions and allows(one.held, call) != Allows.NEVER
