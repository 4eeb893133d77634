from django.db import models

from apps.core.states import StateMachine


class Stage(models.TextChoices):
    """How long before its day somebody is reminded that a credential is to be rotated."""

    FIRST = "14", "14 days before"
    SECOND = "3", "3 days before"
    LAST = "0", "On the day"


class RotationWay(models.TextChoices):
    IN_PLACE = "in-place", "By the store it lies in"
    BESIDE = "beside", "A new one beside it"
    BY_HAND = "by-hand", "By hand"


class RotationState(models.TextChoices):
    PLANNED = "planned", "Planned"
    CREATED = "created", "New one made"
    TESTED = "tested", "New one tested"
    SWITCHED = "switched", "New one in place"
    RETIRING = "retiring", "Old one being retired"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"
    BY_HAND = "by_hand", "Needs a person"
    DROPPED = "dropped", "Dropped"


_R = RotationState

ROTATION_MOVES = StateMachine(
    name="rotation",
    moves={
        _R.PLANNED: frozenset({_R.CREATED, _R.FAILED, _R.BY_HAND, _R.DROPPED}),
        # Back to planned: what was made is ended, since its secret went with its worker.
        _R.CREATED: frozenset({_R.TESTED, _R.PLANNED, _R.DONE, _R.FAILED}),
        _R.TESTED: frozenset({_R.SWITCHED, _R.PLANNED, _R.FAILED}),
        _R.SWITCHED: frozenset({_R.RETIRING, _R.DONE}),
        # Back to switched: the removal of the old one was taken back.
        _R.RETIRING: frozenset({_R.DONE, _R.SWITCHED}),
        _R.FAILED: frozenset({_R.PLANNED, _R.BY_HAND, _R.DROPPED}),
        _R.BY_HAND: frozenset({_R.SWITCHED, _R.DONE, _R.DROPPED}),
        _R.DONE: frozenset(),
        _R.DROPPED: frozenset(),
    },
)
# Ends: nothing is to come. Tuples, since they end up in migrations.
ROTATION_OVER = (_R.DONE, _R.DROPPED)
# What a worker goes on with by itself.
ROTATION_RUNS = (_R.PLANNED, _R.CREATED, _R.TESTED, _R.SWITCHED)
# What waits for a person.
ROTATION_WAITS = (_R.FAILED, _R.BY_HAND)


class MigrationState(models.TextChoices):
    PROPOSED = "proposed", "Proposed"
    AGREED = "agreed", "Agreed"
    UNDER_WAY = "under_way", "Under way"
    DONE = "done", "Done"
    DROPPED = "dropped", "Dropped"


_M = MigrationState

MIGRATION_MOVES = StateMachine(
    name="migration",
    moves={
        _M.PROPOSED: frozenset({_M.AGREED, _M.DONE, _M.DROPPED}),
        _M.AGREED: frozenset({_M.UNDER_WAY, _M.DONE, _M.DROPPED}),
        _M.UNDER_WAY: frozenset({_M.DONE, _M.DROPPED}),
        _M.DONE: frozenset(),
        _M.DROPPED: frozenset(),
    },
)
MIGRATION_OVER = (_M.DONE, _M.DROPPED)
