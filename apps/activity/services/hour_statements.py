"""The statements that count by the hour: each over whole sets of hours, none row by row."""

from apps.activity.statements import CLIENT, IS_CONFIRMED, IS_PROVEN, OF_SYSTEM, SUREST, TELLER
from apps.activity.states import CONFIDENCE, PROVEN_FROM

PROVING = ", ".join(
    f"'{method.value}'" for method, rung in CONFIDENCE.items() if rung >= PROVEN_FROM
)
DUE = """unnest(%(subjects)s::bigint[], %(hours)s::timestamptz[]) AS due(subject_id, hour)"""
IN_THE_HOUR = """activity_event.happened_at >= due.hour
    AND activity_event.happened_at < due.hour + interval '1 hour'"""
ONE_LOG = "(SELECT id FROM proof_log WHERE name = 'activity')"

# Hour by hour, each by its index. Planned as one join over all hours at once, the whole trail is
# read for a handful of them, and the longer it is the longer that takes.
EVENTS = """JOIN LATERAL (
    SELECT * FROM activity_event
    WHERE activity_event.log_id = {log} AND {whose} = due.subject_id AND {kinds} AND {time} OFFSET 0
) activity_event ON true"""
CALLS = EVENTS.format(log=ONE_LOG, whose="identity_id", kinds="kind = 'api'", time=IN_THE_HOUR)
# With those of which a collector did not say whose they are, and that is known by its run.
TOLD = """log_id, leaf_index, recorded_at, happened_at, {whose} AS agent_id, system_id, trace_id,
        span_id, kind, name, outcome, severity, header"""
DEEDS = f"""JOIN LATERAL (
    SELECT {TOLD.format(whose="agent_id")} FROM activity_event
    WHERE activity_event.log_id = {ONE_LOG} AND agent_id = due.subject_id
        AND kind IN ('action', 'call') AND {IN_THE_HOUR}
    UNION ALL
    SELECT found.* FROM activity_nameless named CROSS JOIN LATERAL (
        SELECT {TOLD.format(whose="due.subject_id")} FROM activity_event
        WHERE log_id = named.log_id AND leaf_index = named.leaf_index
            AND recorded_at = named.recorded_at OFFSET 0
    ) found
    WHERE named.agent_id = due.subject_id AND named.log_id = {ONE_LOG}
        AND named.kind IN ('action', 'call') AND named.happened_at >= due.hour
        AND named.happened_at < due.hour + interval '1 hour'
    OFFSET 0
) activity_event ON true"""

DROP_USE = f"""
DELETE FROM activity_usehour USING {DUE}
WHERE identity_id = due.subject_id AND activity_usehour.hour = due.hour"""

# A call proven to be of several runs counts once: for the surest, and of those the same each time.
# `proven` are those that one of its runs also tells of; what a run only carries its id on is not.
MAKE_USE = f"""
INSERT INTO activity_usehour (log_id, hour, system_id, identity_id, credential_id, agent_id, name,
    calls, proven, failed, denied, first_at, last_at)
SELECT activity_event.log_id, due.hour, max(COALESCE(activity_event.system_id, 0)), due.subject_id,
    COALESCE(activity_event.credential_id, 0), CASE WHEN run.trace_id IS NULL THEN sole.agent_id
        ELSE run.agent_id END,
    activity_event.name, count(*), count(*) FILTER (WHERE run.is_told),
    count(*) FILTER (WHERE outcome = 'failed'), count(*) FILTER (WHERE outcome = 'denied'),
    min(happened_at), max(happened_at)
FROM {DUE}
LEFT JOIN LATERAL (
    SELECT min(agent_id) AS agent_id FROM inventory_binding
    WHERE identity_id = due.subject_id AND ended_at IS NULL HAVING count(DISTINCT agent_id) = 1
) sole ON true
{CALLS}
LEFT JOIN LATERAL (
    {SUREST}
) run ON true
GROUP BY 1, 2, 4, 5, 6, 7"""

MAKE_NAMES = f"""
INSERT INTO activity_knowncall (system_id, name)
SELECT DISTINCT system_id, name FROM {DUE}
JOIN activity_usehour ON identity_id = due.subject_id AND activity_usehour.hour = due.hour
ON CONFLICT DO NOTHING"""

DROP_DEEDS = f"""
DELETE FROM activity_deedhour USING {DUE}
WHERE agent_id = due.subject_id AND activity_deedhour.hour = due.hour"""

MAKE_DEEDS = f"""
INSERT INTO activity_deedhour (log_id, hour, agent_id, system_id, name, kind, deeds, confirmed,
    unconfirmed, failed, flagged, first_at, last_at)
SELECT log_id, due_hour, due_agent, of_system, name, kind, count(*),
    count(*) FILTER (WHERE is_confirmed),
    count(*) FILTER (WHERE NOT is_confirmed AND outcome NOT IN ('failed', 'denied')),
    count(*) FILTER (WHERE outcome IN ('failed', 'denied')),
    count(*) FILTER (WHERE severity > 0), min(happened_at), max(happened_at)
FROM (
    SELECT activity_event.log_id, due.hour AS due_hour, due.subject_id AS due_agent, name, kind,
        outcome, severity, happened_at, {OF_SYSTEM} AS of_system, {IS_CONFIRMED} AS is_confirmed
    FROM {DUE}
    {DEEDS}
    OFFSET 0
) told
GROUP BY 1, 2, 3, 4, 5, 6"""

MAKE_SIGHTINGS = f"""
INSERT INTO activity_sighting AS known (log_id, identity_id, trait, value, first_at, last_at,
    proven_at)
SELECT log_id, identity_id, trait, value, min(happened_at), max(happened_at),
    max(happened_at) FILTER (WHERE is_proven)
FROM (
    SELECT activity_event.log_id, identity_id, happened_at, address, {CLIENT} AS client,
        {IS_PROVEN} AS is_proven
    FROM {DUE}
    {CALLS}
    OFFSET 0
) seen
CROSS JOIN LATERAL (VALUES ('address', address), ('client', client),
    ('hour', to_char(happened_at AT TIME ZONE 'UTC', 'HH24'))) AS told(trait, value)
WHERE value <> ''
GROUP BY 1, 2, 3, 4
ON CONFLICT (log_id, identity_id, trait, value) DO UPDATE SET
    first_at = LEAST(known.first_at, excluded.first_at),
    last_at = GREATEST(known.last_at, excluded.last_at),
    proven_at = GREATEST(known.proven_at, excluded.proven_at)
WHERE (known.first_at, known.last_at, COALESCE(known.proven_at, '-infinity')) IS DISTINCT FROM
    (LEAST(known.first_at, excluded.first_at), GREATEST(known.last_at, excluded.last_at),
     COALESCE(GREATEST(known.proven_at, excluded.proven_at), '-infinity'))"""

NOTE = """INSERT INTO activity_hourdue (subject, subject_id, hour)
SELECT DISTINCT {subject}, {of}, date_trunc('hour', {hour}, 'UTC') AS due_hour
{rows}
ORDER BY 1, 2, 3 ON CONFLICT DO NOTHING"""

# The hours of what these runs are joined to: whose it is may have changed with them, and what was
# proven before may prove nothing now.
NOTE_CALLS = NOTE.format(
    subject="'use'",
    of="call.identity_id",
    hour="call.happened_at",
    rows=f"""FROM activity_link l
JOIN LATERAL (
    SELECT identity_id, happened_at FROM activity_event WHERE log_id = l.log_id
        AND leaf_index = l.call_leaf AND recorded_at = l.call_recorded_at OFFSET 0
) call ON true
WHERE l.log_id = %(log)s AND l.invocation_id = ANY(%(runs)s) AND l.method IN ({PROVING})
    AND call.identity_id IS NOT NULL""",
)
NOTE_DEEDS = NOTE.format(
    subject="'deed'",
    of="told.agent_id",
    hour="told.happened_at",
    rows=f"""FROM activity_invocation i
JOIN LATERAL (
    SELECT {TELLER} AS agent_id, happened_at FROM activity_event
    WHERE log_id = i.log_id AND trace_id = i.trace_id
        AND recorded_at BETWEEN i.first_recorded AND i.last_recorded
        AND kind IN ('action', 'call') OFFSET 0
) told ON true
WHERE i.log_id = %(log)s AND i.id = ANY(%(runs)s) AND told.agent_id IS NOT NULL""",
)
NOTE_REBOUND_USE = NOTE.format(
    subject="'use'",
    of="identity_id",
    hour="hour",
    rows="""FROM activity_usehour WHERE identity_id IN (
    SELECT identity_id FROM inventory_binding WHERE bound_at >= %(since)s OR ended_at >= %(since)s
)""",
)
NOTE_REBOUND_DEEDS = NOTE.format(
    subject="'deed'",
    of="agent_id",
    hour="hour",
    rows="""FROM activity_deedhour WHERE agent_id IN (
    SELECT agent_id FROM inventory_binding WHERE bound_at >= %(since)s OR ended_at >= %(since)s
)""",
)

# What was counted from records that are no longer kept stays as it was counted.
KEPT = "(SELECT min(recorded_at) FROM activity_event WHERE log_id = %(log)s)"
NOTE_ALL_USE = NOTE.format(
    subject="'use'",
    of="told.identity_id",
    hour="told.at",
    rows=f"""FROM (
    SELECT identity_id, happened_at AS at FROM activity_event
    WHERE log_id = %(log)s AND kind = 'api' AND identity_id IS NOT NULL
    UNION ALL
    SELECT identity_id, hour FROM activity_usehour WHERE log_id = %(log)s AND hour >= {KEPT}
) told""",
)
NOTE_ALL_DEEDS = NOTE.format(
    subject="'deed'",
    of="told.agent_id",
    hour="told.at",
    rows=f"""FROM (
    SELECT agent_id, happened_at AS at FROM activity_event
    WHERE log_id = %(log)s AND kind IN ('action', 'call') AND agent_id IS NOT NULL
    UNION ALL
    SELECT agent_id, happened_at FROM activity_nameless
    WHERE log_id = %(log)s AND kind IN ('action', 'call') AND agent_id IS NOT NULL
    UNION ALL
    SELECT agent_id, hour FROM activity_deedhour WHERE log_id = %(log)s AND hour >= {KEPT}
) told""",
)
