"""Purpose drift: what an agent did that no task of its purpose needs.

Judged are the API calls that systems recorded, and what the agent alone says it did: actions and
calls that no recorded call proves, as far as it is known on which system, and what they are.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F, Max, Min, Sum

from apps.activity.allowing import FREE, Call, call_of
from apps.activity.models import DeedHour, DriftedCall, UseHour
from apps.core.preferences import preference
from apps.grants.models import Permission
from apps.grants.states import LEVEL_RANK
from apps.inventory.models import System, TaskNeed

type Needs = dict[int, list[TaskNeed]]
# Level, service, and tags.
type Catalogued = tuple[str, str, list[str]]

LOCK = 0x64726966  # "drif": whoever measures waits for whoever does too
UNPROVEN = F("deeds") - F("confirmed")


@transaction.atomic
def drift_measure(*, moment: datetime) -> int:
    """Find anew what lies outside the tasks, over the measured window; returns how much.

    An agent whose purpose names no task is left out: where nothing is said, nothing is outside.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [LOCK])
    needs = _needs()
    since = moment - timedelta(days=preference("measured_window_days"))
    found = [*_recorded(needs, since), *_told(needs, since)]
    DriftedCall.objects.all().delete()
    DriftedCall.objects.bulk_create(found, batch_size=2000)
    return len(found)


def _recorded(needs: Needs, since: datetime) -> Iterable[DriftedCall]:
    """Of what systems recorded. Refused calls count too: they were tried."""
    rows: list[Any] = list(
        UseHour.objects.filter(agent_id__in=needs, hour__gte=since)
        .values("agent_id", "system_id", "identity_id", "name")
        .annotate(made=Sum("calls"), first=Min("first_at"), last=Max("last_at"))
        .order_by()
    )
    kinds, known = _known(rows)
    for row in rows:
        kind = kinds.get(row["system_id"], "")
        level, service, tags = known.get((kind, row["name"].lower()), ("", "", []))
        call = call_of(kind, row["name"], (level, service) if level else None)
        why = _why_outside(needs[row["agent_id"]], row["system_id"], call, tags)
        if why and call.name not in FREE:
            yield _drifted(row, call, tags, why, identity_id=row["identity_id"])


def _told(needs: Needs, since: datetime) -> Iterable[DriftedCall]:
    """Of what agents alone say they did. What the name of a tool means is known only where the
    catalogue has it; else the system alone is held against the tasks."""
    rows: list[Any] = list(
        DeedHour.objects.filter(agent_id__in=needs, hour__gte=since, system_id__gt=0)
        .values("agent_id", "system_id", "name")
        .annotate(made=Sum(UNPROVEN), first=Min("first_at"), last=Max("last_at"))
        .filter(made__gt=0)
        .order_by()
    )
    kinds, known = _known(rows)
    for row in rows:
        kind = kinds.get(row["system_id"], "")
        level, service, tags = known.get((kind, row["name"].lower()), ("", "", []))
        call = call_of(kind, row["name"], (level, service) if level else None)
        of_agent = needs[row["agent_id"]]
        if level:
            why = _why_outside(of_agent, row["system_id"], call, tags)
        else:
            is_there = any(need.system_id == row["system_id"] for need in of_agent)
            why = "" if is_there else "no task needs anything there"
        if why and call.name not in FREE:
            yield _drifted(row, call, tags, why, identity_id=0, is_told=True)


def _drifted(
    row: dict[str, Any], call: Call, tags: list[str], why: str, **more: Any
) -> DriftedCall:
    return DriftedCall(
        agent_id=row["agent_id"],
        system_id=row["system_id"],
        name=row["name"],
        service=call.service[:80],
        level=call.level,
        tags=tags,
        why=why,
        calls=row["made"],
        first_at=row["first"],
        last_at=row["last"],
        **more,
    )


def _known(rows: Sequence[Any]) -> tuple[dict[int, str], dict[tuple[str, str], Catalogued]]:
    """The kinds of these systems, and what the catalogue of permissions says of these names."""
    kinds = dict(
        System.objects.filter(pk__in={row["system_id"] for row in rows}).values_list("pk", "kind")
    )
    return kinds, _catalogue({row["name"].lower() for row in rows}, set(kinds.values()))


def _needs() -> Needs:
    """By agent, what its tasks need."""
    needs: dict[int, list[TaskNeed]] = defaultdict(list)
    rows = TaskNeed.objects.filter(task__retired_at=None).select_related("task")
    for need in rows:
        needs[need.task.agent_id].append(need)
    return needs


def _catalogue(names: Iterable[str], kinds: set[str]) -> dict[tuple[str, str], Catalogued]:
    rows = Permission.objects.filter(system_kind__in=kinds, search__in=set(names))
    return {
        (kind, name): (level, service, tags)
        for kind, name, level, service, tags in rows.values_list(
            "system_kind", "search", "level", "service", "tags"
        )
    }


def _why_outside(needs: Iterable[TaskNeed], system_id: int, call: Call, tags: Iterable[str]) -> str:
    """Why no task needs this call, or nothing: place, then level, then what it makes possible."""
    there = [
        need
        for need in needs
        if need.system_id == system_id and need.service.lower() in {"", call.service.lower()}
    ]
    if not there:
        return f"no task needs {call.service or call.name} there"[:200]
    enough = [need for need in there if LEVEL_RANK[call.level] <= LEVEL_RANK[need.level]]
    if not enough:
        most = max((need.level for need in there), key=LEVEL_RANK.__getitem__)
        return f"its tasks need {most} there, and this is {call.level}"
    if any(not need.tags or set(tags) <= set(need.tags) for need in enough):
        return ""
    beyond = sorted(set(tags).difference(*(need.tags for need in enough)))
    return (
        f"no task needs what {', '.join(beyond)}"[:200] if beyond else "no one task needs all of it"
    )
