"""What is kept of the trail, month by month, and where."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.conf import settings
from django.db import connection
from django.utils import timezone

from apps.activity.models import Archive, Erasure
from apps.core.models import Job
from apps.core.preferences import preference
from apps.proof.models import Watch

# The kind of the job that archives.
ARCHIVING = "trail archive"
PARTITIONS = """
    SELECT relname, reltuples::bigint, pg_total_relation_size(pg_class.oid)
    FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid
    WHERE inhparent IN ('activity_event'::regclass, 'activity_payload'::regclass)
"""
NAME = re.compile(r"^activity_(event|payload)_(\d{4})_(\d\d)$")


@dataclass(slots=True)
class Month:
    """One month of the trail. `records` is the database's own estimate, None where it has none."""

    first: date
    records: int | None = None
    size: int = 0
    archive: Archive | None = None
    is_here: bool = False
    is_due: bool = False

    @property
    def is_over(self) -> bool:
        return month_after(self.first) <= timezone.now().date()


@dataclass(frozen=True, slots=True)
class Keeping:
    """What is kept, as its page tells: `kept` months, 0 for all; `waiting` erasures to decide."""

    months: list[Month]
    kept: int
    job: Job | None
    words_days: int
    waiting: int
    trouble: str
    place: str

    @property
    def due(self) -> int:
        return sum(month.is_due for month in self.months)


def keeping_told() -> Keeping:
    """Everything its page says; a fixed number of queries."""
    watch = Watch.objects.of_partitions().in_trouble().first()
    return Keeping(
        months_told(),
        preference("trail_months"),
        Job.objects.filter(kind=ARCHIVING).first(),
        preference("words_days"),
        Erasure.objects.waiting().count(),
        watch.trouble if watch else "",
        str(settings.TRAIL_ARCHIVE_DIR),
    )


def month_after(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=32)).replace(day=1)


def months_before(day: date, months: int) -> date:
    """The first day of the month so many months before that of a day."""
    at = day.year * 12 + day.month - 1 - months
    return date(at // 12, at % 12 + 1, 1)


def months_here() -> set[date]:
    """The months that have both of their tables."""
    return {one.first for one in _tables().values() if one.is_here}


def months_told(now: datetime | None = None) -> list[Month]:
    """Every month that is here or in the archive, newest first; three queries."""
    months = _tables()
    for archive in Archive.objects.all():
        months.setdefault(archive.month, Month(archive.month)).archive = archive
    due = due_before(now or timezone.now())
    for month in months.values():
        month.is_due = bool(due and month.is_here and month.first < due)
    return sorted(months.values(), key=lambda one: one.first, reverse=True)


def due_before(now: datetime) -> date | None:
    """Months before it are to be archived; None if everything is kept."""
    kept = preference("trail_months")
    return months_before(now.date(), kept) if kept else None


def months_due(now: datetime) -> list[date]:
    """The months to archive, oldest first: past the time that is kept, and over."""
    before = due_before(now)
    if before is None:
        return []
    return sorted(one for one in months_here() if one < before and month_after(one) <= now.date())


def strays_counted() -> int:
    """How many records came for a month that nobody had made tables for."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT (SELECT count(*) FROM activity_event_rest)"
            " + (SELECT count(*) FROM activity_payload_rest AS payload WHERE NOT EXISTS ("
            "SELECT FROM activity_event_rest AS event WHERE event.log_id = payload.log_id"
            " AND event.leaf_index = payload.leaf_index))"
        )
        counted: int = cursor.fetchone()[0]
    return counted


def archives_of(times: Iterable[datetime]) -> list[Archive]:
    """The archives that hold what was recorded from the first to the last of these times."""
    known = list(times)
    return list(Archive.objects.covering(min(known), max(known))) if known else []


def _tables() -> dict[date, Month]:
    with connection.cursor() as cursor:
        cursor.execute(PARTITIONS)
        rows = cursor.fetchall()
    found: dict[date, Month] = {}
    kinds: dict[date, set[str]] = {}
    for name, estimate, size in rows:
        if matched := NAME.match(name):
            first = date(int(matched[2]), int(matched[3]), 1)
            month = found.setdefault(first, Month(first))
            month.size += size
            kinds.setdefault(first, set()).add(matched[1])
            if matched[1] == "event":
                month.records = estimate if estimate >= 0 else None
            month.is_here = len(kinds[first]) == 2
    return found
