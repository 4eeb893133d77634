from datetime import date
from typing import Any

from django.db import transaction

from apps.accounts import policies
from apps.accounts.models import Seat, User
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce

FIELDS = ["ends_on", "period_from", "period_until", "limited_to_systems", "sees_payloads"]


@transaction.atomic
def seat_change(
    *,
    person_id: int,
    ends_on: date,
    period_from: date | None,
    period_until: date | None,
    limited_to_systems: bool,
    sees_payloads: bool,
    reason: str,
    actor: Actor,
    systems: tuple[list[str], list[str]] = ([], []),
) -> Seat:
    """Change until when, and what, an auditor reads.

    `systems` are the names of the covered systems before and after; `apps.console` keeps them.
    An end in the past ends the seat at once.
    """
    person = User.objects.locked(person_id)
    enforce(policies.can_change_seat(actor, person))
    if not reason.strip():
        raise DomainError("Say why the seat changes.")
    if period_from and period_until and period_from > period_until:
        raise DomainError("The period ends before it begins.")
    seat = Seat.objects.select_for_update(of=["self"]).filter(user=person).first() or Seat(
        user=person
    )
    wanted = (ends_on, period_from, period_until, limited_to_systems, sees_payloads)
    changes = _changes(seat, wanted)
    if systems[0] != systems[1]:
        changes["systems"] = systems
    if not changes:
        return seat
    for name, value in zip(FIELDS, wanted, strict=True):
        setattr(seat, name, value)
    seat.save()
    record(actor=actor, verb=Verb.SEAT_CHANGED, target=seat, changes=changes, reason=reason.strip())
    return seat


@transaction.atomic
def page_opened(*, page: str, actor: Person) -> None:
    """Note that an auditor read a page."""
    record(
        actor=actor,
        verb=Verb.PAGE_OPENED,
        target=actor.user.seat,
        changes={"page": (None, page)},
    )


@transaction.atomic
def rows_exported(*, page: str, actor: Person, row_count: int | None = None) -> None:
    """Note that an auditor took a file away, and how many rows, where it is one of rows."""
    changes: dict[str, tuple[None, str | int]] = {"page": (None, page)}
    if row_count is not None:
        changes["rows"] = (None, row_count)
    record(actor=actor, verb=Verb.ROWS_EXPORTED, target=actor.user.seat, changes=changes)


def _changes(seat: Seat, wanted: tuple[Any, ...]) -> dict[str, tuple[Any, Any]]:
    return {
        name: (getattr(seat, name), value)
        for name, value in zip(FIELDS, wanted, strict=True)
        if getattr(seat, name) != value
    }
