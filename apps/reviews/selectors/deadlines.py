"""The deadline of a campaign as a day on its own clock."""

from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils import timezone

from apps.reviews.models import Campaign

DEFAULT_DAYS = 14
SHORT = timedelta(days=3)


def deadline_day(campaign: Campaign) -> date:
    return timezone.localtime(campaign.deadline_at, ZoneInfo(campaign.time_zone)).date()


def day_to_offer(campaign: Campaign, now: datetime) -> date:
    """The deadline as planned; where that has passed, as many days on as the template gives."""
    if campaign.deadline_at > now:
        return deadline_day(campaign)
    days = campaign.template.days_to_decide if campaign.template else DEFAULT_DAYS
    return timezone.localdate(now, ZoneInfo(campaign.time_zone)) + timedelta(days=days)


def what_is_odd(campaign: Campaign, now: datetime) -> str:
    """Why the one who launches should look at the deadline, or nothing."""
    if campaign.deadline_at <= now:
        return "The planned deadline has passed, so launching asks for another day."
    left = campaign.deadline_at - now
    if left < SHORT:
        days = max(1, round(left / timedelta(days=1)))
        return f"Only {days} day{'' if days == 1 else 's'} are left until the planned deadline."
    return ""
