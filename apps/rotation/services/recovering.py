"""What a worker that died left behind: found, and ended or used.

A secret dies with the worker that held it. So a new one whose secret lies nowhere is of no use to
anybody, and is ended; one that was written to its place before the worker died is the new one.
"""

from datetime import datetime, timedelta

from django.utils import timezone

from apps.connectors.adapters.live import Absent, Adapter, Beside
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Wanted
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.inventory.models import Credential
from apps.remediation.subjects import subject_of
from apps.rotation.models import Rotation
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.states import ROTATION_MOVES, RotationState

# How far a provider's clock may be behind ours.
SKEW = timedelta(minutes=5)
MOST_BEGINNINGS = 5


def recover_unnoted(rotation: Rotation, adapter: Adapter, actor: Actor) -> None:
    """End what a worker made and did not come to note; then everything begins anew.

    It is what the identity holds now and did not hold when the intent was written. Never one that
    was used, or that was made before: that is somebody else's, and a person has to look.
    """
    intent, now = rotation.intent, timezone.now()
    since = datetime.fromisoformat(intent["at"]) - SKEW
    more = [
        one
        for one in adapter.beside(subject_of(rotation.credential))
        if one.external_id not in intent["before"]
    ]
    for one in more:
        _refuse_others(one, since)
    for one in more:
        end_what_was_made(rotation, adapter, one.external_id)
    rotation.intent, rotation.attempts = {}, rotation.attempts + 1
    rotation.wake_at = now
    if rotation.attempts >= MOST_BEGINNINGS:
        raise DomainError(f"It was begun {rotation.attempts} times, and never came to its end.")
    rotation.save(update_fields=["intent", "attempts", "wake_at"])


def recover_made(rotation: Rotation, adapter: Adapter, writer: Adapter, actor: Actor) -> str:
    """Go on with a new one whose secret is no longer at hand; returns what shows that it lies in
    its place, or "" where it does not, and is ended."""
    there = writer.place_look(rotation.place)
    if there.mark == rotation.intent["mark"]:
        said = f"Version {there.version} of {rotation.place} was written before a worker died."
        step_keep(rotation, "Looked whether it lies there.", said)
        # Nothing is written that was not made and tried before.
        for state in (RotationState.CREATED, RotationState.TESTED):
            if ROTATION_MOVES.can(rotation.state, state):
                rotation_move(rotation, state, actor=actor, said=said)
        return said
    end_what_was_made(rotation, adapter, rotation.new_id)
    said = f"A worker died with the secret of {rotation.new_id} in hand, so it was ended."
    rotation.new_id, rotation.intent = "", {}
    rotation.attempts, rotation.wake_at = rotation.attempts + 1, timezone.now()
    also = ["new_id", "intent", "attempts", "wake_at"]
    if rotation.attempts >= MOST_BEGINNINGS:
        rotation.wake_at, rotation.trouble = None, f"{said} That happened too often."
        also.append("trouble")
        rotation_move(rotation, RotationState.FAILED, actor=actor, said=said, also=also)
    elif rotation.state == RotationState.PLANNED:
        rotation.save(update_fields=also)
    else:
        rotation_move(rotation, RotationState.PLANNED, actor=actor, said=said, also=also)
    return ""


def end_what_was_made(rotation: Rotation, adapter: Adapter, external_id: str) -> None:
    """End a new one that nobody can use, at once: its secret lies nowhere."""
    made = Credential(
        identity=rotation.credential.identity,
        kind=rotation.credential.kind,
        external_id=external_id,
        facts=rotation.credential.facts,
    )
    name = f"countersign-rotation-{rotation.pk}"
    for step in plan_for(Wanted(kind="revoke", name=name, subject=subject_of(made))).steps:
        try:
            said = adapter.run(step.op, step.arguments).said
        except Absent as error:
            said = f"Not found: {error.said}"
        step_keep(rotation, f"{step.title} ({external_id}: its secret lies nowhere)", said)


def _refuse_others(one: Beside, since: datetime) -> None:
    if one.used:
        raise DomainError(
            f"{one.external_id} was made meanwhile and is in use: somebody else's, or it leaked."
        )
    if one.made_at is not None and one.made_at < since:
        raise DomainError(
            f"{one.external_id} was made before, and was not known: look whose it is."
        )
