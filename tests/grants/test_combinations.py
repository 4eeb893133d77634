from dataclasses import replace
from itertools import combinations as subsets

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apps.grants.combinations import (
    EXACT_UP_TO,
    Held,
    Name,
    combinations_of,
    fewest_removals,
    reach,
)
from apps.grants.states import Level, Tag

READS, TAKES, SENDS = Tag.READS_PRIVATE, Tag.TAKES_UNTRUSTED, Tag.SENDS_OUT


def held(grant, *tags, level=Level.READ, system=1, service="crm", asks_a_person=False):
    return Held(grant, system, service, level, frozenset(tags), asks_a_person)


def names(*grants):
    return [one.name for one in combinations_of(grants)]


def test_private_data_untrusted_text_and_a_way_out_make_a_critical_combination():
    found = combinations_of([held(1, READS), held(2, TAKES), held(3, SENDS)])

    assert [(one.name, one.severity) for one in found] == [(Name.WAY_OUT, "critical")]


@pytest.mark.parametrize("missing", [0, 1, 2])
def test_two_of_the_three_are_no_way_out(missing):
    grants = [held(1, READS), held(2, TAKES), held(3, SENDS)]
    del grants[missing]

    assert Name.WAY_OUT not in names(*grants)


def test_one_grant_may_be_the_whole_combination():
    assert names(held(1, READS, TAKES, SENDS)) == [Name.WAY_OUT]


@pytest.mark.parametrize("tag", [Tag.CHANGES, Tag.DELETES, Tag.SPENDS, Tag.RUNS_CODE])
def test_outsiders_can_steer_writes_unless_a_person_agrees_first(tag):
    untrusted = held(1, TAKES)

    assert names(untrusted, held(2, tag)) == [Name.STEERED]
    assert names(untrusted, held(2, tag, asks_a_person=True)) == []


def test_granting_access_is_self_elevation_by_itself():
    assert names(held(1, Tag.GRANTS_ACCESS, level=Level.ADMIN)) == [Name.SELF_ELEVATION]


@pytest.mark.parametrize("tag", [Tag.SENDS_OUT, Tag.RUNS_CODE])
def test_secrets_with_a_way_to_use_them_are_keys_to_elsewhere(tag):
    assert names(held(1, Tag.READS_SECRETS), held(2, tag)) == [Name.KEYS_ELSEWHERE]


def test_writing_on_a_system_and_on_its_own_log_acts_and_covers():
    acts = held(1, level=Level.WRITE, service="s3")
    covers = held(2, level=Level.WRITE, service="cloudtrail")

    assert names(acts, covers) == [Name.ACTS_AND_COVERS]
    assert names(acts, replace(covers, system=2)) == []
    assert names(acts, replace(covers, level=Level.READ)) == []


def test_an_agent_reaches_whom_it_calls_through_others_and_round_a_circle():
    assert reach({1: [2], 2: [3], 3: [1], 4: [5]}, 1) == {1, 2, 3}


def test_the_fewest_removals_empty_the_smallest_part():
    readers = [held(1, READS), held(2, READS)]
    takers = [held(3, TAKES), held(4, TAKES)]
    found = combinations_of([*readers, *takers, held(5, SENDS)])

    breaking = fewest_removals(found)

    assert breaking.grants == {5}
    assert breaking.is_exact


def test_between_sets_of_one_size_the_preferred_grants_are_named():
    found = combinations_of([held(1, READS), held(2, TAKES), held(3, SENDS)])

    assert fewest_removals(found, prefer=lambda grant: (-grant,)).grants == {3}
    assert fewest_removals(found, prefer=lambda grant: (grant != 2,)).grants == {2}


def test_one_removal_that_breaks_two_combinations_is_found():
    found = combinations_of([held(1, TAKES), held(2, READS), held(3, SENDS), held(4, Tag.CHANGES)])

    assert {one.name for one in found} == {Name.WAY_OUT, Name.STEERED}
    assert fewest_removals(found).grants == {1}


def test_beyond_twenty_candidates_the_answer_is_greedy_and_says_so():
    many = [held(n, READS) for n in range(EXACT_UP_TO)]
    found = combinations_of([*many, held(100, TAKES), held(101, SENDS)])

    breaking = fewest_removals(found)

    assert not breaking.is_exact
    assert breaking.grants == {100}


grants = st.lists(
    st.builds(
        lambda tags, level, system, service, asks: (tags, level, system, service, asks),
        st.frozensets(st.sampled_from(list(Tag)), max_size=3),
        st.sampled_from(list(Level)),
        st.integers(1, 2),
        st.sampled_from(["crm", "cloudtrail", "*"]),
        st.booleans(),
    ),
    max_size=8,
).map(lambda rows: [Held(n, row[2], row[3], row[1], row[0], row[4]) for n, row in enumerate(rows)])


def holds_after(population, removed):
    return combinations_of([one for one in population if one.grant not in removed])


@given(grants)
@settings(max_examples=150)
def test_the_set_really_breaks_every_combination_and_no_smaller_set_does(population):
    breaking = fewest_removals(combinations_of(population))

    ids = [one.grant for one in population]
    smaller = [set(some) for size in range(len(breaking.grants)) for some in subsets(ids, size)]
    assert holds_after(population, breaking.grants) == []
    assert all(holds_after(population, some) for some in smaller)


@given(grants, grants)
@settings(max_examples=50)
def test_a_greedy_set_breaks_every_combination_too(some, others):
    shifted = [replace(one, grant=one.grant + 100) for one in others]
    padding = [held(200 + n, READS) for n in range(EXACT_UP_TO)]
    population = [*some, *shifted, *padding, held(300, TAKES), held(301, SENDS)]

    breaking = fewest_removals(combinations_of(population))

    assert not breaking.is_exact
    assert holds_after(population, breaking.grants) == []
