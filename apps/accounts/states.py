from django.db import models

from apps.core.states import StateMachine

# Whom the record names where somebody tried to sign in with an address that nobody has.
NOBODY, NOBODY_LABEL = 0, "an unknown address"


class InvitationState(models.TextChoices):
    OPEN = "open", "Open"
    ACCEPTED = "accepted", "Accepted"
    WITHDRAWN = "withdrawn", "Withdrawn"


INVITATION_MOVES = StateMachine(
    name="invitation",
    moves={
        InvitationState.OPEN: frozenset({InvitationState.ACCEPTED, InvitationState.WITHDRAWN}),
        InvitationState.ACCEPTED: frozenset(),
        InvitationState.WITHDRAWN: frozenset(),
    },
)
