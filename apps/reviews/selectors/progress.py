"""How far a campaign has come: by reviewer, by system, by day."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncDate
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.reviews.models import Campaign, Decision, ReviewItem
from apps.reviews.states import AtClose, CampaignState, Disposition, FoundBy, ItemState

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


def asked_in(campaign: Campaign) -> QuerySet[ReviewItem]:
    """The items that somebody was asked about: not those left out or carried forward."""
    return ReviewItem.objects.counted().asked().filter(campaign=campaign)


def _parts(campaign: Campaign, pk: str, name: str, *, late: bool) -> list[Part]:
    rows = (
        asked_in(campaign)
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
    if campaign.launched_at is None or campaign.state != CampaignState.RUNNING:
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


def reviewers_found(campaign: Campaign) -> list[tuple[str, str, int]]:
    """How the reviewers of the items were found, as (value, words, count)."""
    rows = asked_in(campaign).order_by().values_list("found_by").annotate(n=Count("pk"))
    counted = dict(rows)
    return [(value, words, counted[value]) for value, words in FoundBy.choices if value in counted]


def seen_at_close(campaign: Campaign) -> list[tuple[str, str, int]]:
    """What the closing saw of the items, as (value, words, count)."""
    counted = campaign.reconciliation.get("at_close", {})
    choices = [(value or "unknown", words) for value, words in AtClose.choices]
    return [(value, words, counted[value]) for value, words in choices if value in counted]


def burn_down(campaign: Campaign) -> dict[str, Any] | None:
    """Open items at the end of each day since launch, beside a straight line to the deadline."""
    if campaign.launched_at is None:
        return None
    asked = asked_in(campaign).count()
    ends = (timezone.now(), campaign.deadline_at, campaign.decided_at or campaign.deadline_at)
    first, last = timezone.localdate(campaign.launched_at), timezone.localdate(min(ends))
    answered = _answered_by_day(campaign)
    days, left = [], []
    open_now = asked
    for number in range(max(0, (last - first).days) + 1):
        days.append(first + timedelta(days=number))
        open_now -= answered.get(days[-1], 0)
        left.append(open_now)
    shown = _thinned(range(len(days)))
    even = _even(asked, days, timezone.localdate(campaign.deadline_at))
    return {
        "title": f"Open items, of {asked} asked about",
        "unit": "items",
        "labels": [f"{days[at]:%-d %b}" for at in shown],
        "series": [
            _line("Open", [left[at] for at in shown], "reduce"),
            _line("Even pace", [even[at] for at in shown], "quiet"),
        ],
    }


def _line(name: str, values: list[int], tone: str) -> dict[str, Any]:
    return {"name": name, "values": values, "kind": "line", "tone": tone}


def _answered_by_day(campaign: Campaign) -> Counter[date]:
    """How many items were decided, or found to be gone, on each day."""
    decided = Decision.objects.filter(item__in=asked_in(campaign))
    void = asked_in(campaign).filter(state=ItemState.VOID, decision__isnull=True)
    gone = AuditEntry.objects.filter(
        target_type=ReviewItem._meta.label_lower,
        target_id__in=void.values("pk"),
        verb=Verb.ITEM_MOVED,
    )
    by_day: Counter[date] = Counter()
    for rows, at in ((decided, "decided_at"), (gone, "occurred_at")):
        by_day.update(
            dict(
                rows.order_by()
                .annotate(day=TruncDate(at))
                .values_list("day")
                .annotate(n=Count("pk"))
            )
        )
    return by_day


def _thinned(positions: range) -> list[int]:
    """At most so many days, evenly apart, and always the last."""
    step = -(-len(positions) // DAYS_SHOWN)
    return sorted({*positions[::step], positions[-1]})


def _even(asked: int, days: Sequence[date], deadline: date) -> list[int]:
    whole = max(1, (deadline - days[0]).days)
    return [max(0, round(asked * (1 - (day - days[0]).days / whole))) for day in days]


def newest_decisions(campaign: Campaign, *, most: int = 8) -> list[Decision]:
    """Decisions as they come, newest first."""
    rows = Decision.objects.filter(item__campaign=campaign)
    return list(rows.select_related("item", "decided_by").order_by("-pk")[:most])
