"""The one place where a rotation's state changes, and where what was said is kept."""

from collections.abc import Iterable

from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.rotation.models import Rotation, RotationStep
from apps.rotation.states import ROTATION_MOVES, ROTATION_OVER, RotationState

_VERBS = {
    RotationState.PLANNED: Verb.ROTATION_BEGUN_ANEW,
    RotationState.CREATED: Verb.ROTATION_CREATED,
    RotationState.TESTED: Verb.ROTATION_TESTED,
    RotationState.SWITCHED: Verb.ROTATION_SWITCHED,
    RotationState.RETIRING: Verb.ROTATION_RETIRING,
    RotationState.DONE: Verb.ROTATION_DONE,
    RotationState.FAILED: Verb.ROTATION_FAILED,
    RotationState.BY_HAND: Verb.ROTATION_HANDED_OVER,
    RotationState.DROPPED: Verb.ROTATION_DROPPED,
}


def rotation_move(
    rotation: Rotation, state: RotationState, *, actor: Actor, said: str, also: Iterable[str] = ()
) -> None:
    """Move a locked rotation and record it. `also` names further fields the caller changed.

    Raises `IllegalTransition` before anything is written.
    """
    before = rotation.state
    ROTATION_MOVES.check(before, state)
    rotation.state = state
    fields = {"state", *also}
    if state in ROTATION_OVER:
        rotation.ended_at, rotation.wake_at = timezone.now(), None
        fields |= {"ended_at", "wake_at"}
    rotation.save(update_fields=sorted(fields))
    record(
        actor=actor,
        verb=_VERBS[state],
        target=rotation,
        changes={"state": (before, state)},
        reason=said,
    )


def step_keep(rotation: Rotation, title: str, said: str, *, worked: bool = True) -> None:
    RotationStep.objects.create(rotation=rotation, title=title, said=said, worked=worked)
