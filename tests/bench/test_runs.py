import pytest

from tests.bench.__main__ import size_asked_for, steps
from tests.bench.company import Size, company_make

# Committed, because a part of it is watched from a process of its own.
pytestmark = pytest.mark.django_db(transaction=True)


def test_a_small_company_goes_through_every_step_that_is_measured():
    size = Size(identities=200, agents=20)
    company_make(size)

    measured = list(steps(size))

    failed = [one.name for one in measured if one.milliseconds == float("inf")]
    names = [one.name for one in measured]
    assert failed == []
    assert "grants:grant_list deep" in names
    assert "200 requests, waiting" in names
    assert "stage 100 items" in names
    assert "submit 500 decisions" in names


def test_a_million_rows_are_measured_unless_another_size_is_asked_for():
    assert size_asked_for([]).grants == 1_000_000
    assert size_asked_for(["--identities", "2000"]) == Size(identities=2000, agents=200)
