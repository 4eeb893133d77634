"""What a join is worth, beside how it was made: whether the run's agent may act as that identity.

A request's id may be used twice, and an id that is carried along may be anybody's. So a call that
names a run is proven to be of it only where nothing speaks against that: its identity is bound to
the run's agent, or was to nobody at that time. Else the join is kept, contested, and proves
nothing.
Near a run, "the same credential" is one that also signed a call proven to be of that run.
"""

from collections.abc import Collection, Iterable
from datetime import datetime

from django.db import connection
from django.db.models import Count, Q

from apps.activity.models import Invocation
from apps.activity.states import CONFIDENCE, CONTESTED, PROVEN_FROM, Method

PROVING = [method.value for method, rung in CONFIDENCE.items() if rung >= PROVEN_FROM]
RUNGS = " ".join(f"WHEN '{method.value}' THEN {rung}" for method, rung in CONFIDENCE.items())
# The call of a link, by its place alone.
CALL = """JOIN LATERAL (
        SELECT identity_id, credential_id, happened_at, request_id FROM activity_event
        WHERE log_id = l.log_id AND leaf_index = l.call_leaf AND recorded_at = l.call_recorded_at
        OFFSET 0
    ) call ON true"""
BOUND = """SELECT FROM inventory_binding b WHERE b.identity_id = call.identity_id
            AND (b.ended_at IS NULL OR b.ended_at > call.happened_at)"""

JUDGE = f"""
WITH judged AS (
    SELECT l.id, CASE WHEN EXISTS ({BOUND})
            AND NOT EXISTS ({BOUND} AND b.agent_id = i.agent_id)
        THEN {CONTESTED} ELSE CASE l.method {RUNGS} END END AS worth
    FROM activity_link l JOIN activity_invocation i ON i.id = l.invocation_id {CALL}
    WHERE l.invocation_id = ANY(%(runs)s) AND l.method = ANY(%(proving)s)
)
UPDATE activity_link SET confidence = judged.worth FROM judged
WHERE activity_link.id = judged.id AND activity_link.confidence <> judged.worth
RETURNING invocation_id"""  # noqa: S608 - rungs and words of our own

SIGNED = f"""
WITH known AS (
    SELECT DISTINCT l.invocation_id, call.credential_id FROM activity_link l {CALL}
    WHERE l.invocation_id = ANY(%(runs)s) AND l.confidence >= {PROVEN_FROM}
      AND call.credential_id IS NOT NULL
), near AS (
    SELECT l.id, CASE WHEN known.credential_id IS NULL THEN '{Method.PRINCIPAL_WINDOW.value}'
        ELSE '{Method.CREDENTIAL_WINDOW.value}' END AS method
    FROM activity_link l {CALL}
    LEFT JOIN known ON known.invocation_id = l.invocation_id
        AND known.credential_id = call.credential_id
    WHERE l.invocation_id = ANY(%(runs)s) AND NOT l.method = ANY(%(proving)s)
)
UPDATE activity_link SET method = near.method, confidence = CASE near.method {RUNGS} END
FROM near WHERE activity_link.id = near.id AND activity_link.method <> near.method"""  # noqa: S608 - the same

# The runs that calls name, of identities that are bound otherwise since then.
REBOUND = """
SELECT DISTINCT l.invocation_id FROM activity_event e
JOIN activity_link l ON l.log_id = e.log_id AND l.call_leaf = e.leaf_index
    AND l.method = ANY(%(proving)s)
WHERE e.log_id = %(log)s AND e.kind = 'api' AND e.identity_id IN (
    SELECT identity_id FROM inventory_binding WHERE bound_at >= %(since)s OR ended_at >= %(since)s
)"""


def joins_judge(run_ids: Collection[int]) -> set[int]:
    """Say what the joins of these runs are worth; returns the runs of which one changed."""
    with connection.cursor() as cursor:
        cursor.execute(JUDGE, {"runs": list(run_ids), "proving": PROVING})
        changed = {run for (run,) in cursor.fetchall()}
        cursor.execute(SIGNED, {"runs": list(run_ids), "proving": PROVING})
    return changed


def joins_count(run_ids: Iterable[int]) -> None:
    """Count anew what is joined to these runs."""
    counted = (
        Invocation.objects.filter(pk__in=run_ids)
        .annotate(
            sure=Count("links", filter=Q(links__confidence__gte=PROVEN_FROM)),
            by=Count("links", filter=Q(links__confidence__lt=PROVEN_FROM)),
        )
        .order_by("pk")
    )
    rows = list(counted)
    for one in rows:
        one.proven, one.near = one.sure, one.by
    Invocation.objects.bulk_update(rows, ["proven", "near"], batch_size=500)


def runs_rebound(log_id: int, since: datetime) -> set[int]:
    """Runs named by calls of identities whose bindings changed since then."""
    with connection.cursor() as cursor:
        cursor.execute(REBOUND, {"log": log_id, "since": since, "proving": PROVING})
        return {run for (run,) in cursor.fetchall()}
