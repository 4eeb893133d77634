"""What measured use says of grants, written beside what their source says."""

from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Any

from django.db import connection

from apps.grants.states import LIVE

# The later of both counts: a log may be behind its source, and a source behind the log.
USED = """
UPDATE grants_grant g
SET last_used_at = greatest(g.last_used_at, seen.at), use_is_known = true,
    use_is_logged = g.use_is_logged OR NOT g.use_is_known
FROM unnest(%(grants)s::bigint[], %(at)s::timestamptz[]) AS seen(grant_id, at)
WHERE g.id = seen.grant_id
  AND (g.last_used_at IS NULL OR g.last_used_at < seen.at OR NOT g.use_is_known)
"""
KNOWN = """
UPDATE grants_grant SET use_is_known = true, use_is_logged = true
WHERE system_id = ANY(%(systems)s) AND state = ANY(%(live)s) AND NOT use_is_known
  AND NOT id = ANY(%(silent)s)
"""
UNKNOWN = """
UPDATE grants_grant SET use_is_known = false, use_is_logged = false
WHERE use_is_logged AND state = ANY(%(live)s)
  AND (NOT system_id = ANY(%(systems)s) OR id = ANY(%(silent)s))
  AND (last_used_at IS NULL OR last_used_at < %(since)s)
"""


def grants_measure(*, used: Mapping[int, datetime]) -> int:
    """Note when these grants were last used, as the log of their system tells.

    It is measured, not decided, and stands in no record: the log itself is the proof of it.
    """
    if not used:
        return 0
    return _run(USED, {"grants": list(used), "at": list(used.values())})


def grants_know(*, complete: Collection[int], silent: Collection[int] = (), since: datetime) -> int:
    """Say that use is known on systems whose log is complete since then, and only there.

    Not of the `silent` grants, whose use that log may not record. What a grant's own source tells
    stays known, whatever happens to the log.
    """
    values = {"systems": list(complete), "silent": list(silent), "live": list(LIVE), "since": since}
    return _run(KNOWN, values) + _run(UNKNOWN, values)


def _run(sql: str, values: dict[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return int(cursor.rowcount)
