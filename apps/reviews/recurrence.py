"""When a review is due: RFC 5545 rules, read strictly so that none can run away."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from apps.core.errors import DomainError

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = {
    "DAILY": {"FREQ", "INTERVAL", "COUNT", "UNTIL"},
    "WEEKLY": {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY"},
    "MONTHLY": {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
    "YEARLY": {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
}
MOST_INTERVAL = 366
FAR = timedelta(days=3 * 366)


def end_of_day(day: date, time_zone: str) -> datetime:
    """The last second of a day on that clock."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(time_zone)).astimezone(UTC)


def deadline_after(days: int, time_zone: str, now: datetime) -> datetime:
    today = now.astimezone(ZoneInfo(time_zone)).date()
    return end_of_day(today + timedelta(days=days), time_zone)


def rule_checked(text: str, starts_on: date) -> str:
    """The rule in its plain form. Raises `DomainError` in words where it cannot be used."""
    rule = text.strip().upper().removeprefix("RRULE:")
    parts = dict(_part(part) for part in rule.split(";"))
    frequency = parts.get("FREQ", "")
    if frequency not in FREQUENCIES:
        raise DomainError("A recurrence starts with FREQ=DAILY, WEEKLY, MONTHLY, or YEARLY.")
    odd = sorted(set(parts) - PARTS[frequency])
    if odd:
        raise DomainError(f"{', '.join(odd)} cannot be used in a {frequency.lower()} recurrence.")
    interval = parts.get("INTERVAL", "1")
    if not interval.isdigit() or not 1 <= int(interval) <= MOST_INTERVAL:
        raise DomainError(f"INTERVAL is a number from 1 to {MOST_INTERVAL}.")
    _refuse_never(rule, starts_on)
    return rule


def _part(text: str) -> tuple[str, str]:
    name, found, value = text.partition("=")
    if not found or not name or not value:
        raise DomainError(f"“{text}” is not a part of a recurrence, such as FREQ=MONTHLY.")
    return name, value


def _refuse_never(rule: str, starts_on: date) -> None:
    try:
        first = next(iter(_parsed(rule, starts_on)), None)
    except (ValueError, TypeError, OverflowError) as error:
        raise DomainError(f"This recurrence cannot be read: {error}") from error
    if first is None or first.date() > starts_on + FAR:
        raise DomainError("This recurrence does not come round within three years.")


def _parsed(rule: str, starts_on: date) -> rrule:
    parsed = rrulestr(f"RRULE:{rule}", dtstart=datetime.combine(starts_on, time()), ignoretz=True)
    if not isinstance(parsed, rrule):
        raise ValueError("one rule only")  # noqa: TRY004  (the caller reads it as unreadable)
    return parsed


def occurrences(
    rule: str, starts_on: date, time_zone: str, after: datetime, until: datetime
) -> Iterator[datetime]:
    """Every occurrence after one moment and until another: midnights on the template's clock."""
    zone = ZoneInfo(time_zone)
    for day in _parsed(rule, starts_on):
        moment = day.replace(tzinfo=zone).astimezone(UTC)
        if moment > until:
            return
        if moment > after:
            yield moment
