"""The whole story of one review item, from where it came to what became of it."""

from dataclasses import dataclass

from django.db.models import Q, QuerySet

from apps.audit.models import AuditEntry
from apps.evidence.models import Sample
from apps.notices.models import Notice
from apps.remediation.models import Order
from apps.reviews.models import Assignment, Decision, ItemNote, ReviewItem
from apps.reviews.selectors.contacts import contacts_about


@dataclass(frozen=True, slots=True)
class Story:
    item: ReviewItem
    assignments: QuerySet[Assignment]
    notes: QuerySet[ItemNote]
    decision: Decision | None
    orders: QuerySet[Order]
    contacts: QuerySet[Notice]
    entries: QuerySet[AuditEntry]


def story_of(item: ReviewItem) -> Story:
    assignments = item.assignments.select_related("reviewer", "assigned_by")
    asked = [assignment.reviewer_id for assignment in assignments]
    orders = Order.objects.filter(
        Q(review_items=item) | Q(origin_type="reviews.reviewitem", origin_id=item.pk)
    ).distinct()
    return Story(
        item=item,
        assignments=assignments,
        notes=item.notes.select_related("author", "addressee"),
        decision=Decision.objects.filter(item=item).select_related("decided_by").first(),
        orders=orders.select_related("decided_by", "executed_by").prefetch_related("proofs"),
        contacts=contacts_about(item, asked).order_by("pk"),
        entries=AuditEntry.objects.filter(
            Q(target_type="reviews.reviewitem", target_id=item.pk)
            | Q(target_type="remediation.order", target_id__in=orders.values("pk"))
        ).order_by("pk"),
    )


def items_of(sample: Sample) -> list[ReviewItem]:
    """The items of a sample in the order they were drawn."""
    found = ReviewItem.objects.for_table().in_bulk(sample.item_ids)
    return [found[pk] for pk in sample.item_ids]
