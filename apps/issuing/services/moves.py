"""The one place where the state of something issued changes."""

from collections.abc import Iterable

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.issuing.models import Issuance
from apps.issuing.states import ISSUANCE_MOVES, IssuanceState

# Each move has a verb of its own: a verb is recorded once per record and transaction.
_VERBS = {
    IssuanceState.ACTIVE: Verb.CREDENTIAL_ISSUED,
    IssuanceState.ENDING: Verb.ISSUED_ENDING,
    IssuanceState.ENDED: Verb.ISSUED_ENDED,
    IssuanceState.END_FAILED: Verb.ISSUED_END_FAILED,
    IssuanceState.EXPIRED: Verb.ISSUED_EXPIRED,
    IssuanceState.REFUSED: Verb.ISSUING_REFUSED,
    IssuanceState.LOST: Verb.ISSUING_UNANSWERED,
}


def issuance_move(
    issuance: Issuance,
    state: IssuanceState,
    *,
    actor: Actor,
    reason: str,
    also: Iterable[str] = (),
) -> None:
    """Move a locked row and record it. `also` names further fields that the caller changed.

    Call inside a transaction. Raises `IllegalTransition` before anything is written.
    """
    before = issuance.state
    ISSUANCE_MOVES.check(before, state)
    issuance.state = state
    issuance.save(update_fields=["state", *also])
    record(
        actor=actor,
        verb=_VERBS[state],
        target=issuance,
        changes={"state": (before, state)},
        reason=reason,
    )
