"""Where the data came from, what was let through, and what was not looked at."""

from collections.abc import Iterator
from typing import Any

from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import NO_ANSWER
from apps.evidence.content.orders import Orders
from apps.evidence.content.review import Review
from apps.remediation.states import OrderState
from apps.reviews.models import CampaignSource, Hold, ReviewItem
from apps.reviews.states import Disposition, ItemState

SOURCES = [
    "source",
    "moment",
    "label",
    "format",
    "account",
    "stream",
    "file_name",
    "raw_sha256",
    "raw_bytes",
    "raw_in_package",
    "command",
    "provider_time",
    "read_at",
    "age_hours",
    "stale",
    "read",
    "accepted",
    "rejected",
    "obtained",
    "brought_by",
    "through",
]
EXCEPTIONS = ["what", "item", "order", "detail", "reason", "by", "at", "until"]
NOT_COVERED = ["what", "count", "why"]


def sources_of(review: Review) -> Iterator[CampaignSource]:
    rows = CampaignSource.objects.filter(campaign=review.campaign).select_related("source")
    return rows.order_by("moment", "source_id").iterator()


def obtained(independently: bool) -> str:  # noqa: FBT001  (a label for one field)
    return "independently obtained" if independently else "not independently obtained"


def write_sources(files: Files, review: Review) -> None:
    with files.csv("data/sources.csv", "Sources", SOURCES) as write:
        for used in sources_of(review):
            source = used.source
            write(
                [
                    source.pk,
                    used.moment,
                    source.label,
                    source.format,
                    source.account,
                    source.stream,
                    source.file_name,
                    source.raw_sha256,
                    source.raw_bytes,
                    False,
                    source.command,
                    source.provider_time,
                    source.read_at,
                    used.age_hours,
                    used.is_stale,
                    source.read_count,
                    source.accepted_count,
                    source.rejected_count,
                    obtained(source.independently_obtained),
                    source.brought_by_label,
                    source.channel,
                ]
            )


def write_exceptions(files: Files, review: Review, orders: Orders) -> None:
    with files.csv("data/exceptions.csv", "Exceptions", EXCEPTIONS) as write:
        for row in _overrides(review):
            write(row)
        for row in _unanswered(review):
            write(row)
        for row in _standing(orders):
            write(row)


def _overrides(review: Review) -> Iterator[list[Any]]:
    """Where a rule was set aside for the whole campaign, with its reason."""
    campaign = review.campaign
    said = (
        ("Stale sources were accepted", campaign.stale_reason, campaign.staged_at),
        ("Many items went to the fallback reviewer", campaign.fallback_reason, campaign.staged_at),
        (
            "The campaign was closed before its deadline",
            campaign.early_close_reason,
            campaign.decided_at,
        ),
        (
            "It was closed though a source was not read again",
            campaign.unread_reason,
            campaign.closed_at,
        ),
    )
    for what, reason, at in said:
        if reason:
            yield [what, "", "", "", reason, "", at, ""]
    for hold in Hold.objects.filter(campaign=campaign).select_related("decided_by").order_by("pk"):
        detail = f"{hold.count} items, {hold.share_percent} % of the population"
        what = f"Mass change: {hold.get_state_display().lower()}"
        yield [what, "", "", detail, hold.reason, hold.decided_by or "", hold.decided_at, ""]


def _unanswered(review: Review) -> Iterator[list[Any]]:
    rows = ReviewItem.objects.filter(campaign=review.campaign).order_by("pk")
    kept = rows.filter(disposition__in=[*NO_ANSWER, Disposition.CARRIED])
    for item in kept.values("pk", "label", "disposition", "state_reason", "order_id").iterator():
        words = Disposition(item["disposition"]).label
        yield [words, item["pk"], item["order_id"], item["label"], item["state_reason"], "", "", ""]
    left_out = rows.filter(state=ItemState.EXCLUDED)
    for pk, label, reason in left_out.values_list("pk", "label", "state_reason").iterator():
        yield ["Excluded", pk, "", label, reason, "", "", ""]


def _standing(orders: Orders) -> Iterator[list[Any]]:
    for order in orders.rows.iterator():
        if orders.states[order.pk] == OrderState.EXCEPTION:
            yield [
                "An order waits for an exception to end",
                orders.items[order.pk],
                order.pk,
                order.label,
                order.reason,
                "",
                "",
                order.exception_until,
            ]


def write_not_covered(files: Files, review: Review) -> None:
    with files.csv("data/not_covered.csv", "What was not looked at", NOT_COVERED) as write:
        for what in not_covered(review):
            write([what["what"], what["count"], what["why"]])


def not_covered(review: Review) -> list[dict[str, Any]]:
    """What the review does not speak of, and why, in words."""
    found = [_told(entry) for entry in review.campaign.excluded]
    for used in sources_of(review):
        if used.is_stale:
            what = f"Changes in {used.source.label} after it was read, {used.moment}"
            why = f"The source was stale: {used.age_hours} hours old."
            found.append({"what": what, "count": "", "why": why})
        if used.source.rejected_count:
            what = f"Records of {used.source.label} that could not be read, {used.moment}"
            why = "They were rejected on import."
            found.append({"what": what, "count": used.source.rejected_count, "why": why})
    found.append(
        {
            "what": "The raw files that the sources were read from",
            "count": "",
            "why": "They are deleted once imported. data/sources.csv holds the SHA-256 of each.",
        }
    )
    found.append(
        {
            "what": "What agents did with the access",
            "count": "",
            "why": "The package shows who may do what and who decided; it holds no activity logs.",
        }
    )
    return found


def _told(entry: Any) -> dict[str, Any]:
    """One line of what staging left out, whatever facts came with it."""
    if not isinstance(entry, dict):
        return {"what": str(entry), "count": "", "why": ""}
    rest = {key: value for key, value in entry.items() if key not in {"what", "count", "why"}}
    return {
        "what": entry.get("what") or compact(rest),
        "count": entry.get("count", ""),
        "why": entry.get("why") or entry.get("reason", ""),
    }
