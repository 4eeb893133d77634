from django.db import models

from apps.core.states import StateMachine


class IssuanceState(models.TextChoices):
    ASKED = "asked", "Asked for"
    ACTIVE = "active", "Works"
    ENDING = "ending", "Being ended"
    ENDED = "ended", "Ended"
    END_FAILED = "end_failed", "Could not be ended"
    EXPIRED = "expired", "Its time is over"
    REFUSED = "refused", "Refused"
    LOST = "lost", "Answer not known"


_S = IssuanceState

ISSUANCE_MOVES = StateMachine(
    name="issued credential",
    moves={
        _S.ASKED: frozenset({_S.ACTIVE, _S.ENDING, _S.ENDED, _S.REFUSED, _S.LOST}),
        _S.ACTIVE: frozenset({_S.ENDING, _S.EXPIRED}),
        _S.ENDING: frozenset({_S.ENDED, _S.END_FAILED, _S.EXPIRED}),
        _S.END_FAILED: frozenset({_S.ENDING, _S.EXPIRED}),
        # An answer that came too late for anybody is taken back.
        _S.LOST: frozenset({_S.ENDING, _S.ENDED, _S.END_FAILED, _S.EXPIRED}),
        _S.ENDED: frozenset(),
        _S.EXPIRED: frozenset(),
        _S.REFUSED: frozenset(),
    },
)

# Tuples, not sets: they end up in migrations, whose text must not vary between runs.
# It may still open something.
OPEN = (_S.ASKED, _S.ACTIVE, _S.ENDING, _S.END_FAILED, _S.LOST)
# The system answered: there is something, and its name is known or its end was seen.
ANSWERED = (_S.ACTIVE, _S.ENDING, _S.ENDED)
