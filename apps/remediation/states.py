from datetime import timedelta

from django.db import models

from apps.core.states import StateMachine


class OrderState(models.TextChoices):
    PLANNED = "planned", "Planned"
    SCHEDULED = "scheduled", "Scheduled"
    EXECUTING = "executing", "Executing"
    RETRYING = "retrying", "Retrying"
    EXECUTED = "executed", "Executed"
    VERIFIED = "verified", "Verified"
    VERIFY_FAILED = "verify_failed", "Verification failed"
    MANUAL_NEEDED = "manual_needed", "Needs a person"
    CONFIRMED = "confirmed", "Confirmed by hand"
    NOT_APPLICABLE = "not_applicable", "Not applicable"
    EXCEPTION = "exception", "Exception"
    ROLLED_BACK = "rolled_back", "Rolled back"


_S = OrderState

ORDER_MOVES = StateMachine(
    name="order",
    moves={
        _S.PLANNED: frozenset(
            {_S.SCHEDULED, _S.EXECUTING, _S.MANUAL_NEEDED, _S.NOT_APPLICABLE, _S.ROLLED_BACK}
        ),
        _S.SCHEDULED: frozenset({_S.EXECUTING, _S.ROLLED_BACK}),
        _S.EXECUTING: frozenset(
            {_S.EXECUTED, _S.RETRYING, _S.MANUAL_NEEDED, _S.NOT_APPLICABLE, _S.ROLLED_BACK}
        ),
        _S.RETRYING: frozenset({_S.EXECUTING, _S.MANUAL_NEEDED, _S.ROLLED_BACK}),
        _S.EXECUTED: frozenset({_S.VERIFIED, _S.VERIFY_FAILED, _S.ROLLED_BACK}),
        _S.MANUAL_NEEDED: frozenset({_S.CONFIRMED, _S.VERIFIED, _S.EXCEPTION, _S.ROLLED_BACK}),
        _S.VERIFY_FAILED: frozenset({_S.EXECUTING, _S.MANUAL_NEEDED, _S.EXCEPTION}),
        _S.VERIFIED: frozenset({_S.VERIFY_FAILED, _S.ROLLED_BACK}),
        _S.EXCEPTION: frozenset({_S.PLANNED, _S.ROLLED_BACK}),
        _S.CONFIRMED: frozenset({_S.VERIFY_FAILED}),
        _S.NOT_APPLICABLE: frozenset(),
        _S.ROLLED_BACK: frozenset(),
    },
)

# Ends in which the removal is settled; an exception settles it only until its date.
SETTLED = (_S.VERIFIED, _S.CONFIRMED, _S.NOT_APPLICABLE, _S.EXCEPTION, _S.ROLLED_BACK)
# Ends in which the access is gone.
GONE = (_S.VERIFIED, _S.CONFIRMED, _S.NOT_APPLICABLE)
# States in which an order waits, and may be taken back as long as nothing came of it.
WITHDRAWABLE = (_S.MANUAL_NEEDED, _S.EXCEPTION)
# States in which a connection has an order, and may or may not have done a step of it.
IN_HAND = (_S.PLANNED, _S.SCHEDULED, _S.EXECUTING, _S.RETRYING)


# How long what was ended is watched, and can be undone.
UNDO_FOR = timedelta(days=7)


class OrderKind(models.TextChoices):
    REVOKE = "revoke", "Revoke"
    KILL = "kill", "Kill now"
    NARROW = "narrow", "Narrow"
    SUSPEND = "suspend", "Suspend"
    ROTATE = "rotate", "Rotate"
    UNBIND = "unbind", "End the binding"
    TAKE_BACK = "takeback", "Take back"


# What ends a credential for good, so that any use after it is news.
WATCHED = (OrderKind.REVOKE, OrderKind.KILL, OrderKind.ROTATE)


# Of a rotate order: its credential has a new secret under its old id, and is not over.
STAYS = "stays"
# Systems tell the last use only to the minute or the hour, and late.
GRACE = timedelta(minutes=1)
# How `verified_how` and `stopped_how` begin where they are somebody's word, and no look.
BY_HAND = "Confirmed by hand"


def stopped_as(how: str) -> str:
    """What it was that told of an end: a look, or somebody's word."""
    return "Confirmed not to work" if how.startswith(BY_HAND) else "Seen not to work"


class ProofKind(models.TextChoices):
    DONE = "done", "It was carried out"
    PROOF = "proof", "Proof that it is gone"
    SEEN = "seen", "Seen in a source"


class StepStatus(models.TextChoices):
    """How far one step of an order has come; the order's state is what is recorded."""

    WAITING = "waiting", "Waiting"
    DONE = "done", "Done"
    UNDONE = "undone", "Taken back"
    FAILED = "failed", "Failed"


class BatchState(models.TextChoices):
    RUNNING = "running", "Being carried out"
    HELD = "held", "Held for a second person"
    RELEASED = "released", "Released"
    REFUSED = "refused", "Refused"


BATCH_MOVES = StateMachine(
    name="batch",
    moves={
        BatchState.HELD: frozenset({BatchState.RELEASED, BatchState.REFUSED}),
        BatchState.RUNNING: frozenset(),
        BatchState.RELEASED: frozenset(),
        BatchState.REFUSED: frozenset(),
    },
)


class IncidentState(models.TextChoices):
    OPEN = "open", "Open"
    CLOSED = "closed", "Closed"


INCIDENT_MOVES = StateMachine(
    name="incident",
    moves={
        IncidentState.OPEN: frozenset({IncidentState.CLOSED}),
        IncidentState.CLOSED: frozenset(),
    },
)
