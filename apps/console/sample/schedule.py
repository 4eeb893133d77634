"""The company's templates, and when its reviews were due: held, held late, missed, due, coming."""

from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from apps.accounts.models import User
from apps.core.actors import Actor
from apps.reviews.models import Template
from apps.reviews.ready_templates import READY
from apps.reviews.recurrence import occurrences
from apps.reviews.services.templates import (
    TemplateContent,
    template_create,
    templates_ensure_ready_ones,
)

QUARTERLY, HALF_YEARLY = "Quarterly write access", "All access in scope"
# So that the review which is running now was due a few days ago.
DUE_AGO = timedelta(days=2)
LAST_DAY_OF_ALL_MONTHS = 28


def templates_load(*, people: dict[str, User], now: datetime, actor: Actor) -> None:
    """The four ready templates, run by the administrator. Two of them have come round before."""
    steward = people["administrator"]
    today = now.astimezone(ZoneInfo(steward.time_zone)).date()
    newest = today - DUE_AGO
    newest = newest.replace(day=min(newest.day, LAST_DAY_OF_ALL_MONTHS))
    own: dict[str, dict[str, Any]] = {
        QUARTERLY: {
            "recurrence": f"FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY={newest.day}",
            "starts_on": _months_before(newest, 9),
        },
        # By hand, and nobody has begun with it.
        HALF_YEARLY: {"starts_on": today.replace(day=1), "stages_itself": False},
    }
    for ready in READY:
        if ready["name"] in own:
            template_create(
                content=TemplateContent(
                    fallback_reviewer=steward,
                    run_by=steward,
                    time_zone=steward.time_zone,
                    **{**ready, **own[ready["name"]]},
                ),
                actor=actor,
            )
    templates_ensure_ready_ones(steward=steward, actor=actor)


def quarterly() -> Template:
    template: Template = Template.objects.get(name=QUARTERLY)
    return template


def quarters_of(template: Template, now: datetime) -> list[datetime]:
    """When the quarterly review was due, oldest first; the last is the one that runs now."""
    first = template.starts_on or now.date()
    zone = template.time_zone
    return list(occurrences(template.recurrence, first, zone, now - timedelta(days=366), now))


def named(template: Template, occurrence: datetime) -> str:
    day = occurrence.astimezone(ZoneInfo(template.time_zone)).date()
    return f"{template.name}, Q{(day.month + 2) // 3} {day.year}"


def _months_before(day: date, months: int) -> date:
    back = day.year * 12 + day.month - 1 - months
    return date(back // 12, back % 12 + 1, day.day)
