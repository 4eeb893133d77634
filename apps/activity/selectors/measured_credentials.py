"""Measured use of credentials, where the log of their system names them."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import Max, Min, Sum
from django.db.models.functions import TruncDate

from apps.activity.models import UseHour
from apps.activity.querysets.credential_use import runs_by_credential
from apps.activity.selectors.measured import WEEKS, Chain, Measured, chains_of
from apps.activity.selectors.reach import NO_LOG, Log, logs_of
from apps.core.actors import Actor
from apps.inventory.models import Credential

# Runs are taken from so many of the newest calls of each.
MOST_CALLS = 50


def measured_credentials(
    credentials: Sequence[Credential], actor: Actor, *, days: int, now: datetime
) -> dict[int, Measured]:
    """Use of these credentials by their ids; five queries for any.

    A log that is whole and never named a credential does not tell that it was not used: not every
    log names what was signed in with.
    """
    if not credentials:
        return {}
    begin = now.date() - timedelta(weeks=WEEKS) + timedelta(days=1)
    named = dict(
        UseHour.objects.filter(credential_id__in=[one.pk for one in credentials])
        .values_list("credential_id")
        .annotate(first=Min("first_at"))
        .order_by()
    )
    used = _used(list(named), begin)
    runs = runs_by_credential(list(used), now - timedelta(weeks=WEEKS), MOST_CALLS) if used else []
    samples: dict[int, list[tuple[date, int]]] = defaultdict(list)
    for credential, run, at in runs:
        samples[credential].append((at.date(), run))
    chains = chains_of(samples, actor)
    logs = logs_of({one.identity.system_id for one in credentials})
    return {
        one.pk: _measured(
            used.get(one.pk, []),
            log=logs.get(one.identity.system_id, NO_LOG),
            is_named=one.pk in named,
            days=days,
            begin=begin,
            now=now,
            chains=tuple(chains[one.pk]),
        )
        for one in credentials
    }


def _used(ids: Sequence[int], begin: date) -> dict[int, list[Any]]:
    """Days of use of each: day, calls, how many of them proven, and the last."""
    rows = (
        UseHour.objects.worked()
        .filter(credential_id__in=ids, hour__date__gte=begin)
        .annotate(day=TruncDate("hour"))
        .values_list("credential_id", "day")
        .annotate(made=Sum("calls"), traced=Sum("proven"), last=Max("last_at"))
        .order_by()
    )
    used: dict[int, list[Any]] = defaultdict(list)
    for credential, *of_day in rows:
        used[credential].append(of_day)
    return used


def _measured(
    used: Sequence[Any],
    *,
    log: Log,
    is_named: bool,
    days: int,
    begin: date,
    now: datetime,
    chains: tuple[Chain, ...],
) -> Measured:
    weeks = [0] * WEEKS
    for day, made, _, _ in used:
        weeks[min((day - begin).days // 7, WEEKS - 1)] += made
    calls = sum(weeks)
    ends = [begin + timedelta(weeks=week, days=6) for week in range(WEEKS)]
    return Measured(
        log=log,
        is_known=is_named and log.is_complete(now - timedelta(days=days), now),
        is_named=is_named,
        weeks=tuple(weeks),
        known_weeks=tuple(
            is_named and log.knows(end) and log.knows(end - timedelta(days=6)) for end in ends
        ),
        calls=calls,
        # Nothing else signs in with it.
        sole=calls,
        last_at=max((last for *_, last in used), default=None),
        days=days,
        traced=100 * sum(traced for _, _, traced, _ in used) // calls if calls else 0,
        chains=chains,
    )
