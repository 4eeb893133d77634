"""To which run a call is joined, where several agents told under one id, each in its own.

To the run of the agent that told of it, and where several tell of one request, of one that acts as
its identity; to that of no agent where what told of it claims a name that may not be used; else of
the agent that acts as the identity that made it; else to the first that is known, which holds what
names nobody. What is joined is looked at each time, so the order of arrival makes no difference.
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.db import connection

from apps.activity.models import Archive, Invocation
from apps.activity.services.judging import BOUND, CALL, PROVING
from apps.activity.statements import CLAIMED_AGENT
from apps.activity.states import Method

SAME_ID = "r.log_id = i.log_id AND r.trace_id = i.trace_id"

PLACES = f"""
SELECT l.id, l.call_leaf, i.id, COALESCE(
    (SELECT r.id FROM activity_invocation r
        WHERE {SAME_ID} AND r.agent_id = COALESCE(said.agent_id, named.agent_id)),
    CASE WHEN said.claims THEN
        (SELECT r.id FROM activity_invocation r WHERE {SAME_ID} AND r.agent_id IS NULL) END,
    (SELECT min(r.id) FROM activity_invocation r
        WHERE {SAME_ID} AND EXISTS ({BOUND} AND b.agent_id = r.agent_id)),
    (SELECT r.id FROM activity_invocation r WHERE {SAME_ID}
        ORDER BY r.agent_id IS NULL, r.id LIMIT 1)
)
FROM activity_link l JOIN activity_invocation i ON i.id = l.invocation_id {CALL}
LEFT JOIN LATERAL (
    SELECT agent_id, agent_id IS NULL AND {CLAIMED_AGENT} IS NOT NULL AS claims
    FROM activity_event WHERE log_id = l.log_id AND leaf_index = l.action_leaf
        AND recorded_at BETWEEN i.first_recorded AND i.last_recorded OFFSET 0
) said ON true
LEFT JOIN activity_nameless named ON named.log_id = l.log_id AND named.leaf_index = l.action_leaf
WHERE l.invocation_id = ANY(%(runs)s) AND l.method = ANY(%(proving)s)"""  # noqa: S608 - words of our own

# Of all that tell of the request of a call: what an agent told that was bound to the identity then,
# and of that what came first. A caller may log the id of a request that another made.
TELLERS = f"""
SELECT l.id, l.invocation_id, best.leaf_index
FROM activity_link l JOIN activity_invocation i ON i.id = l.invocation_id {CALL}
JOIN LATERAL (
    SELECT e.leaf_index FROM activity_event e LEFT JOIN activity_nameless named
        ON named.log_id = e.log_id AND named.leaf_index = e.leaf_index
    WHERE e.log_id = l.log_id AND e.request_id = call.request_id AND e.trace_id = i.trace_id
        AND e.kind <> 'api' AND e.recorded_at BETWEEN i.first_recorded AND i.last_recorded
    ORDER BY EXISTS ({BOUND} AND b.agent_id = COALESCE(e.agent_id, named.agent_id)) DESC,
        e.leaf_index LIMIT 1
) best ON true
WHERE l.invocation_id = ANY(%(runs)s) AND l.method = '{Method.REQUEST_ID.value}'
    AND l.action_leaf <> best.leaf_index"""  # noqa: S608 - words of our own
TELL = """
UPDATE activity_link SET action_leaf = told.leaf
FROM unnest(%(links)s::bigint[], %(leaves)s::bigint[]) AS told(id, leaf)
WHERE activity_link.id = told.id"""

# What is near a run that went on at another time than was known.
DROP_FAR = f"""
DELETE FROM activity_link WHERE id IN (
    SELECT l.id FROM activity_link l JOIN activity_invocation i ON i.id = l.invocation_id {CALL}
    WHERE l.invocation_id = ANY(%(runs)s) AND NOT l.method = ANY(%(proving)s)
        AND NOT call.happened_at BETWEEN i.started_at - %(skew)s AND i.ended_at + %(skew)s
) RETURNING invocation_id"""  # noqa: S608 - words of our own

# What was near the run that it is proven of now.
DROP_NEAR = """
DELETE FROM activity_link l USING unnest(%(links)s::bigint[], %(calls)s::bigint[],
    %(homes)s::bigint[]) AS moved(id, call_leaf, home)
WHERE l.log_id = %(log)s AND l.call_leaf = moved.call_leaf AND l.invocation_id = moved.home
    AND l.id <> moved.id"""
MOVE = """
UPDATE activity_link SET invocation_id = moved.home
FROM unnest(%(links)s::bigint[], %(homes)s::bigint[]) AS moved(id, home)
WHERE activity_link.id = moved.id"""


def requests_tell(runs: Iterable[Invocation]) -> set[int]:
    """Of calls whose request several agents tell, say by which record that is. The runs are all
    under their ids; returns those that changed."""
    kept_since = Archive.objects.kept_since()
    # Where a part of what was told is in the archive, it stays as it was said.
    here = [one for one in runs if kept_since is None or one.first_recorded >= kept_since]
    if not (several := _several(here)):
        return set()
    with connection.cursor() as cursor:
        cursor.execute(TELLERS, {"runs": several})
        told = cursor.fetchall()
        if told:
            links, _, leaves = (list(column) for column in zip(*told, strict=True))
            cursor.execute(TELL, {"links": links, "leaves": leaves})
    return {run for _, run, _ in told}


def joins_drop_far(runs: Iterable[Invocation], skew: timedelta) -> set[int]:
    """End what is near these runs and did not happen while they went on; returns those it was."""
    asked: dict[str, Any] = {
        "runs": [one.pk for one in runs], "proving": PROVING, "skew": skew,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(DROP_FAR, asked)
        return {run for (run,) in cursor.fetchall()}


def _several(runs: Iterable[Invocation]) -> list[int]:
    """Those that are not alone under their id."""
    under: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        under[run.trace].append(run.pk)
    return [pk for of_one in under.values() if len(of_one) > 1 for pk in of_one]


def joins_place(log_id: int, runs: Iterable[Invocation]) -> set[int]:
    """Join the calls of these runs, all under their ids, to those of them that they are of.

    Returns those that changed.
    """
    if not (several := _several(runs)):
        return set()
    with connection.cursor() as cursor:
        cursor.execute(PLACES, {"runs": several, "proving": PROVING})
        moved = [row for row in cursor.fetchall() if row[2] != row[3]]
        if moved:
            links, calls, _, homes = (list(column) for column in zip(*moved, strict=True))
            told: dict[str, Any] = {"log": log_id, "links": links, "calls": calls, "homes": homes}
            cursor.execute(DROP_NEAR, told)
            cursor.execute(MOVE, told)
    return {run for _, _, now, home in moved for run in (now, home)}
