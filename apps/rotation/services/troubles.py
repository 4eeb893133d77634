"""What stands in the way of a rotation: tried again where that can heal it, else a person's."""

from datetime import timedelta

from django.utils import timezone

from apps.core.actors import Actor
from apps.rotation.models import Rotation
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.services.planning import tell_of
from apps.rotation.states import RotationState

MOST_ATTEMPTS = 8
LONGEST_WAIT = timedelta(minutes=30)


def put_off(rotation: Rotation, said: str, actor: Actor, *, after: float = 0.0) -> None:
    """Try again later, each time further off; after the eighth time a person must."""
    rotation.attempts += 1
    if rotation.attempts >= MOST_ATTEMPTS:
        fail(rotation, f"{said} (tried {rotation.attempts} times)", actor, "attempts")
        return
    rotation.trouble = said
    wait = timedelta(seconds=max(after, 2**rotation.attempts))
    rotation.wake_at = timezone.now() + min(LONGEST_WAIT, wait)
    rotation.save(update_fields=["attempts", "trouble", "wake_at"])


def fail(rotation: Rotation, said: str, actor: Actor, *also: str) -> None:
    """Leave it to its owner, with what the provider said. Once the new one is in place nothing
    fails any more: the old one just works on, and the page says why."""
    rotation.trouble, rotation.wake_at = said, None
    step_keep(rotation, "It goes no further.", said, worked=False)
    if rotation.state == RotationState.SWITCHED:
        rotation.save(update_fields=["trouble", "wake_at", *also])
    else:
        rotation_move(
            rotation,
            RotationState.FAILED,
            actor=actor,
            said=said,
            also=["trouble", "wake_at", *also],
        )
    tell_of(rotation, "goes no further", said, actor)
