"""A secret that its own store rotates: asked to, then looked at until it has."""

from datetime import timedelta

from django.utils import timezone

from apps.connectors.adapters.live import Adapter, Refused, Seen
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Wanted
from apps.core.actors import Actor
from apps.inventory.services.credentials import credential_note_rotation
from apps.remediation.subjects import subject_of
from apps.rotation.models import Rotation
from apps.rotation.selectors.method import ROTATES_ITSELF
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.services.settling import rotation_finish
from apps.rotation.services.troubles import fail
from apps.rotation.states import RotationState

LOOK_AGAIN = timedelta(seconds=5)
# As long as a function of AWS may run, and as long again.
PATIENCE = timedelta(minutes=30)


def ask_store(rotation: Rotation, adapter: Adapter, actor: Actor, *, is_first: bool) -> None:
    """Ask the store to rotate. A worker that comes after one that died first looks whether it was
    asked already; a store that is at it refuses a second time, and that is no failure then."""
    wanted = _wanted(rotation)
    if not is_first and adapter.verify(wanted).seen == Seen.ABSENT:
        said = "It was asked before a worker died."
    else:
        step = next(one for one in plan_for(wanted).steps if one.op == ROTATES_ITSELF)
        try:
            said = adapter.run(step.op, step.arguments).said
        except Refused as error:
            if is_first:
                raise
            said = f"Asked again: {error.said}"
    step_keep(rotation, "Asked its store to rotate it.", said)
    rotation.wake_at = timezone.now()
    rotation_move(rotation, RotationState.CREATED, actor=actor, said=said, also=["wake_at"])


def look_at_store(rotation: Rotation, adapter: Adapter, actor: Actor) -> None:
    """Read it anew: rotated since, and no version left halfway."""
    sighting, now = adapter.verify(_wanted(rotation)), timezone.now()
    if sighting.seen == Seen.ABSENT:
        step_keep(rotation, "Read it anew.", sighting.said)
        credential_note_rotation(
            credential_id=rotation.credential_id, at=now, reason=sighting.said, actor=actor
        )
        rotation_finish(rotation, sighting.said, actor)
        return
    if rotation.begun_at is not None and now - rotation.begun_at > PATIENCE:
        fail(rotation, f"Its store was asked, and has not done it. {sighting.said}", actor)
        return
    rotation.trouble, rotation.wake_at = sighting.said, now + LOOK_AGAIN
    rotation.save(update_fields=["trouble", "wake_at"])


def _wanted(rotation: Rotation) -> Wanted:
    return Wanted(
        kind="rotate",
        name=f"countersign-rotation-{rotation.pk}",
        subject=subject_of(rotation.credential),
        sessions_before=rotation.begun_at,
    )
