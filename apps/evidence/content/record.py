"""The audit entries about a campaign: what changed, by whom, and why."""

import heapq
from array import array
from collections.abc import Iterable, Iterator
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db.models import BooleanField, F, Func, Q, QuerySet, Value

from apps.audit.models import AuditEntry
from apps.evidence.content.files import Files
from apps.evidence.content.items import CHUNK
from apps.evidence.content.logs import Run, write_sealed_entries
from apps.evidence.content.review import Review
from apps.remediation.models import Order
from apps.reviews.models import Acknowledgement, Campaign, CampaignSource, Hold, ReviewItem

NAME = "data/governance.jsonl"
FIELDS = (
    "pk",
    "occurred_at",
    "actor_id",
    "actor_label",
    "channel",
    "verb",
    "target_type",
    "target_id",
    "target_label",
    "changes",
    "reason",
    "request_id",
)
# Reading and exporting is recorded too, and is no part of the review.
NOT_OF_THE_REVIEW = Q(verb__startswith="evidence.") | Q(verb__startswith="accounts.seat.")


def subjects_of(campaign: Campaign) -> dict[str, Iterable[int] | QuerySet]:
    """The records whose entries tell a campaign's story, by type."""
    of = {"campaign": campaign}
    orders = Order.objects.of_campaign(campaign.pk)
    return {
        "reviews.campaign": [campaign.pk],
        "reviews.reviewitem": ReviewItem.objects.filter(**of).values("pk"),
        "reviews.hold": Hold.objects.filter(**of).values("pk"),
        "reviews.acknowledgement": Acknowledgement.objects.filter(**of).values("pk"),
        "inventory.source": CampaignSource.objects.filter(**of).values("source"),
        "remediation.order": orders.values("pk"),
    }


def entries_about(target_type: str, ids: Iterable[int] | QuerySet) -> QuerySet[AuditEntry]:
    rows = AuditEntry.objects.filter(target_type=target_type, target_id__in=ids)
    return rows.exclude(NOT_OF_THE_REVIEW).order_by("pk")


class Unseen(Func):
    """Whether a transaction was not over yet in a state of the database, by that state's name."""

    template = "(NOT pg_visible_in_snapshot(%(expressions)s::pg_snapshot))"
    arg_joiner = "::text::xid8, "
    output_field = BooleanField()


def entries_between(
    campaign: Campaign,
    *,
    after: datetime | None = None,
    until: datetime | None = None,
    unseen_by: str | None = None,
) -> Iterator[dict[str, Any]]:
    """The entries of a campaign in order, in constant memory.

    An entry bears the time at which its transaction began. One that took long can end after a
    package was built that tells of that time: `unseen_by` is the state that the package saw, and
    what was not in it counts as later.
    """
    streams = []
    for target_type, ids in subjects_of(campaign).items():
        rows = entries_about(target_type, ids)
        if after:
            rows = rows.filter(_later(after, unseen_by))
        if until:
            rows = rows.filter(occurred_at__lte=until)
        streams.append(rows.values(*FIELDS).iterator(CHUNK))
    return heapq.merge(*streams, key=itemgetter("pk"))


def _later(after: datetime, unseen_by: str | None) -> Q:
    later = Q(occurred_at__gt=after)
    return later | Q(Unseen(F("xact_id"), Value(unseen_by))) if unseen_by else later


def write_record(
    files: Files, entries: Iterable[dict[str, Any]], *, claimed: Run | None = None
) -> int:
    """Write the entries, and the seal of each; returns how many."""
    written = array("q")
    with files.jsonl(NAME, "The record: audit entries") as write:
        for entry in entries:
            write({"entry": entry["pk"], **{field: entry[field] for field in FIELDS[1:]}})
            written.append(entry["pk"])
    write_sealed_entries(files, written, claimed=claimed)
    return len(written)


def setting_changes(review: Review) -> list[dict[str, Any]]:
    """Every change of a setting, and of the campaign's own template, until the package's moment."""
    rows = AuditEntry.objects.filter(
        Q(target_type="core.setting")
        | Q(target_type="reviews.template", target_id=review.campaign.template_id)
    ).order_by("pk")
    if review.until:
        rows = rows.filter(occurred_at__lte=review.until)
    return [
        {
            "entry": entry.pk,
            "what": entry.target_label,
            "changes": entry.changes,
            "by": entry.actor_label,
            "at": entry.occurred_at,
            "reason": entry.reason,
        }
        for entry in rows
    ]
