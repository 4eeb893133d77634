"""SQL that more than one part of the trail says, so that a list holds what a figure counts.

Each is a condition or a value over a row of `activity_event`, under that name. `OFFSET 0` keeps a
condition to the rows that it is asked of: the planner would else read all joins there are at once.
"""

# A call of a log that carries only the run's id confirms what the agent did within this of it.
SKEW = "interval '2 minutes'"

# The system that a deed names: the door's word, else the only one of the kind it claims that its
# agent acts on. A header that PostgreSQL cannot read as JSON names none.
OF_SYSTEM = """COALESCE(activity_event.system_id, (
    SELECT min(n.system_id) FROM inventory_binding b
    JOIN inventory_identity n ON n.id = b.identity_id
    JOIN inventory_system s ON s.id = n.system_id
    WHERE b.agent_id = activity_event.agent_id AND b.ended_at IS NULL
      AND s.kind = CASE WHEN position('\\u0000' in activity_event.header) = 0
                        THEN activity_event.header::json #>> '{claimed,system}' END
    HAVING count(DISTINCT n.system_id) = 1
), 0)"""

_JOINS = """SELECT FROM activity_invocation i
    JOIN activity_link l ON l.invocation_id = i.id AND l.confidence >= 3"""
_OF_THE_RUN = """i.log_id = activity_event.log_id AND i.trace_id = activity_event.trace_id"""

# Whether an API call proves a deed: one joined to it, or to a call within it; or one that carries
# only the run's id, of the same system as far as that is known, while the deed went on.
IS_CONFIRMED = f"""(EXISTS (
    {_JOINS}
    WHERE {_OF_THE_RUN} AND l.action_leaf = activity_event.leaf_index OFFSET 0
) OR activity_event.span_id <> '' AND EXISTS (
    {_JOINS}
    JOIN activity_event told ON told.log_id = l.log_id AND told.leaf_index = l.action_leaf
        AND told.recorded_at BETWEEN i.first_recorded AND i.last_recorded
    WHERE {_OF_THE_RUN} AND told.parent_id = activity_event.span_id OFFSET 0
) OR EXISTS (
    {_JOINS} AND l.action_leaf IS NULL
    JOIN activity_event made ON made.log_id = l.log_id AND made.leaf_index = l.call_leaf
        AND made.recorded_at = l.call_recorded_at
    WHERE {_OF_THE_RUN}
      AND made.happened_at BETWEEN activity_event.happened_at - {SKEW}
                               AND activity_event.ended_at + {SKEW}
      AND {OF_SYSTEM} IN (0, COALESCE(made.system_id, 0))
    OFFSET 0
))"""

# Whether an API call is joined to a run by more than time.
IS_PROVEN = """EXISTS (
    SELECT FROM activity_link l
    WHERE l.log_id = activity_event.log_id AND l.call_leaf = activity_event.leaf_index
      AND l.confidence >= 3 OFFSET 0
)"""

# The client without its version: each new one would be a new client.
CLIENT = r"""lower(left(substring(CASE WHEN position('\u0000' in activity_event.header) = 0
    THEN activity_event.header::json ->> 'client' END from '^\[?([^]/;( ]+)'), 100))"""

# Whether a log of a system ever held a call of a name; of both, as expressions.
IS_SHOWN = """EXISTS (
    SELECT FROM activity_knowncall shown WHERE (shown.system_id, shown.name) = (%(expressions)s)
    OFFSET 0
)"""
# Whether a log of a system is whole for an hour; of both, as expressions.
IS_WHOLE = """EXISTS (
    SELECT FROM activity_stream whole, (SELECT %(expressions)s) AS asked(system_id, hour)
    WHERE whole.system_id = asked.system_id AND whole.complete_from <= asked.hour
      AND whole.complete_until >= asked.hour + interval '1 hour'
    OFFSET 0
)"""
