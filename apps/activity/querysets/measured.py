"""The statements behind measured use, which sum up partitions: SQL, in one place."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import connection

from apps.activity.statements import CLAIMED_AGENT
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

USED = """
SELECT identity_id, system_id, name, (hour AT TIME ZONE 'UTC')::date AS day,
       sum(calls - denied), max(last_at)
FROM activity_usehour
WHERE identity_id = ANY(%(identities)s) AND calls > denied
  AND (%(days)s::date[] IS NULL OR (hour AT TIME ZONE 'UTC')::date = ANY(%(days)s))
GROUP BY 1, 2, 3, 4
"""

# Of the calls whose target decides, by it; of the others the proven ones, for a run that shows it.
HEARD = """
SELECT e.identity_id, e.system_id, e.name,
       CASE WHEN wanted.name IS NULL THEN '' ELSE e.target END,
       (e.happened_at AT TIME ZONE 'UTC')::date AS day, count(DISTINCT e.leaf_index),
       max(e.happened_at),
       (array_agg(l.invocation_id ORDER BY e.happened_at DESC)
            FILTER (WHERE l.invocation_id IS NOT NULL))[1]
FROM activity_event e
LEFT JOIN unnest(%(by_identity)s::bigint[], %(by_system)s::bigint[], %(by_name)s::text[])
  AS wanted(identity_id, system_id, name) USING (identity_id, system_id, name)
LEFT JOIN activity_link l
  ON l.log_id = e.log_id AND l.call_leaf = e.leaf_index AND l.confidence >= %(proven)s
WHERE e.log_id = ANY(%(logs)s) AND e.kind = 'api' AND e.outcome <> 'denied'
  AND e.identity_id = ANY(%(identities)s)
  AND e.happened_at >= %(since)s AND e.happened_at < %(until)s
  AND (%(days)s::date[] IS NULL OR (e.happened_at AT TIME ZONE 'UTC')::date = ANY(%(days)s))
  AND (wanted.name IS NOT NULL OR l.invocation_id IS NOT NULL)
GROUP BY 1, 2, 3, 4, 5
"""

# What worked of each identity while its grants stayed as they were, whole hours at a time.
WORKED = """
SELECT asked.number, u.system_id, u.name, sum(u.calls - u.failed - u.denied)
FROM unnest(%(numbers)s::int[], %(identities)s::bigint[], %(since)s::timestamptz[],
            %(until)s::timestamptz[]) AS asked(number, identity_id, since, until)
JOIN activity_usehour u ON u.identity_id = asked.identity_id
  AND u.hour >= asked.since AND u.hour < asked.until
WHERE u.calls > u.failed + u.denied
GROUP BY 1, 2, 3
"""
WORKED_ON = """
SELECT asked.number, e.system_id, e.name, e.target, count(*)
FROM unnest(%(numbers)s::int[], %(identities)s::bigint[], %(since)s::timestamptz[],
            %(until)s::timestamptz[], %(systems)s::bigint[], %(names)s::text[])
  AS asked(number, identity_id, since, until, system_id, name)
JOIN activity_event e ON e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api'
  AND e.identity_id = asked.identity_id AND e.happened_at >= asked.since
  AND e.happened_at < asked.until AND e.system_id = asked.system_id AND e.name = asked.name
  AND e.outcome NOT IN ('failed', 'denied')
GROUP BY 1, 2, 3, 4
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

# The same without many credentials and grants at once, at most so many calls of each system: by
# credential, and by run. A call that several runs are proven to have made counts once.
RUNS_OF_MANY = """
WITH lost AS (
    SELECT n.system_id, array_agg(c.id) AS credentials, '{}'::bigint[] AS identities
    FROM inventory_credential c JOIN inventory_identity n ON n.id = c.identity_id
    WHERE c.id = ANY(%(credentials)s) GROUP BY 1
    UNION ALL
    SELECT g.system_id, '{}', array_agg(DISTINCT g.identity_id)
    FROM grants_grant g WHERE g.id = ANY(%(grants)s) GROUP BY 1
), needing AS (
    SELECT lost.system_id, e.credential_id, e.log_id, e.leaf_index, e.happened_at
    FROM lost CROSS JOIN LATERAL (
        SELECT * FROM activity_event e
        WHERE e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api' AND e.outcome <> 'denied'
          AND e.happened_at >= %(since)s AND e.credential_id = ANY(lost.credentials)
        LIMIT %(most)s
    ) e WHERE lost.credentials <> '{}'
    UNION ALL
    SELECT lost.system_id, NULL, e.log_id, e.leaf_index, e.happened_at
    FROM lost CROSS JOIN LATERAL (
        SELECT * FROM activity_event e
        WHERE e.log_id IN (SELECT id FROM proof_log) AND e.kind = 'api' AND e.outcome <> 'denied'
          AND e.happened_at >= %(since)s AND e.identity_id = ANY(lost.identities)
          AND e.system_id = lost.system_id
          AND (e.credential_id IS NULL OR e.credential_id <> ALL(%(credentials)s))
          AND EXISTS (
            SELECT 1 FROM activity_allowedcall a
            WHERE a.grant_id = ANY(%(grants)s) AND a.identity_id = e.identity_id
              AND a.system_id = e.system_id AND a.name = e.name
              AND (NOT a.by_target OR a.target = e.target)
              AND NOT EXISTS (
                SELECT 1 FROM activity_allowedcall b
                WHERE b.identity_id = a.identity_id AND b.system_id = a.system_id
                  AND b.name = a.name AND b.target = a.target AND b.by_target = a.by_target
                  AND b.grant_id <> ALL(%(grants)s)))
        LIMIT %(most)s
    ) e WHERE lost.identities <> '{}'
)
SELECT one.system_id, GROUPING(one.credential_id) = 0, one.credential_id, l.invocation_id,
       count(DISTINCT (one.log_id, one.leaf_index)), max(one.happened_at)
FROM needing one LEFT JOIN activity_link l
  ON l.log_id = one.log_id AND l.call_leaf = one.leaf_index AND l.confidence >= %(proven)s
GROUP BY GROUPING SETS ((one.system_id, one.credential_id), (one.system_id, l.invocation_id))
"""

# Of what a run says the captured words count, and not that a span came or ended: erased words tell
# no more, and telemetry without content tells nothing. Some frameworks send them as log events.
SAYS = """EXISTS (
        SELECT 1 FROM activity_event e JOIN activity_payload p
          ON p.log_id = e.log_id AND p.leaf_index = e.leaf_index AND p.recorded_at = e.recorded_at
        WHERE e.log_id = runs.log_id AND e.trace_id = runs.trace_id
          AND e.recorded_at BETWEEN runs.first_recorded AND runs.last_recorded
          AND e.kind IN ('invocation', 'step', 'other') AND {mine} AND ({what})
    )"""
# Under one id others may tell: theirs are not its words. What names nobody counts for the first run
# of a known agent there, and what claims another name for none.
MINE = f"""(e.agent_id = runs.agent_id OR e.agent_id IS NULL AND COALESCE((
            SELECT named.agent_id = runs.agent_id FROM activity_nameless named
            WHERE named.log_id = e.log_id AND named.leaf_index = e.leaf_index
        ), NOT EXISTS (
            SELECT FROM activity_invocation first WHERE first.log_id = runs.log_id
                AND first.trace_id = runs.trace_id AND first.agent_id IS NOT NULL
                AND first.id < runs.id
        ) AND {CLAIMED_AGENT.replace("activity_event.", "e.")} IS NULL))"""  # noqa: S608 - words of our own
# A step that calls nothing answers, and its answer is what it came to; why it failed is not.
SAID = {
    "trigger": SAYS.format(mine=MINE, what="""strpos(p.body, '"told":') > 0"""),
    "reason": SAYS.format(
        mine=MINE,
        what="""strpos(p.body, '"decided":') > 0 OR (e.kind = 'step'
            AND e.outcome NOT IN ('failed', 'denied') AND strpos(p.body, '"outcome":') > 0)""",
    ),
    "end": SAYS.format(mine=MINE, what="""strpos(p.body, '"outcome":') > 0"""),
}
TOLD = """
WITH runs AS (
    SELECT id, log_id, trace_id, agent_id, outcome, first_recorded, last_recorded
    FROM activity_invocation
    WHERE agent_id = %(agent)s AND started_at >= %(since)s AND started_at < %(until)s
    ORDER BY started_at DESC LIMIT %(most)s
)
SELECT count(*), count(*) FILTER (WHERE {trigger}), count(*) FILTER (WHERE {reason}),
    count(*) FILTER (WHERE outcome IN ('failed', 'denied') OR {end})
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


ManyRow = tuple[int, bool, int | None, int | None, int, datetime]


def runs_with_many(
    credential_ids: Sequence[int], grant_ids: Sequence[int], since: datetime, most: int
) -> list[ManyRow]:
    """By system: calls by each credential where the second says so, else by the run they are of.

    Of grants those calls that nothing but these grants would have allowed, under no credential;
    but not those with one of these credentials, which are counted there.
    """
    values = {
        "credentials": list(credential_ids),
        "grants": list(grant_ids),
        "since": since,
        "most": most,
        "proven": PROVEN_FROM,
    }
    return _rows(RUNS_OF_MANY, values)


@dataclass(frozen=True, slots=True)
class Stood:
    """A time, in whole hours, in which an identity's grants stayed as they were."""

    identity_id: int
    since: datetime
    until: datetime


def worked(times: Sequence[Stood]) -> list[tuple[int, int, str, int]]:
    """Which of these times, system, name, and how many calls worked."""
    return _rows(WORKED, _of_times(range(len(times)), times))


def worked_on(
    asked: Sequence[tuple[int, int, str]], times: Sequence[Stood]
) -> list[tuple[int, int, str, str, int]]:
    """The same from the records for these times, systems, and names, by what was called on."""
    if not asked:
        return []
    numbers, systems, names = (list(column) for column in zip(*asked, strict=True))
    values = _of_times(numbers, times) | {"systems": systems, "names": names}
    return _rows(WORKED_ON, values)


def _of_times(numbers: Sequence[int], times: Sequence[Stood]) -> dict[str, Any]:
    chosen = [times[number] for number in numbers]
    return {
        "numbers": list(numbers),
        "identities": [one.identity_id for one in chosen],
        "since": [one.since for one in chosen],
        "until": [one.until for one in chosen],
    }


def told_runs(
    agent_id: int, since: datetime, until: datetime, most: int
) -> tuple[int, int, int, int]:
    """Of an agent's newest runs: how many, and how many say their trigger, steps, and outcome."""
    values = {"agent": agent_id, "since": since, "until": until, "most": most}
    ((runs, triggers, steps, outcomes),) = _rows(TOLD.format(**SAID), values)
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


UsedRow = tuple[int, int, str, date, int, datetime]
HeardRow = tuple[int, int, str, str, date, int, datetime, int | None]


def used_by_day(identities: Sequence[int], days: Sequence[date] | None) -> list[UsedRow]:
    """Identity, system, name, day, how many calls were allowed, and the last of them."""
    return _rows(USED, {"identities": list(identities), "days": days})


def heard_by_day(
    identities: Sequence[int],
    by_target: Sequence[tuple[int, int, str]],
    days: Sequence[date] | None,
) -> list[HeardRow]:
    """The same from the records, by target for these names, with the newest run it is proven of.

    Of other names only what is proven is told, under no target. `days` are sorted.
    """
    columns = [list(column) for column in zip(*by_target, strict=True)] or [[], [], []]
    values: dict[str, Any] = {
        "identities": list(identities),
        "by_identity": columns[0],
        "by_system": columns[1],
        "by_name": columns[2],
        "days": days,
        "logs": [row[0] for row in _rows("SELECT id FROM proof_log", {})],
        "proven": PROVEN_FROM,
        "since": _begin_of(days[0]) if days else LONG_AGO,
        "until": _begin_of(days[-1] + timedelta(days=1)) if days else LONG_AFTER,
    }
    return _rows(HEARD, values)


def _begin_of(day: date) -> datetime:
    return datetime.combine(day, time.min, tzinfo=UTC)


def _rows(sql: str, values: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return list(cursor.fetchall())
