"""What identities did that worked, and that no grant of theirs, as it stood then, would allow."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from django.db import transaction

from apps.activity.allowing import (
    BY_TRUST,
    FREE,
    Call,
    Judged,
    call_of,
    hangs_on_resources,
    judged,
)
from apps.activity.models import OutsideCall, UseHour
from apps.activity.querysets.measured import Stood, worked, worked_on
from apps.activity.selectors.held import known_calls
from apps.activity.selectors.tenures import Tenure, tenures_of
from apps.activity.services.measuring import MOST_TARGETS
from apps.activity.settling import judged_since
from apps.inventory.models import Identity, System

IDENTITIES = 200
HOUR = timedelta(hours=1)
CHANGED = "a grant of it changed since, and what it allowed then is not kept"
DEPENDS = "it hangs on conditions, or on resources that the record does not tell"

Found = tuple[int, int, str]


@transaction.atomic
def outside_measure(*, moment: datetime, actions: Mapping[str, Collection[str]]) -> int:
    """Find anew what lies outside the grants, over the time that is judged; returns how much.

    Judged are names that policies use: `actions` are those of kinds of systems whose every action
    is known, in lower case; of other kinds, what their catalogue of permissions names. Nothing is
    said of the time before an identity was known here, nor of one no grant of which ever was.
    One check of findings waits for another: whoever calls this holds their lock.
    """
    since, until = judged_since(moment), _ceiling(moment)
    used = UseHour.objects.between(since, moment).worked().order_by("identity_id")
    ids = list(used.values_list("identity_id", flat=True).distinct())
    found: list[OutsideCall] = []
    for at in range(0, len(ids), IDENTITIES):
        found += _outside(ids[at : at + IDENTITIES], since, until, actions)
    OutsideCall.objects.all().delete()
    OutsideCall.objects.bulk_create(found, batch_size=2000)
    return len(found)


def _outside(
    ids: Sequence[int],
    since: datetime,
    until: datetime,
    actions: Mapping[str, Collection[str]],
) -> list[OutsideCall]:
    standing = tenures_of(ids)
    known_from = dict(Identity.objects.filter(pk__in=ids).values_list("pk", "first_seen_at"))
    times = [
        time
        for pk in ids
        if standing[pk] and pk in known_from
        for time in _times(pk, standing[pk], max(since, _ceiling(known_from[pk])), until)
    ]
    rows = worked(times)
    calls = _calls({(system, name) for _, system, name, _ in rows}, actions)
    found: list[OutsideCall] = []
    by_target: dict[Found, list[Tenure]] = {}
    for number, system, name, count in rows:
        call = calls.get((system, name))
        if call is None:
            continue
        time = times[number]
        end = time.since + HOUR
        stood = [
            one
            for one in standing[time.identity_id]
            if one.system_id == system and one.is_of(call) and one.stood_in(time.since, end)
        ]
        verdict = judged((one.held for one in stood), call, "")
        if verdict == Judged.ALLOWED:
            continue
        is_untold = verdict == Judged.UNTOLD
        if is_untold and any(hangs_on_resources(one.held, call) for one in stood):
            by_target[number, system, name] = stood
            continue
        changed = any(one.was_other(time.since, call) for one in standing[time.identity_id])
        found.append(_row(time, system, name, count, verdict, changed=changed))
    return found + _outside_on(by_target, calls, times, standing)


def _outside_on(
    by_target: Mapping[Found, Sequence[Tenure]],
    calls: Mapping[tuple[int, str], Call],
    times: Sequence[Stood],
    standing: Mapping[int, Sequence[Tenure]],
) -> list[OutsideCall]:
    """Where resources decide: by what each call was made on, as its record names it."""
    on: dict[Found, list[tuple[str, int]]] = defaultdict(list)
    for number, system, name, target, count in worked_on(list(by_target), times):
        on[number, system, name].append((target, count))
    found = []
    for key, targets in on.items():
        number, system, name = key
        time, call = times[number], calls[system, name]
        changed = any(one.was_other(time.since, call) for one in standing[time.identity_id])
        if len(targets) > MOST_TARGETS:
            count = sum(count for _, count in targets)
            found.append(_row(time, system, name, count, Judged.UNTOLD, changed=changed))
            continue
        held = [one.held for one in by_target[key]]
        found += [
            _row(time, system, name, count, verdict, changed=changed, target=target)
            for target, count in targets
            if (verdict := judged(held, call, target)) != Judged.ALLOWED
        ]
    return found


def _row(
    time: Stood,
    system: int,
    name: str,
    count: int,
    verdict: Judged,
    *,
    changed: bool,
    target: str | None = None,
) -> OutsideCall:
    is_told = verdict == Judged.OUTSIDE and not changed
    return OutsideCall(
        identity_id=time.identity_id,
        system_id=system,
        name=name,
        target=target or "",
        by_target=target is not None,
        is_told=is_told,
        why="" if is_told else CHANGED if changed else DEPENDS,
        calls=count,
        since=time.since,
        until=time.until,
    )


def _times(
    identity_id: int, standing: Iterable[Tenure], since: datetime, until: datetime
) -> Iterable[Stood]:
    """The hours of [since, until), cut where a grant came, ended, or became what it is now."""
    cuts = {since, until}
    for one in standing:
        cuts.add(_floor(one.begun))
        cuts |= {_ceiling(at) for at in (one.begun, one.ended, one.changed) if at}
    inside = sorted(at for at in cuts if since <= at <= until)
    for start, end in pairwise(inside):
        yield Stood(identity_id, start, end)


def _calls(
    named: Collection[tuple[int, str]], actions: Mapping[str, Collection[str]]
) -> dict[tuple[int, str], Call]:
    """Those whose names policies use, and that need a grant at all."""
    kinds = dict(
        System.objects.filter(pk__in={system for system, _ in named}).values_list("pk", "kind")
    )
    known = known_calls({(kinds.get(system, ""), name) for system, name in named})
    needless = {name.lower() for name in FREE | BY_TRUST}
    found = {}
    for system, name in named:
        kind, plain = kinds.get(system, ""), name.lower()
        is_named = plain in actions[kind] if kind in actions else (kind, plain) in known
        if is_named and plain not in needless:
            found[system, name] = call_of(kind, name, known.get((kind, plain)))
    return found


def _floor(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _ceiling(moment: datetime) -> datetime:
    whole = _floor(moment)
    return whole if whole == moment else whole + HOUR
