"""The one place where a request's state changes."""

from collections.abc import Iterable

from apps.approvals.models import AccessRequest
from apps.approvals.states import REQUEST_MOVES, RequestState
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor

# Each move has a verb of its own where two happen in one transaction: a verb is recorded once
# per record and transaction.
_VERBS = {
    RequestState.PENDING: Verb.REQUEST_ROUTED,
    RequestState.APPROVED: Verb.REQUEST_APPROVED,
    RequestState.PROVISIONED: Verb.REQUEST_PROVISIONED,
    RequestState.DENIED: Verb.REQUEST_DENIED,
    RequestState.CANCELLED: Verb.REQUEST_CANCELLED,
    RequestState.LAPSED: Verb.REQUEST_LAPSED,
    RequestState.INVALIDATED: Verb.REQUEST_INVALIDATED,
}


def request_move(
    request: AccessRequest,
    state: RequestState,
    *,
    actor: Actor,
    reason: str = "",
    also: Iterable[str] = (),
) -> AccessRequest:
    """Move a locked request and record the move. `also` names further fields that changed."""
    before = request.state
    REQUEST_MOVES.check(before, state)
    request.state = state
    fields = ["state", *also]
    if state != RequestState.PENDING:
        request.step_at, request.step_due_at = 0, None
        fields += ["step_at", "step_due_at"]
    request.save(update_fields=sorted(set(fields)))
    record(
        actor=actor,
        verb=_VERBS[state],
        target=request,
        changes={"state": (before, state)},
        reason=reason,
    )
    return request
