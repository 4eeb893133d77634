"""The orders about the credential: four times each, every step, and the provider's own words."""

from typing import Any

from apps.evidence.content.files import Files, compact
from apps.evidence.content.incident.scope import Case
from apps.evidence.content.items import CHUNK
from apps.evidence.content.orders import write_proofs
from apps.remediation.models import OrderStep
from apps.remediation.states import OrderKind, OrderState, StepStatus

ORDERS = [
    "order",
    "kind",
    "kind_words",
    "label",
    "state",
    "state_words",
    "reason",
    "connection",
    "target",
    "exposed_since",
    "decided_by_id",
    "decided_by",
    "decided_at",
    "executed_by_id",
    "executed_by",
    "executed_at",
    "effective_by",
    "stopped_at",
    "stopped_how",
    "verified_at",
    "verified_how",
    "confirmed_by_id",
    "confirmed_by",
    "confirmed_at",
    "used_after_at",
    "used_after_how",
    "undo_asked_by_id",
    "undo_asked_by",
    "undo_asked_at",
    "undo_reason",
    "trouble",
    "exception_until",
    "follows_order",
    "plan",
    "proof_sha256",
]
OF_ORDER = (
    "pk",
    "kind",
    "label",
    "state",
    "reason",
    "connection__name",
    "target",
    "exposed_since",
    "decided_by_id",
    "decided_by__display_name",
    "decided_at",
    "executed_by_id",
    "executed_by__display_name",
    "executed_at",
    "effective_by",
    "stopped_at",
    "stopped_how",
    "verified_at",
    "verified_how",
    "confirmed_by_id",
    "confirmed_by__display_name",
    "confirmed_at",
    "used_after_at",
    "used_after_how",
    "undo_asked_by_id",
    "undo_asked_by__display_name",
    "undo_asked_at",
    "undo_reason",
    "trouble",
    "exception_until",
    "follows_id",
    "plan",
)
STEPS = [
    "order",
    "step",
    "title",
    "status",
    "status_words",
    "said",
    "when",
    "begun_at",
    "done_at",
    "attempts",
    "reversible",
    "effective_seconds",
    "command",
    "undo_command",
    "operation",
    "arguments",
]


def write_orders(files: Files, case: Case) -> None:
    """Write the orders, their steps, and their proof with its files."""
    digests = write_proofs(files, case.orders)
    with files.csv("data/orders.csv", "Orders", ORDERS) as write:
        for order in case.orders.values(*OF_ORDER).iterator(CHUNK):
            write(_order_row(order, digests.get(order["pk"], [])))
    _write_steps(files, case)


def _order_row(order: dict[str, Any], digests: list[str]) -> list[Any]:
    return [
        order["pk"],
        order["kind"],
        OrderKind(order["kind"]).label,
        order["label"],
        order["state"],
        OrderState(order["state"]).label,
        order["reason"],
        order["connection__name"],
        compact(order["target"]),
        *(order[name] for name in OF_ORDER[7:-1]),
        compact(order["plan"]),
        " ".join(digests),
    ]


def _write_steps(files: Files, case: Case) -> None:
    rows = OrderStep.objects.filter(order__in=case.order_pks).order_by("order", "position")
    values = rows.values_list(
        "order",
        "position",
        "title",
        "status",
        "said",
        "when",
        "begun_at",
        "done_at",
        "attempts",
        "reversible",
        "effective_seconds",
        "command",
        "undo_command",
        "op",
        "arguments",
    )
    title = "Steps of orders, and what the system answered"
    with files.csv("data/steps.csv", title, STEPS) as write:
        for order, position, name, status, *told, arguments in values.iterator(CHUNK):
            words = StepStatus(status).label
            write([order, position, name, status, words, *told, compact(arguments)])
