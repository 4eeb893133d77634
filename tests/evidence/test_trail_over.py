"""A package of the trail is interim while something of it is still to come."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.models import Invocation, Stream
from tests.evidence.test_trail_packages import passes
from tests.evidence.trail import build_run, long_over, ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


def log_of(made, **more):
    return Stream.objects.create(
        system=made.binding.identity.system, log_format="cloudtrail", **more
    )


def test_a_run_is_final_once_it_is_old_and_its_log_reaches_over_it(made, steward, as_steward):
    log_of(made, complete_from=timezone.now() - timedelta(days=9), complete_until=timezone.now())

    package = build_run(long_over(made.run), steward)

    passes(package)
    assert package.status == "Final"
    assert "All of it was over" in as_steward.get(package.get_absolute_url()).text


def test_a_run_of_minutes_ago_is_interim(made, steward, as_steward):
    package = build_run(made.run, steward)

    passes(package)
    assert package.status == "Interim"
    page = as_steward.get(package.get_absolute_url()).text
    assert "All of it was over" not in page
    assert "ended not long ago, and logs come later" in page


def test_a_run_that_has_not_told_its_end_is_interim(made, steward, as_steward):
    Invocation.objects.filter(pk=made.run.pk).update(root_span="", outcome="")

    package = build_run(long_over(made.run), steward)

    assert package.status == "Interim"
    assert "has not told its end" in as_steward.get(package.get_absolute_url()).text


@pytest.mark.parametrize(
    ("until", "said"),
    [(None, "does not say yet how far it reaches"), (timedelta(days=3), "reaches only to")],
)
def test_a_run_that_its_log_does_not_reach_yet_is_interim(made, steward, as_steward, until, said):
    now = timezone.now()
    log_of(
        made,
        complete_from=until and now - timedelta(days=9),
        complete_until=until and now - until,
    )

    package = build_run(long_over(made.run), steward)

    assert package.status == "Interim"
    assert said in as_steward.get(package.get_absolute_url()).text
