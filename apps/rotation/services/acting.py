"""What people do to a rotation: by hand, anew, sooner, or not at all."""

from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import enqueue
from apps.core.policies import enforce
from apps.inventory.services.credentials import credential_note_rotation
from apps.inventory.services.reasons import required_reason
from apps.remediation.models import Order
from apps.remediation.services.orders import Proof, order_carried_out
from apps.rotation import policies
from apps.rotation.models import Rotation
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.services.planning import hand_over
from apps.rotation.services.running import switched
from apps.rotation.states import RotationState


@transaction.atomic
def rotation_done_by_hand(
    *, rotation_id: int, told: str, actor: Person, new_id: str = ""
) -> Rotation:
    """Note that somebody rotated it. With a new id, the overlap runs from now on, and the old one
    is retired after it; without one, it has a new secret under its old id.

    An order that asked for it then waits for somebody else to confirm, as every removal by hand.
    """
    rotation = Rotation.objects.locked(rotation_id)
    enforce(policies.can_carry_out(actor, rotation))
    text = required_reason(told, "what you did")
    new_id = new_id.strip()
    if new_id == rotation.credential.external_id:
        raise DomainError("That is the old one's id. Leave it empty if it stayed.", field="new_id")
    step_keep(rotation, f"{actor} did it by hand.", text)
    if new_id:
        rotation.new_id = new_id
        switched(rotation, actor, text)
        return rotation
    credential_note_rotation(
        credential_id=rotation.credential_id, at=timezone.now(), reason=text, actor=actor
    )
    rotation.how = f"{actor} did it by hand: {text}"
    rotation_move(rotation, RotationState.DONE, actor=actor, said=text, also=["how"])
    for order in Order.objects.rotating(rotation.credential_id).filter(executed_at__isnull=True):
        order_carried_out(order_id=order.pk, proof=Proof(text=text), actor=actor, stays=True)
    return rotation


@transaction.atomic
def rotation_try_again(*, rotation_id: int, reason: str, actor: Actor) -> Rotation:
    """Begin a failed one anew; what its last beginning left is looked for first."""
    rotation = Rotation.objects.locked(rotation_id)
    enforce(policies.can_try_again(actor, rotation))
    rotation.attempts, rotation.trouble, rotation.wake_at = 0, "", timezone.now()
    rotation_move(
        rotation,
        RotationState.PLANNED,
        actor=actor,
        said=required_reason(reason, "it is tried again"),
        also=["attempts", "trouble", "wake_at"],
    )
    enqueue("rotation.run", rotation_id=rotation.pk)
    return rotation


@transaction.atomic
def rotation_take_over(*, rotation_id: int, reason: str, actor: Actor) -> Rotation:
    rotation = Rotation.objects.locked(rotation_id)
    enforce(policies.can_take_over(actor, rotation))
    rotation.why_by_hand = required_reason(reason, "it is done by hand")[:300]
    hand_over(rotation, rotation.why_by_hand, actor)
    return rotation


@transaction.atomic
def rotation_drop(*, rotation_id: int, reason: str, actor: Actor) -> Rotation:
    rotation = Rotation.objects.locked(rotation_id)
    enforce(policies.can_drop(actor, rotation))
    rotation.how = required_reason(reason, "it is dropped")
    rotation_move(rotation, RotationState.DROPPED, actor=actor, said=rotation.how, also=["how"])
    return rotation


@transaction.atomic
def rotation_hurry(*, rotation_id: int, reason: str, actor: Actor) -> Rotation:
    """Retire the old one now: before the overlap is over, or though it is still used."""
    rotation = Rotation.objects.locked(rotation_id)
    enforce(policies.can_hurry(actor, rotation))
    before = rotation.retire_at
    rotation.hurried, rotation.wake_at, rotation.retire_at = True, timezone.now(), timezone.now()
    rotation.save(update_fields=["hurried", "wake_at", "retire_at"])
    record(
        actor=actor,
        verb=Verb.ROTATION_HURRIED,
        target=rotation,
        changes={
            "retire_at": (before and before.isoformat(), rotation.retire_at.isoformat()),
        },
        reason=required_reason(reason, "the old one goes now"),
    )
    enqueue("rotation.run", rotation_id=rotation.pk)
    return rotation
