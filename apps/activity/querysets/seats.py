"""The period that an auditor's seat names, held against times of the trail."""

from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from apps.core.actors import Actor, Person, Role


def has_period(actor: Actor) -> bool:
    """Whether this is an auditor whose seat names a period."""
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return False
    return bool(actor.user.seat.period_from or actor.user.seat.period_until)


def in_period_of[Rows: QuerySet](actor: Actor, rows: Rows, moment: str) -> Rows:
    """All of the rows, but for an auditor whose seat names a period: those of that time."""
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return rows
    seat = actor.user.seat
    if seat.period_from:
        rows = rows.filter(**{f"{moment}__date__gte": seat.period_from})
    if seat.period_until:
        rows = rows.filter(**{f"{moment}__date__lte": seat.period_until})
    return rows


def is_in_period_of(actor: Actor, moment: datetime) -> bool:
    """The same of one moment, by the days of whoever reads."""
    if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
        return True
    seat, day = actor.user.seat, timezone.localdate(moment)
    return not (
        (seat.period_from and day < seat.period_from)
        or (seat.period_until and day > seat.period_until)
    )
