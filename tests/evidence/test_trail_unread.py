"""What was not looked at is told by every package of the trail."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.services.hours import hours_count
from apps.evidence.content.trail.controls import CONTROLS
from tests.evidence.access import rows
from tests.evidence.test_trail_over import log_of
from tests.evidence.test_trail_packages import passes
from tests.evidence.trail import build_agent, build_everything, build_run, long_over, ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


def gaps(package):
    return {row["what"]: row for row in rows(package, "data/not_covered.csv")}


def test_a_log_that_ended_holds_nothing_up_and_is_named_as_not_looked_at(made, steward):
    ago = timezone.now() - timedelta(days=5)
    log_of(made, complete_until=ago, ended_at=ago, ended_because="It was turned off.")

    package = build_run(long_over(made.run), steward)

    assert package.status == "Final"
    assert "its log ended" in gaps(package)[f"What {made.binding.identity.system} recorded"]["why"]


@pytest.mark.parametrize("build", [build_agent, build_everything])
def test_a_period_names_the_systems_that_were_not_read(made, steward, build):
    about = [made.agent] if build is build_agent else []

    package = build(*about, steward)

    passes(package)
    row = gaps(package)[f"What {made.binding.identity.system} recorded"]
    assert row["why"] == "Not all of this time is known: no log of the system is connected."

    log_of(made, complete_from=timezone.now() - timedelta(days=9), complete_until=timezone.now())
    again = build(*about, steward)
    assert f"What {made.binding.identity.system} recorded" not in gaps(again)


@pytest.mark.parametrize("build", [build_agent, build_everything])
def test_a_period_tells_how_much_of_it_is_explained(made, steward, build):
    hours_count()
    about = [made.agent] if build is build_agent else []

    told = gaps(build(*about, steward))

    young = told["API calls that a run may still tell of"]
    assert (young["count"], "not old enough" in young["why"]) == ("1", True)
    assert "50 % of 2 API calls that were recorded trace to a run." in told["Coverage"]["why"]


def test_no_control_says_that_a_file_ties_an_action_to_a_grant():
    [control] = [one for one in CONTROLS if one.requirement == "AC-6(9)"]
    assert "that allowed them" not in control.claim
    assert "Which grant allowed which action" in control.does_not_show
