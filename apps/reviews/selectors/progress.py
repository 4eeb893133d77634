"""How far a campaign has come: by reviewer, by system, by day."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.reviews.models import Assignment, Campaign, Decision, ReviewItem
from apps.reviews.states import Disposition, FoundBy, ItemState

DECIDED = ~Q(state=ItemState.OPEN)
DAYS_SHOWN = 60


@dataclass(frozen=True, slots=True)
class Part:
    """One reviewer's or system's share of the items."""

    pk: int
    name: str
    done: int
    total: int
    is_late: bool = False

    @property
    def left(self) -> int:
        return self.total - self.done


def by_reviewer(campaign: Campaign) -> list[Part]:
    """Who has how much to do; late is whoever has open items when a fifth of the time is left."""
    return _parts(campaign, "reviewer_id", "reviewer__display_name", late=_is_late(campaign))


def by_system(campaign: Campaign) -> list[Part]:
    return _parts(campaign, "system_id", "system__name", late=False)


def _parts(campaign: Campaign, pk: str, name: str, *, late: bool) -> list[Part]:
    rows = (
        ReviewItem.objects.counted()
        .filter(campaign=campaign)
        .order_by()
        .values(pk, name)
        .annotate(total=Count("pk"), done=Count("pk", filter=DECIDED))
        .order_by(name)
    )
    return [
        Part(row[pk], row[name], row["done"], row["total"], late and row["done"] < row["total"])
        for row in rows
    ]


def _is_late(campaign: Campaign) -> bool:
    if campaign.launched_at is None:
        return False
    whole = campaign.deadline_at - campaign.launched_at
    return timezone.now() > campaign.deadline_at - whole / 5


def dispositions_of(campaign: Campaign) -> list[tuple[str, str, int]]:
    """How items ended, as (value, words, count), in the order of the choices."""
    rows = ReviewItem.objects.counted().filter(campaign=campaign).order_by()
    counted = dict(rows.values_list("disposition").annotate(n=Count("pk")))
    return [
        (value, label, counted[value]) for value, label in Disposition.choices if value in counted
    ]


def reviewers_found(campaign: Campaign) -> list[tuple[str, int]]:
    """How reviewers were found, in words, with how many items each way found."""
    rows = (
        Assignment.objects.filter(item__campaign=campaign)
        .order_by()
        .values_list("found_by")
        .annotate(n=Count("item", distinct=True))
    )
    words = dict(FoundBy.choices)
    return [(words[found], count) for found, count in rows]


def burn_down(campaign: Campaign) -> dict[str, Any] | None:
    """Open items at the end of each day since launch, beside a straight line to the deadline."""
    if campaign.launched_at is None:
        return None
    first = timezone.localdate(campaign.launched_at)
    last = min(timezone.localdate(), timezone.localdate(campaign.deadline_at))
    days = _days(first, last)
    decided = dict(
        Decision.objects.filter(item__campaign=campaign)
        .annotate(day=TruncDate("decided_at"))
        .values_list("day")
        .annotate(n=Count("pk"))
    )
    left, open_by_day = campaign.population_count, []
    for day in days:
        left -= decided.get(day, 0)
        open_by_day.append(left)
    return {
        "title": f"Open items, of {campaign.population_count}",
        "unit": "items",
        "labels": [f"{day:%-d %b}" for day in days],
        "series": [
            {"name": "Open", "values": open_by_day, "kind": "line", "tone": "reduce"},
            {"name": "Even pace", "values": _even(campaign, days), "kind": "line", "tone": "quiet"},
        ],
    }


def _days(first: date, last: date) -> list[date]:
    count = max(1, (last - first).days + 1)
    return [first + timedelta(days=number) for number in range(min(count, DAYS_SHOWN))]


def _even(campaign: Campaign, days: Sequence[date]) -> list[int]:
    first = days[0]
    whole = max(1, (timezone.localdate(campaign.deadline_at) - first).days)
    return [
        max(0, round(campaign.population_count * (1 - (day - first).days / whole))) for day in days
    ]


def newest_decisions(campaign: Campaign, *, most: int = 8) -> list[Decision]:
    """Decisions as they come, newest first."""
    rows = Decision.objects.filter(item__campaign=campaign)
    return list(rows.select_related("item", "decided_by").order_by("-pk")[:most])
