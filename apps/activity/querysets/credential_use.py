"""Which runs a credential was used in, of many credentials at once."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.db import connection

from apps.activity.states import PROVEN_FROM

# Of the newest calls of each.
RUNS = """
SELECT c.id, l.invocation_id, max(e.happened_at)
FROM unnest(%(ids)s::bigint[]) AS c(id) CROSS JOIN LATERAL (
    SELECT e.log_id, e.leaf_index, e.happened_at FROM activity_event e
    WHERE e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api' AND e.outcome <> 'denied'
      AND e.happened_at >= %(since)s AND e.credential_id = c.id
    ORDER BY e.happened_at DESC LIMIT %(most)s
) e JOIN activity_link l
  ON l.log_id = e.log_id AND l.call_leaf = e.leaf_index AND l.confidence >= %(proven)s
GROUP BY 1, 2 ORDER BY 3 DESC
"""


def runs_by_credential(
    ids: Collection[int], since: datetime, most: int
) -> list[tuple[int, int, datetime]]:
    """Credential, run, and the last of its calls in it; the newest first."""
    values: dict[str, Any] = {"ids": list(ids), "since": since, "most": most, "proven": PROVEN_FROM}
    with connection.cursor() as cursor:
        cursor.execute(RUNS, values)
        rows: list[tuple[int, int, datetime]] = cursor.fetchall()
    return rows
