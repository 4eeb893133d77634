"""How often each grant was really used: from the hours of use to days of every grant.

A call counts for every live grant of its identity that would have allowed it, and as `sole` where
no other would. Calls that a system refused are nobody's use. Everything here can be made anew.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from apps.activity.allowing import VERSION, Allows, Call, Held, allows, allows_on, call_of
from apps.activity.models import AllowedCall, Cursor, GrantUse, Stream, UseBasis, UseHour
from apps.activity.querysets.measured import (
    calls_of,
    digests_of,
    heard_by_day,
    targets_of,
    used_by_day,
)
from apps.activity.selectors.held import Named, held_by, known_calls
from apps.activity.selectors.silent import silent_of
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.grants.services.use import grants_know, grants_measure
from apps.inventory.services.credentials import credentials_measure

NAME = "grant-use"
CHUNK = 20_000
IDENTITIES = 50
# An identity that touched more things under one name: its calls count for every grant then.
MOST_TARGETS = 2000


def use_measure(*, most: int = 50) -> int:
    """Measure what came in since the last time, and what grants changed of; returns identities.

    Does nothing while another does the same. What it leaves is for the next run.
    """
    Cursor.objects.get_or_create(name=NAME)
    done = 0
    for _ in range(most):
        measured = _chunk()
        if not measured:
            break
        done += measured
    return done


def use_tell(moment: datetime) -> int:
    """Say of which grants the use is known now, by how far the logs of their systems reach.

    Of what such a log may not record, whole as it is, its silence makes nothing known.
    """
    since = moment - timedelta(days=preference("measured_window_days"))
    streams = Stream.objects.filter(
        complete_from__lte=since,
        complete_until__gte=moment - timedelta(hours=preference("stale_after_hours")),
    )
    formats: dict[int, set[str]] = defaultdict(set)
    for system, log_format in streams.order_by().values_list("system_id", "log_format"):
        formats[system].add(log_format)
    silent = silent_of(Grant.objects.live(), formats)
    return grants_know(complete=list(formats), silent=list(silent), since=since)


def use_rebuild() -> int:
    """Measure everything anew, as if nothing had been measured before."""
    with transaction.atomic():
        Cursor.objects.filter(name=NAME).delete()
        UseBasis.objects.all().delete()
        live = Grant.objects.live().values("pk")
        GrantUse.objects.filter(grant_id__in=live).delete()
    return use_measure(most=1_000_000)


@transaction.atomic
def _chunk() -> int:
    """New hours first; when none are left, the identities whose grants changed since."""
    cursor = Cursor.objects.select_for_update(skip_locked=True).filter(name=NAME).first()
    if cursor is None:
        return 0
    # New rows have higher ids, and one projector writes them: none with a lower one can follow.
    rows = list(
        UseHour.objects.filter(pk__gt=cursor.leaf)
        .order_by("pk")
        .values_list("pk", "identity_id", "hour")[:CHUNK]
    )
    if rows:
        _measure_new(rows)
        fresh = UseHour.objects.filter(pk__gte=rows[0][0], pk__lte=rows[-1][0])
        credentials_measure(used=fresh.last_by_credential())
        cursor.leaf = rows[-1][0]
        cursor.save(update_fields=["leaf"])
        return len({identity for _, identity, _ in rows})
    changed = _changed_since()
    if changed:
        _measure(changed, None)
    return len(changed)


def _measure_new(rows: Sequence[tuple[int, int, datetime]]) -> None:
    days: dict[int, set[date]] = defaultdict(set)
    for _, identity, hour in rows:
        days[identity].add(hour.astimezone(UTC).date())
    known = set(UseBasis.objects.filter(identity_id__in=days).values_list("identity_id", flat=True))
    ids = sorted(days)
    for at in range(0, len(ids), IDENTITIES):
        part = ids[at : at + IDENTITIES]
        fresh = [one for one in part if one not in known]
        if fresh:
            _measure(fresh, None)
        old = [one for one in part if one in known]
        if old:
            _measure(old, sorted(set().union(*(days[one] for one in old))))


def _changed_since() -> list[int]:
    """Identities whose grants are not those that their use was measured against."""
    digests = digests_of(None)
    bases = UseBasis.objects.values_list("identity_id", "digest")
    return [one for one, basis in bases if basis != _basis(digests.get(one))][:IDENTITIES]


def _basis(digest: str | None) -> str:
    """The rules of matching are a part of what use was measured against."""
    return f"{VERSION}:{digest or ''}"


def _measure(identities: Sequence[int], days: Sequence[date] | None) -> None:
    """Count the days of these identities anew: all of them where their grants are new to it."""
    digests = digests_of(identities)
    held = held_by(identities)
    if days is None:
        AllowedCall.objects.filter(identity_id__in=identities).delete()
    _match(identities, days, held)
    grants = [one.grant_id for of_identity in held.values() for one in of_identity]
    rows = GrantUse.objects.filter(grant_id__in=grants)
    (rows if days is None else rows.filter(day__in=days)).delete()
    _count(identities, days)
    UseBasis.objects.bulk_create(
        [
            UseBasis(identity_id=one, digest=_basis(digests.get(one)), measured_at=timezone.now())
            for one in identities
        ],
        update_conflicts=True,
        unique_fields=["identity_id"],
        update_fields=["measured_at"] if days is not None else ["digest", "measured_at"],
    )
    used = GrantUse.objects.filter(grant_id__in=grants).values_list("grant_id")
    grants_measure(used=dict(used.annotate(last=Max("last_at")).order_by()))


def _count(identities: Sequence[int], days: Sequence[date] | None) -> None:
    """Write the days of use of these identities' grants. Their old ones are gone already."""
    allowed: dict[tuple[int, int, str, str, bool], list[int]] = defaultdict(list)
    rows = AllowedCall.objects.filter(identity_id__in=identities)
    for identity, system, name, target, decides, grant_id in rows.values_list(
        "identity_id", "system_id", "name", "target", "by_target", "grant_id"
    ):
        allowed[identity, system, name, target, decides].append(grant_id)
    # Once a name had too many targets it counts by its name alone, whatever was told of it before.
    by_name = {call[:3] for call in allowed if not call[4]}
    by_target = {call[:3] for call in allowed if call[4]} - by_name
    counted: dict[tuple[int, date], GrantUse] = {}
    for identity, system, name, day, calls, last_at in used_by_day(identities, days):
        if (identity, system, name) not in by_target:
            grants = allowed.get((identity, system, name, "", False), [])
            _add(counted, grants, day, calls, last_at)
    samples: dict[tuple[int, date], datetime] = {}
    for row in heard_by_day(identities, sorted(by_target), days):
        identity, system, name, target, day, calls, last_at, run = row
        decides = (identity, system, name) in by_target
        grants = allowed.get((identity, system, name, target, decides), [])
        if decides:
            _add(counted, grants, day, calls, last_at)
        for one in (counted.get((grant, day)) for grant in grants):
            if one is None or run is None:
                continue
            if last_at >= samples.get((one.grant_id, day), last_at):
                one.sample_id, samples[one.grant_id, day] = run, last_at
    GrantUse.objects.bulk_create(counted.values(), batch_size=5000)


def _add(
    counted: dict[tuple[int, date], GrantUse],
    grants: Sequence[int],
    day: date,
    calls: int,
    last_at: datetime,
) -> None:
    for grant in grants:
        use = counted.get((grant, day))
        if use is None:
            use = GrantUse(grant_id=grant, day=day, calls=0, sole=0, last_at=last_at)
            counted[grant, day] = use
        use.calls += calls
        use.sole += calls if len(grants) == 1 else 0
        use.last_at = max(use.last_at, last_at)


def _match(
    identities: Sequence[int],
    days: Sequence[date] | None,
    held: dict[tuple[int, int], list[Held]],
) -> None:
    """Write down which grants would have allowed which calls, where that is not known yet."""
    named = [one for one in calls_of(identities, days) if held.get(one[:2])]
    kinds = {system: of[0].kind for (_, system), of in held.items()}
    known = known_calls({(kinds[system], name) for _, system, name in named})
    by_target: dict[Named, Call] = {}
    found: list[AllowedCall] = []
    for identity, system, name in named:
        call = call_of(kinds[system], name, known.get((kinds[system], name.lower())))
        verdicts = {one: allows(one, call) for one in held[identity, system]}
        if Allows.BY_TARGET in verdicts.values():
            by_target[identity, system, name] = call
            continue
        found += [
            AllowedCall(identity_id=identity, system_id=system, name=name, grant_id=one.grant_id)
            for one, verdict in verdicts.items()
            if verdict == Allows.ALWAYS
        ]
    found += _matched_by_target(by_target, days, held)
    AllowedCall.objects.bulk_create(found, batch_size=5000, ignore_conflicts=True)


def _matched_by_target(
    by_target: dict[Named, Call],
    days: Sequence[date] | None,
    held: dict[tuple[int, int], list[Held]],
) -> list[AllowedCall]:
    targets: dict[Named, list[str]] = defaultdict(list)
    for identity, system, name, target in targets_of(list(by_target), days):
        targets[identity, system, name].append(target)
    found = []
    for (identity, system, name), call in by_target.items():
        of_name = targets[identity, system, name]
        is_too_many = len(of_name) > MOST_TARGETS
        for one in held[identity, system]:
            if is_too_many and allows(one, call) != Allows.NEVER:
                found.append(_allowed(one, identity, system, name))
            elif not is_too_many:
                found += [
                    _allowed(one, identity, system, name, target)
                    for target in of_name
                    if allows_on(one, call, target)
                ]
    return found


def _allowed(
    one: Held, identity: int, system: int, name: str, target: str | None = None
) -> AllowedCall:
    return AllowedCall(
        identity_id=identity,
        system_id=system,
        name=name,
        target=target or "",
        by_target=target is not None,
        grant_id=one.grant_id,
    )
