"""Whose records somebody may see: the one place that turns a person into conditions."""

from typing import Any

from django.db.models import Model, Q

from apps.core.actors import Actor, Machine, Person, Role, reads_everything

NOTHING = Q(pk__in=[])
EVERYTHING = Q()


def rows_of(model: type[Model], relation: str) -> Any:
    """All rows at the other end of a relation: a queryset may not import the models above it."""
    other: Any = model._meta.get_field(relation).related_model
    return other._default_manager


def agents_of(actor: Actor) -> Q:
    """Condition on Agent: steward all; auditor by seat; reviewer what they own or manage."""
    if reads_everything(actor):
        return EVERYTHING
    if isinstance(actor, Machine):
        return Q(pk=actor.agent_id) if actor.agent_id else NOTHING
    if not isinstance(actor, Person):
        return NOTHING
    if actor.role == Role.AUDITOR:
        return by_seat(actor, "bindings__identity__system_id")
    if actor.role == Role.REVIEWER:
        user = actor.user
        return Q(owner=user) | Q(technical_owner=user) | Q(team__manager=user)
    return NOTHING


def is_limited_auditor(actor: Actor) -> bool:
    return (
        isinstance(actor, Person)
        and actor.role == Role.AUDITOR
        and actor.user.seat.limited_to_systems
    )


def reads_all_systems(actor: Actor) -> bool:
    """A steward, Countersign itself, or an auditor whose seat is not limited to systems."""
    return reads_everything(actor) or (actor.role == Role.AUDITOR and not is_limited_auditor(actor))


def seat_systems(actor: Actor) -> list[int]:
    """The systems a limited auditor's seat covers. Call only where `is_limited_auditor`."""
    person: Any = actor
    return list(person.user.seat.seat_systems.values_list("system_id", flat=True))


def hidden_systems(actor: Actor, system_ids: set[int]) -> set[int]:
    """Which of these systems lie outside an auditor's seat. Of others nobody hides a name."""
    return system_ids - set(seat_systems(actor)) if is_limited_auditor(actor) else set()


def by_seat(actor: Actor, path: str) -> Q:
    """Condition that keeps to the systems of a limited seat; none for anybody else."""
    if not is_limited_auditor(actor):
        return EVERYTHING
    return Q(**{f"{path}__in": seat_systems(actor)})
