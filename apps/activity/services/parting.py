"""Telling runs apart anew, of records that came before it was known how: by `trail_rebuild`.

What comes in is told apart as it comes; to do this again changes nothing. What there is to do is
looked for without holding the projector up; it waits for one handful of ids at a time.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Count, Min

from apps.activity.models import Cursor, Event, Nameless
from apps.activity.services.accounting import SKEW
from apps.activity.services.hours import RUNS, deeds_note
from apps.activity.services.judging import joins_count
from apps.activity.services.naming import (
    COLLECTOR,
    Reach,
    in_groups,
    names_find_in,
    reaches_known,
    runs_tell_anew,
    within_reach,
)
from apps.activity.services.placing import joins_drop_far
from apps.activity.states import Kind

AT_ONCE = 200
# So many places of the log are looked through at once for what names nobody.
LOOKED_AT = 50_000

# Ids under which more than one told, known or not; and those whose runs hold not just what came.
APART = """
SELECT told.trace_id FROM (
    SELECT trace_id, count(*) AS records, count(DISTINCT COALESCE(agent_id, 0)) AS tellers
    FROM activity_event
    WHERE log_id = %(log)s AND leaf_index < %(until)s AND kind <> 'api' AND trace_id IS NOT NULL
    GROUP BY trace_id
) told LEFT JOIN (
    SELECT trace_id, sum(events) AS records FROM activity_invocation WHERE log_id = %(log)s
    GROUP BY trace_id
) held ON held.trace_id = told.trace_id
WHERE told.tellers > 1 OR told.records IS DISTINCT FROM held.records"""

# Of which a collector did not say whose they are. A header that PostgreSQL cannot read says none.
NAMELESS = r"""
INSERT INTO activity_nameless (log_id, leaf_index, recorded_at, happened_at, trace_id, kind)
SELECT log_id, leaf_index, recorded_at, happened_at, trace_id, kind FROM (
    SELECT *, CASE WHEN position('\u0000' in header) = 0 THEN header::json END AS said
    FROM activity_event
    WHERE log_id = %(log)s AND leaf_index >= %(since)s AND leaf_index < %(until)s
        AND kind <> 'api' AND agent_id IS NULL AND trace_id IS NOT NULL OFFSET 0
) told
WHERE said #>> '{whose,attested_by}' LIKE %(collector)s AND said #>> '{claimed,agent}' IS NULL
ON CONFLICT DO NOTHING"""


def runs_part(log_id: int) -> int:
    """Give each agent its run under every id, and find whose nameless records are.

    Returns under how many ids. Safe to stop, and to do at any time: what is left to do is seen from
    the records and what is made of them, and never from what was done before.
    """
    until = _read()
    _note_nameless(log_id, until)
    apart = set(_asked(APART, {"log": log_id, "until": until}))
    unknown = Nameless.objects.filter(log_id=log_id, agent_id__isnull=True).order_by()
    traces = sorted(apart.union(unknown.values_list("trace_id", flat=True).distinct()))
    parted = 0
    for at in range(0, len(traces), AT_ONCE):
        reaches = _reaches(log_id, traces[at : at + AT_ONCE], until)
        for group in in_groups(reaches):
            _part(log_id, {one: reaches[one] for one in group}, apart)
        parted += len(reaches)
    return parted


@transaction.atomic
def _part(log_id: int, reaches: Mapping[UUID, Reach], apart: Collection[UUID]) -> None:
    """Find whose the records under these ids are, and sum up anew what is told apart or otherwise:
    with the runs that are not there yet. What calls prove of them is settled later, for all."""
    until = _alone()
    named = names_find_in(log_id, reaches, until, until)
    otherwise = {one: reach for one, reach in reaches.items() if one in apart or one in named.moved}
    runs = runs_tell_anew(log_id, otherwise, until)
    joins_count(joins_drop_far(runs, SKEW))
    deeds_note(named.deeds)


def _note_nameless(log_id: int, until: int) -> None:
    """Note all that names nobody, a piece of the log at a time: noted twice, it is the same."""
    told: dict[str, Any] = {"log": log_id, "collector": f"{COLLECTOR}%"}
    for since in range(0, until, LOOKED_AT):
        piece = {"since": since, "until": min(until, since + LOOKED_AT)}
        with connection.cursor() as cursor:
            cursor.execute(NAMELESS, told | piece)


def _reaches(log_id: int, traces: Sequence[UUID], until: int) -> dict[UUID, Reach]:
    """How much came under these ids, by the records themselves: runs may not hold all of it."""
    told = Event.objects.filter(log_id=log_id, leaf_index__lt=until, trace_id__in=traces)
    rows = told.exclude(kind=Kind.API).order_by().values_list("trace_id")
    counted = rows.annotate(told=Count("leaf_index"), since=Min("recorded_at"))
    # Where a run says that more came, before what is here, that is in the archive by now.
    known = reaches_known(log_id, traces)
    reaches = {}
    for trace_id, records, since in counted:
        if trace_id is not None:
            held = known.get(trace_id)
            reaches[trace_id] = Reach(records, min(since, held.since) if held else since)
    return within_reach(reaches)


def _read() -> int:
    """How far the projector came."""
    return Cursor.objects.get_or_create(name=RUNS)[0].leaf


def _alone() -> int:
    """Wait for the projector; returns how far it came."""
    return Cursor.objects.select_for_update().get(name=RUNS).leaf


def _asked(statement: str, told: dict[str, Any]) -> list[UUID]:
    with connection.cursor() as cursor:
        cursor.execute(statement, told)
        return [trace for (trace,) in cursor.fetchall()]
