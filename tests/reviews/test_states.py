"""The state machines, over every pair."""

from itertools import product

import pytest

from apps.core.errors import IllegalTransition
from apps.reviews.states import (
    CAMPAIGN_MOVES,
    HOLD_MOVES,
    ITEM_MOVES,
    CampaignState,
    HoldState,
    ItemState,
)

CAMPAIGN = {
    ("draft", "staging"),
    ("staging", "staged"),
    ("staging", "staging_failed"),
    ("staging_failed", "staging"),
    ("staged", "staging"),
    ("staged", "running"),
    ("running", "decided"),
    ("decided", "remediating"),
    ("remediating", "verifying"),
    ("verifying", "remediating"),
    ("verifying", "closed"),
    ("closed", "acknowledged"),
    *(
        (state, "cancelled")
        for state in ("draft", "staging", "staging_failed", "staged", "running", "decided")
    ),
}
ITEM = {
    *(
        ("open", state)
        for state in ("decided", "final", "void", "superseded", "excluded", "carried")
    ),
    *(("decided", state) for state in ("final", "void", "superseded")),
    ("carried", "superseded"),
}
HOLD = {("held", "released"), ("held", "refused")}


@pytest.mark.parametrize(
    ("machine", "states", "allowed"),
    [
        (CAMPAIGN_MOVES, CampaignState.values, CAMPAIGN),
        (ITEM_MOVES, ItemState.values, ITEM),
        (HOLD_MOVES, HoldState.values, HOLD),
    ],
    ids=["campaign", "item", "hold"],
)
def test_exactly_the_moves_of_the_design_are_allowed(machine, states, allowed):
    assert {pair for pair in product(states, states) if machine.can(*pair)} == allowed


def test_a_move_that_is_not_in_the_table_is_refused_in_words():
    with pytest.raises(IllegalTransition, match="campaign cannot go from closed to running"):
        CAMPAIGN_MOVES.check("closed", "running")
