"""SQL that more than one part of the trail says, so that a list holds what a figure counts.

Each is a condition or a value over a row of `activity_event`, under that name. `OFFSET 0` keeps a
condition to the rows that it is asked of: the planner would else read all joins there are at once.
"""

# The kind of system that a record says it is of. A header that PostgreSQL cannot read says none.
CLAIMED_SYSTEM = r"""CASE WHEN position('\u0000' in activity_event.header) = 0
    THEN activity_event.header::json #>> '{claimed,system}' END"""
# What a record says its agent is called; null where it says nothing.
CLAIMED_AGENT = r"""CASE WHEN position('\u0000' in activity_event.header) = 0
    THEN activity_event.header::json #>> '{claimed,agent}' END"""

# Whose a record is: its header's word, else, of a collector's that says nothing, what was found by
# what it lies in or its run.
TELLER = """COALESCE(activity_event.agent_id, (
    SELECT named.agent_id FROM activity_nameless named
    WHERE named.log_id = activity_event.log_id AND named.leaf_index = activity_event.leaf_index
))"""

# The system that a deed names: the door's word, else the only one of the kind it claims that its
# agent acts on. Its header is read once, and not for each identity that its agent has.
OF_SYSTEM = f"""COALESCE(activity_event.system_id, (
    SELECT min(n.system_id) FROM (SELECT {CLAIMED_SYSTEM} AS kind OFFSET 0) claimed
    JOIN inventory_system s ON s.kind = claimed.kind
    JOIN inventory_identity n ON n.system_id = s.id
    JOIN inventory_binding b ON b.identity_id = n.id
    WHERE b.agent_id = {TELLER} AND b.ended_at IS NULL
    HAVING count(DISTINCT n.system_id) = 1
), 0)"""

_JOINS = """SELECT FROM activity_invocation i
    JOIN activity_link l ON l.invocation_id = i.id AND l.confidence >= 3"""
_OF_THE_RUN = """i.log_id = activity_event.log_id AND i.trace_id = activity_event.trace_id"""
# What was said that a call is joined to. Apart, so that it is looked for in the months of its run.
_TOLD = """SELECT e.parent_id FROM activity_event e
    WHERE e.log_id = l.log_id AND e.leaf_index = l.action_leaf
      AND e.recorded_at BETWEEN i.first_recorded AND i.last_recorded OFFSET 0"""

# Whether an API call proves a deed: one joined to it, or to a call within it.
IS_CONFIRMED = f"""(EXISTS (
    {_JOINS}
    WHERE {_OF_THE_RUN} AND l.action_leaf = activity_event.leaf_index OFFSET 0
) OR activity_event.span_id <> '' AND EXISTS (
    {_JOINS}
    JOIN LATERAL ({_TOLD}) told ON told.parent_id = activity_event.span_id
    WHERE {_OF_THE_RUN} OFFSET 0
))"""

# Whether an API call is joined to a run by more than time.
IS_PROVEN = """EXISTS (
    SELECT FROM activity_link l
    WHERE l.log_id = activity_event.log_id AND l.call_leaf = activity_event.leaf_index
      AND l.confidence >= 3 OFFSET 0
)"""

# Whether a run it is proven of also tells of it: something that the agent said accounts for it.
IS_TOLD = """EXISTS (
    SELECT FROM activity_link l
    WHERE l.log_id = activity_event.log_id AND l.call_leaf = activity_event.leaf_index
      AND l.confidence >= 3 AND l.action_leaf IS NOT NULL OFFSET 0
)"""

# By the surest of what joins a call to runs: whose it is, and whether any run tells of it. Under
# one id several agents may tell; a call is joined to the run of the one that told of it.
SUREST = """
    SELECT i.agent_id, i.trace_id, bool_or(l.action_leaf IS NOT NULL) OVER () AS is_told
    FROM activity_link l
    JOIN activity_invocation i ON i.id = l.invocation_id
    WHERE l.log_id = activity_event.log_id AND l.call_leaf = activity_event.leaf_index
      AND l.confidence >= 3
    ORDER BY l.confidence DESC, 1 NULLS LAST, 2 LIMIT 1"""
CALLER = f"(SELECT surest.agent_id FROM ({SUREST}) surest)"

# Whether a call can be tied to one agent: whose run it is proven of, else the only one that acts as
# its identity. The same as the hourly counts say by `agent_id`.
IS_ATTRIBUTED = f"""COALESCE((
    SELECT surest.agent_id IS NOT NULL FROM ({SUREST}) surest
), (
    SELECT count(DISTINCT b.agent_id) = 1 FROM inventory_binding b
    WHERE b.identity_id = activity_event.identity_id AND b.ended_at IS NULL
))"""

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

_SYSTEM_AND_NAME = {"expressions": "it.of_system, activity_event.name"}
_SYSTEM_AND_HOUR = {
    "expressions": "it.of_system, date_trunc('hour', activity_event.happened_at, 'UTC')"
}
# Whether a run of an agent holds a deed that does not say it failed, is older than a moment, and
# that a log which would show it does not: the same as is said of each deed. `seen` is a condition
# on the deed's system, `it.of_system`.
HAS_MISSED = f"""EXISTS (
    SELECT FROM activity_event
    CROSS JOIN LATERAL (SELECT {OF_SYSTEM} AS of_system OFFSET 0) it
    WHERE activity_event.log_id = activity_invocation.log_id
      AND activity_event.trace_id = activity_invocation.trace_id
      AND activity_event.recorded_at BETWEEN activity_invocation.first_recorded
          AND activity_invocation.last_recorded
      AND activity_event.kind IN ('action', 'call')
      AND activity_event.outcome NOT IN ('failed', 'denied')
      AND activity_event.happened_at < %(expressions)s AND %(seen)s
      AND {TELLER} = activity_invocation.agent_id
      AND (activity_event.kind = 'action' OR {IS_SHOWN % _SYSTEM_AND_NAME})
      AND {IS_WHOLE % _SYSTEM_AND_HOUR}
      AND NOT {IS_CONFIRMED} OFFSET 0
)"""
