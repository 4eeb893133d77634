"""What somebody's leaving, or their becoming an auditor, means over every app."""

from collections.abc import Collection
from datetime import date

from django.db import transaction

from apps.accounts import policies
from apps.accounts.models import Seat, User
from apps.accounts.services import people, seats
from apps.accounts.services.teams import teams_hand_over
from apps.console.selectors.duties import Duties, duties_of
from apps.core.actors import Actor, Role
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.inventory.models import SeatSystem, System
from apps.inventory.services.handovers import agents_hand_over
from apps.reviews.services.assignments import items_hand_over
from apps.reviews.services.handovers import campaigns_hand_over


@transaction.atomic
def person_deactivate(
    *, person_id: int, successor_id: int | None, reason: str, actor: Actor
) -> User:
    """End somebody's access; what they answer for passes to a successor in the same moment."""
    person = User.objects.get(pk=person_id)
    enforce(policies.can_deactivate(actor, person))
    _pass_on(person, successor_id, reason=reason, actor=actor)
    return people.person_deactivate(person_id=person_id, reason=reason, actor=actor)


@transaction.atomic
def person_change_role(
    *,
    person_id: int,
    role: str,
    reason: str,
    actor: Actor,
    successor_id: int | None = None,
    seat_ends_on: date | None = None,
) -> User:
    """Change a role. Who becomes an auditor, or loses every role, passes on what they had."""
    person = User.objects.get(pk=person_id)
    enforce(policies.can_change_role(actor, person))
    if role in {"", Role.AUDITOR}:
        _pass_on(person, successor_id, reason=reason, actor=actor)
    return people.person_change_role(
        person_id=person_id, role=role, reason=reason, seat_ends_on=seat_ends_on, actor=actor
    )


@transaction.atomic
def seat_change(
    *,
    person_id: int,
    ends_on: date,
    period_from: date | None,
    period_until: date | None,
    limited_to_systems: bool,
    systems: Collection[System],
    sees_payloads: bool,
    reason: str,
    actor: Actor,
) -> Seat:
    """Change an auditor's seat, and which systems it covers where it is limited to some."""
    if limited_to_systems and not systems:
        raise DomainError("Name the systems the seat covers, or do not limit it.")
    covered = SeatSystem.objects.filter(seat__user=person_id).select_related("system")
    before = {one.system_id: one.system.name for one in covered}
    after = {system.pk: system.name for system in systems} if limited_to_systems else {}
    seat = seats.seat_change(
        person_id=person_id,
        ends_on=ends_on,
        period_from=period_from,
        period_until=period_until,
        limited_to_systems=limited_to_systems,
        sees_payloads=sees_payloads,
        systems=(sorted(before.values()), sorted(after.values())),
        reason=reason,
        actor=actor,
    )
    SeatSystem.objects.filter(seat=seat).exclude(system__in=after).delete()
    SeatSystem.objects.bulk_create(
        SeatSystem(seat=seat, system_id=pk) for pk in after if pk not in before
    )
    return seat


def _pass_on(person: User, successor_id: int | None, *, reason: str, actor: Actor) -> None:
    """Hand over all there is. Refuses without a successor where there is anything."""
    duties = duties_of(person)
    if not duties:
        return
    if successor_id is None:
        raise DomainError(f"Say who takes over: {duties}.")
    successor = User.objects.who_may_decide().filter(pk=successor_id).first()
    if successor is None or successor.pk == person.pk:
        raise DomainError("Another active reviewer or steward must take over.")
    _hand(duties, person.pk, successor.pk, reason=reason, actor=actor)


def _hand(duties: Duties, leaving: int, taking: int, *, reason: str, actor: Actor) -> None:
    if duties.teams:
        teams_hand_over(from_user_id=leaving, to_user_id=taking, reason=reason, actor=actor)
    if duties.agents or duties.technical_agents or duties.systems:
        agents_hand_over(from_user_id=leaving, to_user_id=taking, reason=reason, actor=actor)
    if duties.templates or duties.campaigns:
        campaigns_hand_over(from_user_id=leaving, to_user_id=taking, reason=reason, actor=actor)
    if duties.review_items:
        items_hand_over(from_user_id=leaving, to_user_id=taking, reason=reason, actor=actor)
