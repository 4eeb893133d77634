"""Telling runs apart anew, of records that came before it was known how: by `trail_rebuild`.

What comes in is told apart as it comes; to do this again changes nothing.
"""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction

from apps.activity.models import Cursor, Event
from apps.activity.services.folding import invocations_fold
from apps.activity.services.hours import RUNS, deeds_note
from apps.activity.services.naming import COLLECTOR, names_find_in, out_of_reach, runs_sum
from apps.activity.states import Kind

AT_ONCE = 200

# Whose agent has no run under its id: told with another's, when one id was one run.
APART = """
SELECT DISTINCT e.trace_id FROM activity_event e
WHERE e.log_id = %(log)s AND e.leaf_index < %(leaf)s AND e.kind <> 'api'
    AND e.agent_id IS NOT NULL AND e.trace_id IS NOT NULL AND NOT EXISTS (
        SELECT FROM activity_invocation i WHERE i.log_id = e.log_id AND i.trace_id = e.trace_id
            AND i.agent_id = e.agent_id
    )"""

# Of which a collector did not say whose they are. A header that PostgreSQL cannot read says none.
NAMELESS = r"""
INSERT INTO activity_nameless (log_id, leaf_index, recorded_at, happened_at, trace_id, kind)
SELECT log_id, leaf_index, recorded_at, happened_at, trace_id, kind FROM (
    SELECT *, CASE WHEN position('\u0000' in header) = 0 THEN header::json END AS said
    FROM activity_event
    WHERE log_id = %(log)s AND leaf_index < %(leaf)s AND kind <> 'api'
        AND agent_id IS NULL AND trace_id IS NOT NULL OFFSET 0
) told
WHERE said #>> '{whose,attested_by}' LIKE %(collector)s AND said #>> '{claimed,agent}' IS NULL
ON CONFLICT DO NOTHING RETURNING trace_id"""


def runs_part(log_id: int) -> int:
    """Give each agent its run under every id, and find whose nameless records are.

    Returns under how many ids. Safe to stop, and to do at any time: the projector waits for it.
    """
    with transaction.atomic():
        apart = _asked(APART, log_id)
        nameless = _asked(NAMELESS, log_id)
    for at in range(0, len(apart), AT_ONCE):
        _part(log_id, apart[at : at + AT_ONCE])
    for at in range(0, len(nameless), AT_ONCE):
        with transaction.atomic():
            _alone()
            deeds_note(names_find_in(log_id, nameless[at : at + AT_ONCE]))
    return len({*apart, *nameless})


@transaction.atomic
def _part(log_id: int, traces: Sequence[UUID]) -> None:
    """Begin the runs that are not there, by what their agents told, and sum all up anew."""
    leaf = _alone()
    within = set(traces) - set(out_of_reach(log_id, traces))
    told = Event.objects.filter(log_id=log_id, leaf_index__lt=leaf, trace_id__in=within)
    invocations_fold(log_id, told.exclude(kind=Kind.API).order_by("leaf_index"))
    runs_sum(log_id, within)


def _alone() -> int:
    """Wait for the projector; returns how far it came."""
    Cursor.objects.get_or_create(name=RUNS)
    return Cursor.objects.select_for_update().get(name=RUNS).leaf


def _asked(statement: str, log_id: int) -> list[UUID]:
    told: dict[str, Any] = {"log": log_id, "leaf": _alone(), "collector": f"{COLLECTOR}%"}
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        return sorted({trace for (trace,) in cursor.fetchall()})
