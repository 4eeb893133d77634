"""The statements behind measured use, which sum up partitions: SQL, in one place."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from apps.activity.states import PROVEN_FROM
from apps.grants.states import LIVE

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
LONG_AFTER = datetime(3000, 1, 1, tzinfo=UTC)

# Days are UTC days. No days stand for all of them.
# What decides how an identity's calls are matched: its live grants, and their content.
DIGESTS = """
SELECT identity_id, md5(string_agg(
    concat_ws('|', id, system_id, service, level, content_sha256), ',' ORDER BY id))
FROM grants_grant
WHERE state = ANY(%(live)s) AND (
    identity_id = ANY(%(identities)s) OR (%(identities)s::bigint[] IS NULL
    AND identity_id IN (SELECT identity_id FROM activity_usebasis)))
GROUP BY 1
"""

CALLS = """
SELECT DISTINCT identity_id, system_id, name FROM activity_usehour
WHERE identity_id = ANY(%(identities)s) AND calls > denied
  AND (%(days)s::date[] IS NULL OR (hour AT TIME ZONE 'UTC')::date = ANY(%(days)s))
"""

TARGETS = """
SELECT DISTINCT e.identity_id, e.system_id, e.name, e.target
FROM activity_event e
JOIN unnest(%(identities)s::bigint[], %(systems)s::bigint[], %(names)s::text[])
  AS wanted(identity_id, system_id, name) USING (identity_id, system_id, name)
WHERE e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api' AND e.outcome <> 'denied'
  AND (%(days)s::date[] IS NULL OR (e.happened_at AT TIME ZONE 'UTC')::date = ANY(%(days)s))
"""

# `held` says by how many grants; `ran` the newest run of the day that such a call is proven of.
DAYS = """
INSERT INTO activity_grantuse (grant_id, day, calls, sole, last_at, sample_id)
WITH held AS (
    SELECT identity_id, system_id, name, target, by_target, count(*) AS by
    FROM activity_allowedcall WHERE identity_id = ANY(%(identities)s) GROUP BY 1, 2, 3, 4, 5
), heard AS (
    SELECT e.identity_id, e.system_id, e.name, e.target, e.happened_at, e.outcome,
           (e.happened_at AT TIME ZONE 'UTC')::date AS day, ran.invocation_id
    FROM activity_event e
    LEFT JOIN LATERAL (
        SELECT l.invocation_id FROM activity_link l
        WHERE l.log_id = e.log_id AND l.call_leaf = e.leaf_index AND l.confidence >= %(proven)s
        ORDER BY l.confidence DESC LIMIT 1
    ) ran ON true
    WHERE e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api' AND e.outcome <> 'denied'
      AND e.identity_id = ANY(%(identities)s)
      AND (%(days)s::date[] IS NULL OR (e.happened_at AT TIME ZONE 'UTC')::date = ANY(%(days)s))
      AND e.happened_at >= %(since)s AND e.happened_at < %(until)s
), used AS (
    SELECT identity_id, system_id, name, '' AS target, false AS by_target,
           (hour AT TIME ZONE 'UTC')::date AS day,
           sum(calls - denied) AS calls, max(last_at) AS last_at
    FROM activity_usehour
    WHERE identity_id = ANY(%(identities)s) AND calls > denied
      AND (%(days)s::date[] IS NULL OR (hour AT TIME ZONE 'UTC')::date = ANY(%(days)s))
    GROUP BY 1, 2, 3, 4, 5, 6
    UNION ALL
    SELECT identity_id, system_id, name, target, true, day, count(*), max(happened_at)
    FROM heard GROUP BY 1, 2, 3, 4, 5, 6
), ran AS (
    SELECT a.grant_id, h.day,
           (array_agg(h.invocation_id ORDER BY h.happened_at DESC))[1] AS sample_id
    FROM heard h JOIN activity_allowedcall a
      ON a.identity_id = h.identity_id AND a.system_id = h.system_id AND a.name = h.name
     AND (NOT a.by_target OR a.target = h.target)
    WHERE h.invocation_id IS NOT NULL GROUP BY 1, 2
), counted AS (
    SELECT a.grant_id, u.day, sum(u.calls) AS calls,
           sum(u.calls) FILTER (WHERE held.by = 1) AS sole, max(u.last_at) AS last_at
    FROM used u
    JOIN held USING (identity_id, system_id, name, target, by_target)
    JOIN activity_allowedcall a USING (identity_id, system_id, name, target, by_target)
    GROUP BY 1, 2
)
SELECT c.grant_id, c.day, c.calls, coalesce(c.sole, 0), c.last_at, ran.sample_id
FROM counted c LEFT JOIN ran USING (grant_id, day)
ON CONFLICT (grant_id, day) DO UPDATE SET calls = EXCLUDED.calls, sole = EXCLUDED.sole,
    last_at = EXCLUDED.last_at, sample_id = EXCLUDED.sample_id
"""

# The newest allowed calls that `{wanted}` says, and the runs they are proven to be of; the row
# without a run counts the calls that none accounts for.
RUNS = """
WITH recent AS (
    SELECT e.log_id, e.leaf_index, e.happened_at FROM activity_event e
    WHERE e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api' AND e.outcome <> 'denied'
      AND e.happened_at >= %(since)s AND {wanted}
    ORDER BY e.happened_at DESC LIMIT %(most)s
)
SELECT l.invocation_id, count(*), max(r.happened_at)
FROM recent r LEFT JOIN activity_link l
  ON l.log_id = r.log_id AND l.call_leaf = r.leaf_index AND l.confidence >= %(proven)s
GROUP BY 1
"""
BY_CREDENTIAL = "e.credential_id = %(subject)s"
# On the days it was used alone: what no other live grant would have allowed.
BY_GRANT_ALONE = """e.identity_id = %(identity)s
  AND (e.happened_at AT TIME ZONE 'UTC')::date IN (
    SELECT day FROM activity_grantuse WHERE grant_id = %(subject)s AND sole > 0)
  AND EXISTS (
    SELECT 1 FROM activity_allowedcall a
    WHERE a.grant_id = %(subject)s AND a.identity_id = e.identity_id
      AND a.system_id = e.system_id AND a.name = e.name
      AND (NOT a.by_target OR a.target = e.target)
      AND NOT EXISTS (
        SELECT 1 FROM activity_allowedcall b
        WHERE b.identity_id = a.identity_id AND b.system_id = a.system_id AND b.name = a.name
          AND b.target = a.target AND b.by_target = a.by_target AND b.grant_id <> a.grant_id))
"""

# A trigger stands in the words of the run or of a step: erased words tell it no more.
TOLD = """
WITH runs AS (
    SELECT id, log_id, trace_id, steps, outcome, first_recorded, last_recorded
    FROM activity_invocation
    WHERE agent_id = %(agent)s AND started_at >= %(since)s AND started_at < %(until)s
    ORDER BY started_at DESC LIMIT %(most)s
)
SELECT count(*), count(*) FILTER (WHERE EXISTS (
        SELECT 1 FROM activity_event e JOIN activity_payload p
          ON p.log_id = e.log_id AND p.leaf_index = e.leaf_index AND p.recorded_at = e.recorded_at
        WHERE e.log_id = runs.log_id AND e.trace_id = runs.trace_id
          AND e.recorded_at BETWEEN runs.first_recorded AND runs.last_recorded
          AND e.kind IN ('invocation', 'step') AND strpos(p.body, '"told":') > 0
    )), count(*) FILTER (WHERE steps > 0), count(*) FILTER (WHERE outcome <> '')
FROM runs
"""

RunRow = tuple[int | None, int, datetime]


def runs_with_credential(credential_id: int, since: datetime, most: int) -> list[RunRow]:
    """Runs, each with its calls by this credential and the last of them."""
    return _runs(BY_CREDENTIAL, credential_id, since, most)


def runs_with_grant_alone(
    grant_id: int, identity_id: int, since: datetime, most: int
) -> list[RunRow]:
    """Runs, each with its calls that only this grant would have allowed, and the last of them."""
    return _runs(BY_GRANT_ALONE, grant_id, since, most, identity=identity_id)


def told_runs(
    agent_id: int, since: datetime, until: datetime, most: int
) -> tuple[int, int, int, int]:
    """Of an agent's newest runs: how many, and how many say their trigger, steps, and outcome."""
    values = {"agent": agent_id, "since": since, "until": until, "most": most}
    ((runs, triggers, steps, outcomes),) = _rows(TOLD, values)
    return runs, triggers, steps, outcomes


def _runs(wanted: str, subject: int, since: datetime, most: int, **more: int) -> list[RunRow]:
    values = {"subject": subject, "since": since, "most": most, "proven": PROVEN_FROM, **more}
    return _rows(RUNS.format(wanted=wanted), values)


def digests_of(identities: Sequence[int] | None) -> dict[int, str]:
    """What the live grants of these identities come to; of all that were measured, without them.

    An identity without a live grant is left out.
    """
    known = None if identities is None else list(identities)
    return dict(_rows(DIGESTS, {"identities": known, "live": list(LIVE)}))


def calls_of(identities: Sequence[int], days: Sequence[date] | None) -> list[tuple[int, int, str]]:
    """Identity, system, and name of every call that was allowed on these days; on all without."""
    return _rows(CALLS, {"identities": list(identities), "days": days})


def targets_of(
    named: Sequence[tuple[int, int, str]], days: Sequence[date] | None
) -> list[tuple[int, int, str, str]]:
    """What these calls were made on, as their records say."""
    if not named:
        return []
    identities, systems, names = (list(column) for column in zip(*named, strict=True))
    return _rows(
        TARGETS, {"identities": identities, "systems": systems, "names": names, "days": days}
    )


def days_count(identities: Sequence[int], days: Sequence[date] | None) -> int:
    """Write the days of use of these identities' grants; returns how many. `days` are sorted."""
    values: dict[str, Any] = {
        "identities": list(identities),
        "days": days,
        "proven": PROVEN_FROM,
        "since": _begin_of(days[0]) if days else LONG_AGO,
        "until": _begin_of(days[-1] + timedelta(days=1)) if days else LONG_AFTER,
    }
    with connection.cursor() as cursor:
        cursor.execute(DAYS, values)
        return int(cursor.rowcount)


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _rows(sql: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
