from hypothesis import given
from hypothesis import strategies as st

from apps.approvals.chains import Requirement, Step, can_be_met, progress_of

PEOPLE = st.frozensets(st.integers(1, 6), max_size=6)
REQUIREMENTS = st.builds(Requirement, count=st.integers(1, 3), people=PEOPLE)
STEPS = st.builds(Step, st.lists(REQUIREMENTS, min_size=1, max_size=3).map(tuple))


def test_every_requirement_of_a_step_must_be_met():
    step = Step((Requirement(1, frozenset({1})), Requirement(1, frozenset({2, 3}))))

    assert not progress_of(step, [1]).is_met
    assert not progress_of(step, [2, 3]).is_met
    assert progress_of(step, [1, 3]).is_met


def test_one_person_fills_one_requirement_though_both_turn_to_them():
    step = Step((Requirement(1, frozenset({1, 2})), Requirement(1, frozenset({1}))))

    assert not progress_of(step, [1]).is_met
    assert progress_of(step, [1, 2]).filled == {0: frozenset({2}), 1: frozenset({1})}


def test_a_chain_that_needs_one_person_twice_cannot_be_met():
    manager = Step((Requirement(1, frozenset({1})),))

    assert can_be_met([manager])
    assert not can_be_met([manager, manager])
    assert not can_be_met([manager], spent=[1])


def test_a_requirement_that_turns_to_nobody_cannot_be_met():
    assert not can_be_met([Step((Requirement(1, frozenset()),))])


@given(step=STEPS, approved=PEOPLE)
def test_a_step_is_met_only_by_enough_different_people_for_each_requirement(step, approved):
    progress = progress_of(step, approved)

    seated = [person for people in progress.filled.values() for person in people]
    assert len(seated) == len(set(seated))
    assert set(seated) <= approved
    for at, requirement in enumerate(step.requirements):
        assert progress.filled[at] <= requirement.people
        assert len(progress.filled[at]) <= requirement.count
    assert progress.is_met == all(
        len(progress.filled[at]) == one.count for at, one in enumerate(step.requirements)
    )


@given(step=STEPS, approved=PEOPLE, more=st.integers(1, 6))
def test_another_approval_never_undoes_a_step_that_is_met(step, approved, more):
    if progress_of(step, approved).is_met:
        assert progress_of(step, approved | {more}).is_met


@given(steps=st.lists(STEPS, max_size=3), spent=PEOPLE)
def test_a_chain_that_can_be_met_has_somebody_for_every_place(steps, spent):
    places = sum(one.count for step in steps for one in step.requirements)
    people = {pk for step in steps for pk in step.people} - spent

    if can_be_met(steps, spent=spent):
        assert places <= len(people)
