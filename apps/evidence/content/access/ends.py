"""That what was approved is in place, that it was asked about, and how it ended."""

from typing import Any

from apps.approvals.models import RemovalProposal, RequestProof
from apps.approvals.states import ProposalState
from apps.evidence.content.access.scope import REQUEST, USE, Scope
from apps.evidence.content.contacts import write_notices
from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import CHUNK
from apps.evidence.content.orders import OF_ANY_ORDER, write_proofs
from apps.evidence.content.proofs import add_proof_file
from apps.notices.models import Notice
from apps.remediation.states import OrderState

PROVISIONING = [
    "request",
    "proof",
    "text",
    "file_name",
    "file_sha256",
    "file_bytes",
    "source",
    "source_sha256",
    "given_by_id",
    "given_by",
    "given_at",
]
PROPOSALS = [
    "request",
    "proposal",
    "days",
    "use_is_known",
    "last_used_at",
    "state",
    "state_words",
    "made_at",
    "moved_at",
    "moved_by",
    "reason",
]
ORDERS = ["order", "request", "break_glass", "origin", "grant", *OF_ANY_ORDER]
OF_ORDER = (
    "pk",
    "origin_type",
    "origin_id",
    "grant_id",
    "kind",
    "label",
    "state",
    "reason",
    "target",
    "decided_by__display_name",
    "decided_at",
    "due_at",
    "executed_by__display_name",
    "executed_at",
    "effective_by",
    "verified_at",
    "verified_how",
    "exception_until",
    "follows_id",
    "plan",
)


def write_provisioning(files: Files, scope: Scope) -> None:
    rows = RequestProof.objects.filter(request__in=scope.pks).order_by("request", "pk")
    values = rows.values_list(
        "request",
        "pk",
        "text",
        "file_name",
        "file_sha256",
        "file_bytes",
        "source_id",
        "source__raw_sha256",
        "given_by_id",
        "given_by_label",
        "given_at",
    )
    title = "Proof that it was put in place"
    with files.csv("data/provisioning.csv", title, PROVISIONING) as write:
        for request, pk, text, name, sha256, size, *told in values.iterator(CHUNK):
            if sha256:
                add_proof_file(files, sha256, f"request {request}")
            write([request, pk, text, name, sha256, size or "", *told])


def write_proposals(files: Files, scope: Scope) -> None:
    rows = RemovalProposal.objects.filter(request__in=scope.pks).order_by("request", "pk")
    values = rows.values_list(
        "request",
        "pk",
        "days",
        "use_is_known",
        "last_used_at",
        "state",
        "made_at",
        "moved_at",
        "moved_by__display_name",
        "reason",
    )
    title = "Proposals to remove what is not used"
    with files.csv("data/proposals.csv", title, PROPOSALS) as write:
        for *told, state, made, moved, by, reason in values.iterator(CHUNK):
            write([*told, state, ProposalState(state).label, made, moved, by, reason])


def write_ends(files: Files, scope: Scope) -> None:
    """The orders by which access ended, with their proof."""
    digests = write_proofs(files, scope.orders)
    with files.csv("data/orders.csv", "Orders", ORDERS) as write:
        for order in scope.orders.values(*OF_ORDER).iterator(CHUNK):
            write(_order_row(order, digests.get(order["pk"], [])))


def _order_row(order: dict[str, Any], digests: list[str]) -> list[Any]:
    origin = order["origin_type"]
    return [
        order["pk"],
        order["origin_id"] if origin == REQUEST else "",
        order["origin_id"] if origin == USE else "",
        origin,
        order["grant_id"],
        order["kind"],
        order["label"],
        order["state"],
        OrderState(order["state"]).label,
        order["reason"],
        compact(order["target"]),
        *(order[name] for name in OF_ORDER[9:19]),
        compact(order["plan"]),
        " ".join(digests),
    ]


def write_contacts(files: Files, scope: Scope) -> None:
    """Who was told what about requests and emergencies."""
    rows = Notice.objects.filter(about_type=REQUEST, about_id__in=scope.pks)
    rows |= Notice.objects.filter(about_type=USE, about_id__in=scope.use_pks)
    write_notices(files, rows)
