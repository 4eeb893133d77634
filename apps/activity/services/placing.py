"""To which run a call is joined, where several agents told under one id, each in its own.

To the run of the agent that told of it; else of the agent that acts as the identity that made it;
else to the first, which holds what nobody known told. What is joined is looked at each time, so
the order of arrival makes no difference.
"""

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.db import connection

from apps.activity.models import Invocation
from apps.activity.services.judging import BOUND, CALL, PROVING

SAME_ID = "r.log_id = i.log_id AND r.trace_id = i.trace_id"

PLACES = f"""
SELECT l.id, l.call_leaf, i.id, COALESCE(
    (SELECT r.id FROM activity_invocation r
        WHERE {SAME_ID} AND r.agent_id = COALESCE(said.agent_id, named.agent_id)),
    (SELECT min(r.id) FROM activity_invocation r
        WHERE {SAME_ID} AND EXISTS ({BOUND} AND b.agent_id = r.agent_id)),
    (SELECT min(r.id) FROM activity_invocation r WHERE {SAME_ID})
)
FROM activity_link l JOIN activity_invocation i ON i.id = l.invocation_id {CALL}
LEFT JOIN LATERAL (
    SELECT agent_id FROM activity_event WHERE log_id = l.log_id AND leaf_index = l.action_leaf
        AND recorded_at BETWEEN i.first_recorded AND i.last_recorded OFFSET 0
) said ON true
LEFT JOIN activity_nameless named ON named.log_id = l.log_id AND named.leaf_index = l.action_leaf
WHERE l.invocation_id = ANY(%(runs)s) AND l.method = ANY(%(proving)s)"""  # noqa: S608 - words of our own

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


def joins_place(log_id: int, runs: Iterable[Invocation]) -> set[int]:
    """Join the calls of these runs, all under their ids, to those of them that they are of.

    Returns those that changed.
    """
    under: dict[str, list[int]] = defaultdict(list)
    for run in runs:
        under[run.trace].append(run.pk)
    several = [pk for of_one in under.values() if len(of_one) > 1 for pk in of_one]
    if not several:
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
