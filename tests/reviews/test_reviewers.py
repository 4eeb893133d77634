"""Who decides: every case of `architecture.md` 15."""

import pytest

from apps.reviews.reviewers import Accountable, Reviewers
from apps.reviews.states import FoundBy

OWNER, MANAGER, FALLBACK, OTHER = 1, 2, 3, 4
PEOPLE = Reviewers(FALLBACK, frozenset({OWNER, MANAGER, FALLBACK, OTHER}), (FALLBACK, OTHER))
AGENT = Accountable(10, "support-triage", OWNER, MANAGER)


@pytest.mark.parametrize(
    ("level", "agent", "disqualified", "expected"),
    [
        ("read", AGENT, (), (OWNER, FoundBy.OWNER, None)),
        ("read", AGENT, (OWNER,), (FALLBACK, FoundBy.SELF_REVIEW, None)),
        ("read", Accountable(10, "a", None, MANAGER), (), (FALLBACK, FoundBy.FALLBACK, None)),
        ("read", Accountable(10, "a", 99, MANAGER), (), (FALLBACK, FoundBy.FALLBACK, None)),
        ("write", AGENT, (), (MANAGER, FoundBy.MANAGER, OWNER)),
        ("admin", AGENT, (), (MANAGER, FoundBy.MANAGER, OWNER)),
        ("write", AGENT, (MANAGER,), (FALLBACK, FoundBy.SELF_REVIEW, OWNER)),
        ("write", AGENT, (OWNER,), (MANAGER, FoundBy.MANAGER, OWNER)),
        ("write", Accountable(10, "a", OWNER, OWNER), (), (FALLBACK, FoundBy.FALLBACK, OWNER)),
        ("write", Accountable(10, "a", OWNER, None), (), (FALLBACK, FoundBy.FALLBACK, OWNER)),
        ("write", Accountable(10, "a", OWNER, 99), (), (FALLBACK, FoundBy.FALLBACK, OWNER)),
        ("write", None, (), (FALLBACK, FoundBy.NO_AGENT, None)),
        ("write", None, (FALLBACK,), (OTHER, FoundBy.NO_AGENT, None)),
        ("write", AGENT, (MANAGER, FALLBACK), (OTHER, FoundBy.SELF_REVIEW, OWNER)),
        ("write", AGENT, (MANAGER, FALLBACK, OTHER), (None, FoundBy.SELF_REVIEW, OWNER)),
        ("write", Accountable(10, "a", FALLBACK, None), (), (OTHER, FoundBy.SELF_REVIEW, FALLBACK)),
    ],
)
def test_the_reviewer_is_found_by_the_rules(level, agent, disqualified, expected):
    found = PEOPLE.find(level=level, agent=agent, disqualified=disqualified)

    assert (found.reviewer_id, found.found_by, found.attester_id) == expected


def test_a_fallback_says_why_it_was_asked():
    found = PEOPLE.find(level="write", agent=AGENT, disqualified=(MANAGER, FALLBACK))

    assert found.reason == (
        "The manager asked for, granted, or made this access."
        " The fallback may not decide it either; another steward does."
    )
