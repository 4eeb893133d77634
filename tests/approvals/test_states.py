from itertools import product

import pytest

from apps.approvals.states import (
    BREAK_GLASS_MOVES,
    OPEN,
    PROPOSAL_MOVES,
    REQUEST_MOVES,
    BreakGlassState,
    ProposalState,
    RequestState,
)
from apps.core.errors import IllegalTransition

S = RequestState
ENDS = {S.CANCELLED, S.LAPSED, S.INVALIDATED}
ALLOWED = {
    *product([S.SUBMITTED], {S.PENDING, S.APPROVED} | ENDS),
    *product([S.PENDING], {S.APPROVED, S.DENIED} | ENDS),
    *product([S.APPROVED], {S.PROVISIONED} | ENDS),
}


@pytest.mark.parametrize(("now", "then"), product(S, S))
def test_a_request_moves_only_as_its_table_says(now, then):
    if (now, then) in ALLOWED:
        REQUEST_MOVES.check(now, then)
    else:
        with pytest.raises(IllegalTransition):
            REQUEST_MOVES.check(now, then)


@pytest.mark.parametrize(("now", "then"), product(ProposalState, ProposalState))
def test_a_proposal_is_answered_once(now, then):
    if now == ProposalState.OPEN != then:
        PROPOSAL_MOVES.check(now, then)
    else:
        with pytest.raises(IllegalTransition):
            PROPOSAL_MOVES.check(now, then)


G = BreakGlassState


@pytest.mark.parametrize(("now", "then"), product(G, G))
def test_a_break_glass_use_ends_and_is_reviewed_and_nothing_else(now, then):
    if (now, then) in {(G.ACTIVE, G.ENDED), (G.ENDED, G.REVIEWED)}:
        BREAK_GLASS_MOVES.check(now, then)
    else:
        with pytest.raises(IllegalTransition):
            BREAK_GLASS_MOVES.check(now, then)


def test_a_request_that_is_over_never_moves_again():
    assert {state for state in S if REQUEST_MOVES.is_final(state)} == set(S) - set(OPEN)
