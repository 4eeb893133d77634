"""A connection carries a rotation on: one act at a time, each in a transaction of its own.

A new secret is held by the worker that asked for it, and by nothing else, until it lies in its
place. Before it asks, what the identity holds is written down (`intent`); after, the new one's id
(`created`). So whatever a worker's death leaves behind, the next one finds: see `recovering`.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import ClassVar
from uuid import uuid4

from django.db import transaction
from django.utils import timezone

from apps.connectors.adapters.live import (
    Absent,
    Adapter,
    Clue,
    ProviderError,
    Refused,
    Rotated,
    Seen,
    Sighting,
    Unavailable,
    heals,
)
from apps.connectors.adapters.removal import Subject
from apps.connectors.models import Connection
from apps.connectors.services.adapters import adapter_of
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.core.references import ReferenceRefused
from apps.inventory.services.credentials import credential_take_in
from apps.inventory.states import CREDENTIAL_OVER, StoredIn
from apps.remediation.subjects import subject_of
from apps.rotation import policies
from apps.rotation.models import Rotation
from apps.rotation.places import place_told
from apps.rotation.services.in_place import ask_store, look_at_store
from apps.rotation.services.moves import rotation_move, step_keep
from apps.rotation.services.recovering import end_what_was_made, recover_made, recover_unnoted
from apps.rotation.services.retiring import retire
from apps.rotation.services.troubles import fail, put_off
from apps.rotation.states import ROTATION_RUNS, RotationState, RotationWay

UNDER_WAY = (RotationState.PLANNED, RotationState.CREATED, RotationState.TESTED)
LEASE = timedelta(seconds=30)
# Which part of a new secret proves itself, and as what it is tried.
PROOF = {
    "aws": ("aws-key", "AWS_SECRET_ACCESS_KEY"),
    "vault": ("vault-secret-id", "secret_id"),
    "azure": ("azure", "client_secret"),
}


@dataclass
class Hand:
    """What one worker holds while it carries one rotation on, and never lets go of elsewhere."""

    # Systems know a new key only after a while; all in all half a minute.
    waits: ClassVar[Sequence[float]] = (0, 1, 2, 4, 8, 15)

    adapters: dict[int, Adapter] = field(default_factory=dict, repr=False)
    new: Rotated | None = field(default=None, repr=False)
    # Of the intent that this worker wrote down itself: nothing can be left of another then.
    mark: str = ""
    # Until when nobody else goes on, between two acts of this worker.
    leased_until: datetime | None = None

    def adapter(self, connection: Connection | None) -> Adapter:
        if connection is None:
            raise DomainError("No connection carries it out.")
        if connection.pk not in self.adapters:
            self.adapters[connection.pk] = adapter_of(connection)
        return self.adapters[connection.pk]

    def patiently[T](self, call: Callable[[], T]) -> T:
        """Ask again for a while where that heals it: put off, the secret would be lost."""
        for wait in self.waits[1:]:
            try:
                return call()
            except Unavailable as error:
                time.sleep(min(max(wait, error.retry_after), 30))
        return call()


type Act = Callable[[Rotation, Hand, Actor], None]


def rotation_run(*, rotation_id: int, actor: Actor) -> Rotation:
    """Do all that is due of a rotation now, and return it as it then is.

    Does nothing where another worker has it, or where nothing is due.
    """
    enforce(policies.can_run(actor))
    hand = Hand()
    while _act(rotation_id, hand, actor):
        pass
    return Rotation.objects.get(pk=rotation_id)


def rotations_run_awake(*, actor: Actor) -> int:
    """Carry on whatever is due; returns how many were looked at."""
    due = list(Rotation.objects.awake_at(timezone.now()).values_list("pk", flat=True)[:100])
    for pk in due:
        rotation_run(rotation_id=pk, actor=actor)
    return len(due)


@transaction.atomic
def _act(rotation_id: int, hand: Hand, actor: Actor) -> bool:
    rotation = Rotation.objects.taken(rotation_id)
    if rotation is None or not _is_due(rotation, hand):
        return False
    act = _due(rotation, hand)
    try:
        act(rotation, hand, actor)
        _lease(rotation, hand)
    except (ReferenceRefused, DomainError) as error:
        fail(rotation, str(error), actor)
    except ProviderError as error:
        if heals(error):
            put_off(rotation, str(error), actor, after=error.retry_after)
        else:
            fail(rotation, str(error), actor)
    return True


def _is_due(rotation: Rotation, hand: Hand) -> bool:
    wake = rotation.wake_at
    if wake is None or rotation.state not in ROTATION_RUNS:
        return False
    return wake <= timezone.now() or wake == hand.leased_until


def _lease(rotation: Rotation, hand: Hand) -> None:
    """Between two acts the row is free: whoever looks then must not take its worker for dead."""
    if rotation.way == RotationWay.BESIDE and rotation.state in UNDER_WAY and hand.mark:
        rotation.wake_at = hand.leased_until = timezone.now() + LEASE
        rotation.save(update_fields=["wake_at"])


def _due(rotation: Rotation, hand: Hand) -> Act:
    """The one act that comes next."""
    old = rotation.credential
    is_over = old.state in CREDENTIAL_OVER or old.gone_at is not None
    if rotation.state == RotationState.SWITCHED:
        return _retire
    if is_over and rotation.state == RotationState.PLANNED and not rotation.new_id:
        return _drop
    in_place = rotation.way == RotationWay.IN_PLACE
    return _in_place(rotation) if in_place else _beside(rotation, hand)


def _in_place(rotation: Rotation) -> Act:
    return _look_at_store if rotation.state == RotationState.CREATED else _ask_store


def _beside(rotation: Rotation, hand: Hand) -> Act:
    """What comes next for one that another is made beside; first what a dead worker left."""
    if rotation.new_id:
        if hand.new is None or hand.new.external_id != rotation.new_id:
            return _recover_made
        return _test if rotation.state == RotationState.CREATED else _switch
    if not rotation.intent:
        return _intend
    return _create if hand.mark == rotation.intent["mark"] else _recover_unnoted


def _drop(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    rotation.how = "It is over already, so there is nothing to rotate."
    rotation_move(rotation, RotationState.DROPPED, actor=actor, said=rotation.how, also=["how"])


def _retire(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    retire(rotation, actor)


def _ask_store(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    if not rotation.intent:
        hand.mark, rotation.begun_at = str(uuid4()), timezone.now()
        rotation.intent = {"at": rotation.begun_at.isoformat(), "mark": hand.mark}
        rotation.save(update_fields=["intent", "begun_at"])
        return
    is_first = hand.mark == rotation.intent["mark"]
    ask_store(rotation, hand.adapter(rotation.connection), actor, is_first=is_first)


def _look_at_store(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    look_at_store(rotation, hand.adapter(rotation.connection), actor)


def _intend(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    """Write down what is there before anything is made: what is there more later is ours."""
    adapter, writer = hand.adapter(rotation.connection), hand.adapter(rotation.place_connection)
    subject = subject_of(rotation.credential)
    rotation.intent = {
        "at": timezone.now().isoformat(),
        "before": [one.external_id for one in adapter.beside(subject)],
        "version": writer.place_look(rotation.place).version,
        "mark": str(uuid4()),
    }
    rotation.begun_at = rotation.begun_at or timezone.now()
    rotation.save(update_fields=["intent", "begun_at"])
    hand.mark = rotation.intent["mark"]


def _create(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    adapter = hand.adapter(rotation.connection)
    try:
        hand.new = adapter.rotate(subject_of(rotation.credential))
    except ProviderError as error:
        if not heals(error):
            rotation.intent = {}  # it was refused, so nothing was made
            rotation.save(update_fields=["intent"])
        hand.mark = ""
        raise
    rotation.new_id, rotation.trouble = hand.new.external_id, ""
    step_keep(rotation, f"Made {rotation.new_id} beside the old one.", hand.new.said)
    rotation_move(
        rotation,
        RotationState.CREATED,
        actor=actor,
        said=hand.new.said,
        also=["new_id", "trouble"],
    )


def _test(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    """Try the new one before anybody depends on it."""
    adapter, subject = hand.adapter(rotation.connection), subject_of(rotation.credential)
    clue = _clue(subject, _held(hand))
    sighting = _tried(adapter, clue, hand.waits)
    if sighting.seen != Seen.LIVE:
        step_keep(rotation, "Tried the new one.", sighting.said, worked=False)
        end_what_was_made(rotation, adapter, rotation.new_id)
        rotation.new_id, rotation.intent = "", {}
        fail(rotation, f"The new one does not work: {sighting.said}", actor, "new_id", "intent")
        return
    step_keep(rotation, "Tried the new one.", sighting.said)
    rotation_move(rotation, RotationState.TESTED, actor=actor, said=sighting.said)


def _tried(adapter: Adapter, clue: Clue, waits: Sequence[float]) -> Sighting:
    sighting = None
    for wait in waits:
        time.sleep(wait)
        try:
            sighting = adapter.try_out(clue)
        except Unavailable:
            continue
        if sighting.seen == Seen.LIVE:
            return sighting
    return sighting or adapter.try_out(clue)


def _switch(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    """Put it where it is kept, and look that it lies there."""
    writer, new = hand.adapter(rotation.place_connection), _held(hand)
    mark, after = rotation.intent["mark"], rotation.intent["version"]
    secret = {rotation.fields.get(name, name): value for name, value in new.secret.items()}
    try:
        outcome = hand.patiently(
            lambda: writer.place(rotation.place, secret, mark=mark, after=after)
        )
    except (Refused, Absent) as error:
        # Refused, so it lies nowhere.
        end_what_was_made(rotation, hand.adapter(rotation.connection), rotation.new_id)
        rotation.new_id, rotation.intent = "", {}
        fail(rotation, str(error), actor, "new_id", "intent")
        return
    step_keep(rotation, f"Wrote it to {rotation.place}.", outcome.said)
    there = hand.patiently(lambda: writer.place_look(rotation.place))
    if there.mark != mark:
        raise DomainError(f"{rotation.place} holds another version than the one just written.")
    step_keep(rotation, "Looked whether it lies there.", f"Version {there.version} is current.")
    switched(rotation, actor, outcome.said)


def switched(rotation: Rotation, actor: Actor, said: str) -> None:
    """The new one is in place: from now on the overlap runs."""
    old, now = rotation.credential, timezone.now()
    rotation.new_credential = credential_take_in(
        like=old,
        external_id=rotation.new_id,
        stored_in=StoredIn.SECRET_MANAGER if rotation.place else old.stored_in,
        stored_at=_place_of(rotation)[:200],
        reason=f"{rotation} made it.",
        actor=actor,
    )
    rotation.switched_at = now
    rotation.retire_at = rotation.wake_at = now + timedelta(days=rotation.overlap_days)
    rotation.attempts, rotation.trouble = 0, ""
    rotation_move(
        rotation,
        RotationState.SWITCHED,
        actor=actor,
        said=said,
        also=[
            "new_id",
            "new_credential",
            "switched_at",
            "retire_at",
            "wake_at",
            "attempts",
            "trouble",
        ],
    )


def _place_of(rotation: Rotation) -> str:
    if rotation.place_connection is None:
        return rotation.credential.stored_at
    return place_told(rotation.place_connection.kind, rotation.place)


def _recover_unnoted(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    recover_unnoted(rotation, hand.adapter(rotation.connection), actor)


def _recover_made(rotation: Rotation, hand: Hand, actor: Actor) -> None:
    writer = hand.adapter(rotation.place_connection)
    if said := recover_made(rotation, hand.adapter(rotation.connection), writer, actor):
        switched(rotation, actor, said)


def _held(hand: Hand) -> Rotated:
    if hand.new is None:
        raise DomainError("The new secret is not at hand any more.")
    return hand.new


def _clue(subject: Subject, new: Rotated) -> Clue:
    kind, part = PROOF[subject.system_kind]
    app = str(subject.identity_facts.get("app_id") or "")
    external_id = app if subject.system_kind == "azure" else new.external_id
    return Clue(kind, external_id=external_id, secret=new.secret[part])
