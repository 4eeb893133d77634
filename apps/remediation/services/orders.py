"""What other apps may ask of orders."""

from apps.remediation.services.batches import batch_judge, credentials_end_many
from apps.remediation.services.by_hand import (
    Proof,
    order_carried_out,
    order_confirm,
    order_except,
)
from apps.remediation.services.ending import (
    credential_kill,
    credential_revoke,
    kill_confirm,
    order_undo,
)
from apps.remediation.services.expiry import EXPIRES, grants_order_expired
from apps.remediation.services.many import orders_run_awake
from apps.remediation.services.planning import (
    OrderRequest,
    orders_plan,
    orders_replan_ended_exceptions,
)
from apps.remediation.services.running import order_run
from apps.remediation.services.stopping import agent_stop
from apps.remediation.services.suspensions import suspensions_escalate
from apps.remediation.services.verification import (
    orders_check_against_source,
    orders_replaced,
)
from apps.remediation.services.watching import orders_watch
from apps.remediation.services.withdrawing import orders_withdraw

__all__ = [
    "EXPIRES",
    "OrderRequest",
    "Proof",
    "agent_stop",
    "batch_judge",
    "credential_kill",
    "credential_revoke",
    "credentials_end_many",
    "grants_order_expired",
    "kill_confirm",
    "order_carried_out",
    "order_confirm",
    "order_except",
    "order_run",
    "order_undo",
    "orders_check_against_source",
    "orders_plan",
    "orders_replaced",
    "orders_replan_ended_exceptions",
    "orders_run_awake",
    "orders_watch",
    "orders_withdraw",
    "suspensions_escalate",
]
