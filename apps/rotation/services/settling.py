"""Rotations end: what happened elsewhere is noticed, and what they were ordered for is settled."""

from django.db import transaction

from apps.core.actors import Actor
from apps.core.policies import enforce
from apps.remediation.services.orders import orders_replaced
from apps.remediation.states import GONE, OrderState
from apps.rotation import policies
from apps.rotation.models import Rotation
from apps.rotation.services.migrations import is_dead
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.states import RotationState

MOST_AT_ONCE = 500


def rotation_finish(rotation: Rotation, how: str, actor: Actor) -> None:
    """Note that a locked rotation is done, and verify the orders that asked for it."""
    rotation.how = how
    rotation_move(rotation, RotationState.DONE, actor=actor, said=how, also=["how"])
    orders_replaced(credential_id=rotation.credential_id, how=f"{rotation}: {how}", actor=actor)


def rotations_settle(*, actor: Actor) -> int:
    """Follow what happened to old ones: their removal's end, or a source that shows it is done.

    Returns how many moved; safe to run twice.
    """
    enforce(policies.can_run(actor))
    moved = Rotation.objects.retired() | Rotation.objects.seen_done()
    pks = list(moved.order_by("pk").values_list("pk", flat=True)[:MOST_AT_ONCE])
    return sum(_settle(pk, actor) for pk in pks)


@transaction.atomic
def _settle(pk: int, actor: Actor) -> int:
    rotation = Rotation.objects.taken(pk)
    if rotation is None:
        return 0
    if rotation.state == RotationState.RETIRING:
        return _settle_retirement(rotation, actor)
    if rotation.state in {RotationState.BY_HAND, RotationState.FAILED}:
        return _settle_task(rotation, actor)
    return 0


def _settle_retirement(rotation: Rotation, actor: Actor) -> int:
    order = rotation.retirement
    if order is None:
        return 0
    if order.state in GONE:
        how = order.verified_how or "The old one was gone from its source."
        step_keep(rotation, "The old one is gone.", how)
        rotation_finish(rotation, how, actor)
        return 1
    if order.state == OrderState.ROLLED_BACK:
        rotation.trouble = f"Retiring the old one was undone: {order.undo_reason or order.reason}"
        rotation.retirement, rotation.wake_at, rotation.hurried = None, None, False
        step_keep(rotation, "Retiring the old one was undone.", rotation.trouble, worked=False)
        rotation_move(
            rotation,
            RotationState.SWITCHED,
            actor=actor,
            said=rotation.trouble,
            also=["trouble", "retirement", "wake_at", "hurried"],
        )
        return 1
    return 0


def _settle_task(rotation: Rotation, actor: Actor) -> int:
    """A task is done once its source shows it: the old one gone, or a new secret since."""
    old = rotation.credential
    is_over = is_dead(old)
    if rotation.state == RotationState.BY_HAND:
        rotation_finish(rotation, _seen(rotation, is_over=is_over), actor)
        return 1
    if not is_over or rotation.new_id:
        return 0
    rotation.how = "The old one is over, so there is nothing to rotate."
    rotation_move(rotation, RotationState.DROPPED, actor=actor, said=rotation.how, also=["how"])
    return 1


def _seen(rotation: Rotation, *, is_over: bool) -> str:
    order, rotated_at = rotation.order, rotation.credential.rotated_at
    if order is not None and order.state in GONE:
        return f"Order {order.pk} was settled: {order.verified_how or order.get_state_display()}"
    how = "The old one is gone." if is_over else f"It has a new secret since {rotated_at}."
    return f"Its source shows that it is done: {how}"
