"""Rotations come into being: asked for by a person, or by a rotate order of a review."""

from collections.abc import Mapping
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.links import public_url
from apps.core.policies import enforce
from apps.core.preferences import preference
from apps.inventory.models import Credential
from apps.inventory.services.reasons import required_reason
from apps.notices.services import notice_send
from apps.remediation.models import Order
from apps.rotation import policies
from apps.rotation.models import Rotation
from apps.rotation.places import SHAPES, place_named
from apps.rotation.selectors.method import method_of
from apps.rotation.selectors.people import keeper_of, stewards
from apps.rotation.services.moves import rotation_move
from apps.rotation.states import RotationState, RotationWay

CHUNK = 100


@transaction.atomic
def rotation_plan(
    *,
    credential_id: int,
    reason: str,
    actor: Actor,
    place: str = "",
    fields: Mapping[str, str] | None = None,
    overlap_days: int | None = None,
) -> Rotation:
    """Have a credential rotated: at once where a connection can, else as a task with an owner."""
    credential = _locked(credential_id)
    enforce(policies.can_rotate(actor, credential))
    if place and place_named(place) is None:
        raise DomainError(SHAPES, field="place")
    return _plan(
        credential,
        reason=required_reason(reason, "it is rotated"),
        actor=actor,
        place=place,
        fields=fields or {},
        overlap_days=overlap_days or preference("rotation_overlap_days"),
    )


def orders_take(*, actor: Actor) -> int:
    """Take on rotate orders that nobody has taken on. Returns how many; safe to run twice."""
    enforce(policies.can_run(actor))
    taken = 0
    while some := _take_some(actor):
        taken += some
    return taken


@transaction.atomic
def _take_some(actor: Actor) -> int:
    rows = Order.objects.rotating().filter(executed_at__isnull=True, rotations__isnull=True)
    rows = rows.exclude(credential__in=Rotation.objects.open().values("credential"))
    orders = list(rows.select_for_update(of=["self"], skip_locked=True)[:CHUNK])
    overlap = preference("rotation_overlap_days")
    # Two orders about one credential are settled by the same rotation.
    of_credential = {order.credential_id: order for order in reversed(orders)}
    for credential_id, order in of_credential.items():
        _plan(
            _locked(credential_id or 0),
            reason=order.reason,
            actor=actor,
            order=order,
            due_at=order.due_at,
            fields={},
            overlap_days=overlap,
        )
    return len(of_credential)


def _locked(credential_id: int) -> Credential:
    rows = Credential.objects.select_for_update(of=["self"])
    return rows.select_related("identity__system").get(pk=credential_id)


def _plan(
    credential: Credential,
    *,
    reason: str,
    actor: Actor,
    fields: Mapping[str, str],
    overlap_days: int,
    place: str = "",
    order: Order | None = None,
    due_at: datetime | None = None,
) -> Rotation:
    method = method_of(credential, place=place)
    now = timezone.now()
    rotation = Rotation.objects.create(
        credential=credential,
        label=f"{credential.identity} · {credential.external_id}"[:400],
        way=method.way,
        why_by_hand=method.why_by_hand,
        reason=reason,
        owner=keeper_of(credential.identity_id),
        planned_by=actor.user if isinstance(actor, Person) else None,
        due_at=due_at or credential.rotation_due_at,
        order=order,
        connection=method.connection,
        place=method.place,
        place_connection=method.place_connection,
        fields=dict(fields),
        plan=method.plan.told(),
        overlap_days=overlap_days,
        wake_at=now,
    )
    record(
        actor=actor,
        verb=Verb.ROTATION_PLANNED,
        target=rotation,
        changes={"state": (None, rotation.state), "way": (None, rotation.way)},
        reason=reason,
    )
    if method.way == RotationWay.BY_HAND:
        hand_over(rotation, method.why_by_hand, actor)
    else:
        enqueue("rotation.run", rotation_id=rotation.pk)
    return rotation


def hand_over(rotation: Rotation, why: str, actor: Actor) -> None:
    """Leave a rotation to its owner, and tell them; where there is none, the stewards."""
    rotation.wake_at = None
    rotation_move(
        rotation, RotationState.BY_HAND, actor=actor, said=why, also=["wake_at", "why_by_hand"]
    )
    tell_of(rotation, "is yours to carry out", why, actor)


def tell_of(rotation: Rotation, what: str, why: str, actor: Actor) -> None:
    for person in [rotation.owner] if rotation.owner else stewards():
        notice_send(
            kind="rotation-task",
            recipient=person,
            about=rotation,
            subject=f"The rotation of {rotation.label} {what}",
            body=f"{why}\n\n{public_url(rotation.get_absolute_url())}",
            dedupe_key=f"rotation-task:{rotation.pk}:{rotation.state}:{rotation.attempts}"
            f":{person.pk}",
            actor=actor,
        )
