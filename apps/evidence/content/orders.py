"""Orders and their proof, as they stood at the moment the package speaks of."""

from collections import defaultdict
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

from apps.audit.models import AuditEntry
from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import CHUNK
from apps.evidence.content.proofs import add_proof_file
from apps.evidence.content.review import Review
from apps.remediation.models import Order, OrderProof
from apps.remediation.states import OrderState, ProofKind
from apps.reviews.models import ReviewItem

# What is said of every order, whatever asked for it.
OF_ANY_ORDER = [
    "kind",
    "label",
    "state",
    "state_words",
    "reason",
    "target",
    "decided_by",
    "decided_at",
    "due_at",
    "executed_by",
    "executed_at",
    "effective_by",
    "verified_at",
    "verified_how",
    "exception_until",
    "follows_order",
    "plan",
    "proof_sha256",
]
ORDERS = ["order", "item", *OF_ANY_ORDER]
PROOFS = [
    "proof",
    "order",
    "kind",
    "words",
    "text",
    "file_name",
    "file_sha256",
    "file_bytes",
    "source",
    "given_by",
    "given_at",
]
FIELDS = (
    "pk",
    "kind",
    "label",
    "state",
    "reason",
    "target",
    "origin_type",
    "origin_id",
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


class Orders:
    """A campaign's orders, light enough to keep in memory; texts are read again when written."""

    def __init__(self, review: Review):
        self.review = review
        self.rows = Order.objects.of_campaign(review.campaign.pk).order_by("pk")
        if review.until:
            self.rows = self.rows.filter(created_at__lte=review.until)
        self.states = self._states()
        self.items = self._items()

    def by_item(self) -> dict[int, tuple[int, str, datetime | None]]:
        """The last order of each item: its id, state, and when it was verified."""
        found: dict[int, tuple[int, str, datetime | None]] = {}
        for pk, verified in self.rows.values_list("pk", "verified_at"):
            item = self.items.get(pk)
            if item is not None:
                found[item] = (pk, self.states[pk], self.until(verified))
        return found

    def until(self, moment: datetime | None) -> datetime | None:
        """A time, unless it lies beyond what the package speaks of."""
        cutoff = self.review.until
        return None if moment is None or (cutoff is not None and moment > cutoff) else moment

    def _states(self) -> dict[int, str]:
        states = dict(self.rows.values_list("pk", "state"))
        if self.review.until:
            later = AuditEntry.objects.filter(
                target_type="remediation.order",
                occurred_at__gt=self.review.until,
                changes__has_key="state",
                target_id__in=self.rows.values("pk"),
            )
            for pk, changes in later.order_by("-pk").values_list("target_id", "changes"):
                states[pk] = changes["state"][0]
        return states

    def _items(self) -> dict[int, int | None]:
        """Which item each order serves; an order that follows another serves the same."""
        carried = dict(
            ReviewItem.objects.filter(
                campaign=self.review.campaign, order__isnull=False
            ).values_list("order_id", "pk")
        )
        items: dict[int, int | None] = {}
        for pk, origin_type, origin_id, follows in self.rows.values_list(
            "pk", "origin_type", "origin_id", "follows_id"
        ):
            own = origin_id if origin_type == "reviews.reviewitem" else None
            items[pk] = carried.get(pk) or own or items.get(follows)
        return items


def write_orders(files: Files, orders: Orders) -> None:
    """Write orders and proofs, and put each proof file into the bag under its digest."""
    digests = write_proofs(files, orders.rows, until=orders.review.until)
    with files.csv("data/orders.csv", "Orders", ORDERS) as write:
        for order in orders.rows.values(*FIELDS).iterator(CHUNK):
            write(_order_row(order, orders, digests[order["pk"]]))


def _order_row(order: dict[str, Any], orders: Orders, digests: list[str]) -> list[Any]:
    state = orders.states[order["pk"]]
    verified = orders.until(order["verified_at"])
    executed = orders.until(order["executed_at"])
    return [
        order["pk"],
        orders.items[order["pk"]],
        order["kind"],
        order["label"],
        state,
        OrderState(state).label,
        order["reason"],
        compact(order["target"]),
        order["decided_by__display_name"],
        order["decided_at"],
        order["due_at"],
        order["executed_by__display_name"] if executed else "",
        executed,
        orders.until(order["effective_by"]),
        verified,
        order["verified_how"] if verified else "",
        order["exception_until"] if state == OrderState.EXCEPTION else "",
        order["follows_id"],
        compact(order["plan"]),
        " ".join(digests),
    ]


def write_proofs(
    files: Files, orders: QuerySet[Order], *, until: datetime | None = None
) -> dict[int, list[str]]:
    """Write the proofs of orders; returns the digests of the files of each."""
    digests: dict[int, list[str]] = defaultdict(list)
    rows = OrderProof.objects.filter(order__in=orders.order_by().values("pk")).order_by("pk")
    if until:
        rows = rows.filter(given_at__lte=until)
    with files.csv("data/proofs.csv", "Proof of orders", PROOFS) as write:
        for proof in rows.select_related("source").iterator(CHUNK):
            if proof.file_sha256 and proof.file_sha256 not in digests[proof.order_id]:
                digests[proof.order_id].append(proof.file_sha256)
                add_proof_file(files, proof.file_sha256, f"order {proof.order_id}")
            write(
                [
                    proof.pk,
                    proof.order_id,
                    proof.kind,
                    ProofKind(proof.kind).label,
                    proof.text,
                    proof.file_name,
                    proof.file_sha256,
                    proof.file_bytes or "",
                    proof.source_id,
                    proof.given_by_label,
                    proof.given_at,
                ]
            )
    return digests
