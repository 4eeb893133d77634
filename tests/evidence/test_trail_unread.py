"""What was not looked at is told by every package of the trail."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.services.hours import hours_count
from apps.evidence.content.trail import reach
from apps.evidence.content.trail.controls import CONTROLS
from tests.evidence.test_trail_over import gaps, log_of
from tests.evidence.test_trail_packages import passes
from tests.evidence.trail import (
    Whose,
    build_agent,
    build_everything,
    build_run,
    keep,
    long_over,
    ran,
    said,
    sign,
)
from tests.factories.inventory import BindingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


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
def test_a_period_tells_how_much_of_each_identity_is_explained(made, steward, build):
    """One figure over all of them would hide an identity of which no run tells at all."""
    quiet = BindingFactory(agent=made.agent)
    keep(
        said("api", "s3:PutObject", 3, 0, ""),
        said("api", "s3:PutObject", 4, 0, ""),
        whose=Whose(identity_id=quiet.identity_id, system_id=quiet.identity.system_id),
    )
    sign(made.folder, later=timedelta(minutes=1))
    hours_count()
    about = [made.agent] if build is build_agent else []

    package = build(*about, steward)
    told = gaps(package)

    passes(package)
    young = told["API calls that a run may still tell of"]
    assert (young["count"], "not old enough" in young["why"]) == ("3", True)
    for binding, share in ((made.binding, "50 % of 2 API"), (quiet, "0 % of 2 API")):
        identity = binding.identity
        why = told[f"Coverage of {identity} on {identity.system}"]["why"]
        assert f"{share} calls that were recorded trace to a run." in why
    assert "Coverage" not in told


def test_of_an_agent_without_calls_the_coverage_is_not_known(made, steward):
    told = gaps(build_agent(made.other, steward))

    assert "Not known: no API call" in told["Coverage"]["why"]


def test_past_a_number_of_identities_it_is_told_how_many_more_there_are(made, steward, monkeypatch):
    monkeypatch.setattr(reach, "MOST_NAMED", 1)
    quiet = BindingFactory(agent=made.agent)
    keep(
        said("api", "s3:PutObject", 3, 0, ""),
        whose=Whose(identity_id=quiet.identity_id, system_id=quiet.identity.system_id),
    )
    hours_count()

    told = gaps(build_agent(made.agent, steward))

    assert f"Coverage of {quiet.identity} on {quiet.identity.system}" not in told
    assert told["Coverage of further identities"]["count"] == "1"


def test_no_control_says_that_a_file_ties_an_action_to_a_grant():
    [control] = [one for one in CONTROLS if one.requirement == "AC-6(9)"]
    assert "that allowed them" not in control.claim
    assert "Which grant allowed which action" in control.does_not_show
