"""When a review is due: RFC 5545 rules, read strictly so that none can run away."""

from calendar import isleap
from collections.abc import Iterator
from datetime import MAXYEAR, UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from dateutil.rrule import rrule, rrulestr

from apps.core.errors import DomainError
from apps.core.numbers import whole_number

FREQUENCIES = ("DAILY", "WEEKLY", "MONTHLY", "YEARLY")
PARTS = {
    "DAILY": {"FREQ", "INTERVAL", "COUNT", "UNTIL"},
    "WEEKLY": {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY"},
    "MONTHLY": {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
    "YEARLY": {"FREQ", "INTERVAL", "COUNT", "UNTIL", "BYDAY", "BYMONTHDAY", "BYMONTH", "BYSETPOS"},
}
MOST_INTERVAL = 366
FAR = timedelta(days=3 * 366)
LONGEST_DEADLINE = timedelta(days=366)


def end_of_day(day: date, time_zone: str) -> datetime:
    """The last second of a day on that clock."""
    return datetime.combine(day, time(23, 59, 59), ZoneInfo(time_zone)).astimezone(UTC)


def deadline_on(day: date, time_zone: str, now: datetime) -> datetime:
    """The end of a chosen day. Raises `DomainError` where that is past, or beyond a year."""
    if not now.date() - timedelta(days=1) <= day <= now.date() + LONGEST_DEADLINE:
        raise DomainError("The deadline is a day from today on, within a year.")
    deadline = end_of_day(day, time_zone)
    if deadline <= now:
        raise DomainError("The deadline has passed already. Choose a later day.")
    return deadline


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
    interval = whole_number(parts.get("INTERVAL", "1"))
    if interval is None or not 1 <= interval <= MOST_INTERVAL:
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
        parsed = _parsed(rule, starts_on)
        first = next(iter(parsed), None) if _comes_round(parsed, starts_on) else None
    except (ValueError, TypeError, OverflowError) as error:
        raise DomainError(f"This recurrence cannot be read: {error}") from error
    if first is None or first.date() > starts_on + FAR:
        raise DomainError("This recurrence does not come round within three years.")


def _comes_round(parsed: rrule, starts_on: date) -> bool:
    """Whether a rule has any day soon after its start, its own end aside.

    For a day that never comes the library looks on until the year 9999, which from now takes
    seconds. So it is asked of the last years of that calendar whose days fall alike.
    """
    late = starts_on.replace(year=_last_year_alike(starts_on.year))
    start = datetime.combine(late, time())
    return next(iter(parsed.replace(dtstart=start, until=None, count=None)), None) is not None


def _last_year_alike(year: int) -> int:
    """The last year from which weekdays and leap years follow as from this one, beyond `FAR`."""

    def days(first: int) -> list[tuple[int, bool]]:
        return [(date(one, 1, 1).weekday(), isleap(one)) for one in range(first, first + 5)]

    return next(late for late in range(MAXYEAR - 4, year - 1, -1) if days(late) == days(year))


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


DAYS = {
    "MO": "Monday",
    "TU": "Tuesday",
    "WE": "Wednesday",
    "TH": "Thursday",
    "FR": "Friday",
    "SA": "Saturday",
    "SU": "Sunday",
}
UNITS = {"DAILY": "day", "WEEKLY": "week", "MONTHLY": "month", "YEARLY": "year"}


def in_words(rule: str) -> str:
    """A checked rule as people say it; as it is written where words would be longer than it."""
    parts = dict(_part(part) for part in rule.split(";"))
    unit, every = UNITS[parts.pop("FREQ")], int(parts.pop("INTERVAL", "1"))
    said = f"every {unit}" if every == 1 else f"every {every} {unit}s"
    days = parts.pop("BYMONTHDAY", "").split(",")
    weekdays = parts.pop("BYDAY", "").split(",")
    if parts or not all(day in {"", "-1"} or day.isdigit() for day in days):
        return rule
    if days != [""]:
        said += " on " + _listed(["the last day" if day == "-1" else f"day {day}" for day in days])
    if weekdays != [""]:
        if not set(weekdays) <= set(DAYS):
            return rule
        said += " on " + _listed([DAYS[day] for day in weekdays])
    return said


def _listed(words: list[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if words[1:] else words)
