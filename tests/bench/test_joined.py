"""What is measured as the join is the product's own join: it makes again all that it takes away."""

import pytest

from apps.activity.models import Cursor, HourDue
from apps.proof.models import Log
from tests.bench import joined
from tests.bench.measure import Measured
from tests.bench.test_kept import RECORDS, filled, projected

__all__ = ["filled"]

# Tables are taken off and put back, which a transaction of a test would not show to the others.
pytestmark = pytest.mark.django_db(transaction=True)
NEWEST = 800


def test_what_is_measured_is_made_anew_and_as_it_was(filled):
    before = projected()
    log = Log.objects.get(name="activity")

    runs, hours = joined.rates(log, NEWEST, copied=1000.0)

    assert projected() == before
    assert f"{NEWEST:,} records in" in runs
    assert "of raw COPY" in runs
    assert int(hours.strip().partition(" ")[0].replace(",", "")) > 0
    assert Cursor.objects.get(name="runs").leaf == RECORDS
    assert not HourDue.objects.exists()


def test_a_rate_is_what_was_done_beside_what_copy_does():
    assert joined.rate("x", 1000, 0.5, copied=8000.0) == (
        "   x: 1,000 records in 0.5 s, 2,000/s, 0.25 of raw COPY"
    )


def test_each_rule_that_reads_of_the_join_is_measured_with_its_bound(filled):
    measured = list(joined.rules())

    assert len(measured) == len(joined.RULES) + 2
    assert all(isinstance(one, Measured) for one in measured)
    assert {one.bound for one in measured} == {joined.RULE_BOUND, 60_000}
