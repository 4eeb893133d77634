"""What is due for rotation, and when: in numbers, and day by day over a month."""

import calendar
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from django.db.models import Count as CountOf
from django.db.models.functions import TruncDate
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.listing import Count, count_capped
from apps.inventory.models import Credential

SPANS = ((7, "Due within 7 days"), (30, "Due within 30 days"))
OVERDUE = "overdue"


@dataclass(frozen=True, slots=True)
class Figure:
    """A number, and the list of what it counts."""

    label: str
    count: Count
    href: str
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class Day:
    """One day of a month: how many are due, or were. `inside` is False for its neighbours'."""

    on: date
    count: int
    inside: bool
    state: str

    @property
    def href(self) -> str:
        query = {"due_from": self.on.isoformat(), "due_to": self.on.isoformat()}
        return f"{reverse('rotation:due_list')}?{urlencode(query)}"


@dataclass(frozen=True, slots=True)
class Month:
    first: date
    weeks: Sequence[Sequence[Day]]
    total: int

    @property
    def before(self) -> str:
        return (self.first - timedelta(days=1)).strftime("%Y-%m")

    @property
    def after(self) -> str:
        return (self.first + timedelta(days=31)).strftime("%Y-%m")

    @property
    def href(self) -> str:
        last = self.first.replace(day=calendar.monthrange(self.first.year, self.first.month)[1])
        query = {"due_from": self.first.isoformat(), "due_to": last.isoformat()}
        return f"{reverse('rotation:due_list')}?{urlencode(query)}"


def due_figures(actor: Actor, now: datetime) -> list[Figure]:
    rows: Any = Credential.objects.visible_to(actor)
    listed = reverse("rotation:due_list")
    overdue = count_capped(rows.rotation_due(None, now))
    figures = [Figure("Overdue", overdue, f"{listed}?due={OVERDUE}", bool(overdue.value))]
    for days, label in SPANS:
        within = rows.rotation_due(now, now + timedelta(days=days))
        figures.append(Figure(label, count_capped(within), f"{listed}?due={days}"))
    return figures


def month_of(actor: Actor, first: date) -> Month:
    """The days of a month in whole weeks, as the reader's zone has them; one query."""
    weeks = calendar.Calendar().monthdatescalendar(first.year, first.month)
    start = timezone.make_aware(datetime.combine(weeks[0][0], time.min))
    end = timezone.make_aware(datetime.combine(weeks[-1][-1] + timedelta(days=1), time.min))
    rows: Any = Credential.objects.visible_to(actor).rotating()
    due = rows.filter(rotation_due_at__gte=start, rotation_due_at__lt=end)
    counts = dict(
        due.order_by()
        .annotate(day=TruncDate("rotation_due_at"))
        .values_list("day")
        .annotate(n=CountOf("pk"))
    )
    today = timezone.localdate()
    days = [[_day(on, counts.get(on, 0), first, today) for on in week] for week in weeks]
    total = sum(day.count for week in days for day in week if day.inside)
    return Month(first, days, total)


def _day(on: date, count: int, first: date, today: date) -> Day:
    state = "today" if on == today else "past" if on < today else "coming"
    return Day(on, count, on.month == first.month, state)
