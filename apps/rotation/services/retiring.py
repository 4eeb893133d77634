"""The old one goes once the overlap is over, by an ordinary order: disabled, watched, deleted."""

from datetime import timedelta

from django.utils import timezone

from apps.core.actors import Actor
from apps.inventory.states import CREDENTIAL_OVER
from apps.remediation.models import Order
from apps.remediation.services.orders import OrderRequest, orders_plan
from apps.remediation.states import GONE, OrderKind
from apps.rotation.models import Rotation
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.services.settling import rotation_finish
from apps.rotation.states import RotationState

ENDING = (OrderKind.REVOKE, OrderKind.KILL)
# The old one may be used for a while after the switch, until everybody has taken the new one.
STILL_USED_WITHIN = timedelta(days=1)


def retire(rotation: Rotation, actor: Actor) -> None:
    """Order the end of the old one, unless it is still used and nobody hurries."""
    old, now = rotation.credential, timezone.now()
    if old.state in CREDENTIAL_OVER or old.gone_at is not None:
        rotation_finish(rotation, "The old one is over already.", actor)
        return
    if not rotation.hurried and _is_used(rotation):
        rotation.trouble = (
            f"The old one is still used, last at {old.last_used_at:%Y-%m-%d %H:%M} UTC: somebody"
            " has not taken the new one yet. It is looked at again tomorrow."
        )
        rotation.wake_at = now + timedelta(days=1)
        rotation.save(update_fields=["trouble", "wake_at"])
        return
    rotation.retirement = _order(rotation, actor)
    rotation.wake_at, rotation.trouble = None, ""
    step_keep(rotation, "Ordered the end of the old one.", str(rotation.retirement))
    rotation_move(
        rotation,
        RotationState.RETIRING,
        actor=actor,
        said=f"The overlap is over; order {rotation.retirement.pk} ends the old one.",
        also=["retirement", "wake_at", "trouble"],
    )


def _is_used(rotation: Rotation) -> bool:
    """By its source or by the log of its system: a use that was seen was one."""
    old = rotation.credential
    if old.last_used_at is None or rotation.switched_at is None:
        return False
    recently = timezone.now() - STILL_USED_WITHIN
    return old.last_used_at > max(rotation.switched_at, recently)


def _order(rotation: Rotation, actor: Actor) -> Order:
    standing = Order.objects.stopping(rotation.credential_id).filter(kind__in=ENDING)
    if same := standing.exclude(state__in=GONE).order_by("-pk").first():
        return same
    request = OrderRequest(
        kind=OrderKind.REVOKE,
        label=rotation.label,
        reason=f"{rotation.new_id or 'A new one'} took its place. {rotation.reason}",
        decided_at=timezone.now(),
        credential_id=rotation.credential_id,
        decided_by_id=rotation.planned_by_id,
        origin_type=rotation._meta.label_lower,
        origin_id=rotation.pk,
    )
    return orders_plan(requests=[request], actor=actor)[0]
