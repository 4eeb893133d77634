"""A package of the trail is interim while something of it is still to come."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.models import Invocation, Stream
from apps.evidence.content.trail.reach import reach_of
from tests.evidence.access import rows
from tests.evidence.test_trail_packages import passes
from tests.evidence.trail import build_run, long_over, ran

pytestmark = pytest.mark.django_db


@pytest.fixture
def made(tmp_path):
    return ran(tmp_path / "signer")


def log_of(made, **more):
    told = {"log_format": "cloudtrail", **more}
    return Stream.objects.create(system=made.binding.identity.system, **told)


def gaps(package):
    return {row["what"]: row for row in rows(package, "data/not_covered.csv")}


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


def test_a_run_that_its_log_does_not_reach_yet_is_interim(made, steward, as_steward):
    now = timezone.now()
    log_of(made, complete_from=now - timedelta(days=9), complete_until=now - timedelta(days=3))

    package = build_run(long_over(made.run), steward)

    assert package.status == "Interim"
    assert "reaches only to" in as_steward.get(package.get_absolute_url()).text


def test_a_log_that_was_never_said_to_be_whole_holds_nothing_up_for_ever(made, steward):
    log_of(made, last_event_at=timezone.now())

    package = build_run(long_over(made.run), steward)

    passes(package)
    assert package.status == "Final"
    why = gaps(package)[f"What {made.binding.identity.system} recorded"]["why"]
    assert "how far the log of the system reaches is not known" in why


def log_that_was_replaced(made, now):
    """Whole over the longest time of all, which ended long ago."""
    log_of(
        made,
        log_format="generic",
        complete_from=now - timedelta(days=900),
        complete_until=now - timedelta(days=500),
        ended_at=now - timedelta(days=500),
        ended_because="Replaced.",
    )


def test_any_log_that_is_whole_over_the_run_suffices(made, steward):
    """The longest ended long ago, and another that goes on lags behind: the third covers it."""
    now = timezone.now()
    log_that_was_replaced(made, now)
    log_of(
        made,
        log_format="vault",
        complete_from=now - timedelta(days=9),
        complete_until=now - timedelta(days=4),
    )
    log_of(made, complete_from=now - timedelta(days=5), complete_until=now)

    package = build_run(long_over(made.run), steward)

    assert package.status == "Final"
    assert f"What {made.binding.identity.system} recorded" not in gaps(package)


def test_an_older_piece_of_a_log_that_spans_the_run_suffices(made, steward):
    now = timezone.now()
    pieces = [(now - timedelta(days=9), now - timedelta(days=1)), (now - timedelta(hours=2), now)]
    log_of(
        made,
        covered=[[since.isoformat(), until.isoformat()] for since, until in pieces],
        complete_from=pieces[-1][0],
        complete_until=pieces[-1][1],
    )

    package = build_run(long_over(made.run), steward)

    assert package.status == "Final"
    assert f"What {made.binding.identity.system} recorded" not in gaps(package)


def test_a_log_that_begins_after_the_run_holds_nothing_up_and_is_named(made, steward):
    """The time that lies nearest is told, not the longest."""
    now = timezone.now()
    log_that_was_replaced(made, now)
    since = now - timedelta(days=1)
    log_of(made, complete_from=since, complete_until=now)

    package = build_run(long_over(made.run), steward)

    assert package.status == "Final"
    why = gaps(package)[f"What {made.binding.identity.system} recorded"]["why"]
    assert f"the log is complete only from {since:%Y-%m-%d} to {now:%Y-%m-%d}" in why
    assert "ended" not in why


def test_for_the_end_of_a_run_that_fell_silent_nobody_waits_for_ever(made):
    """Some are told without a record of the whole run: their end never comes."""
    run = long_over(made.run)
    run.root_span = run.outcome = ""
    assert reach_of([run]).to_come == ("the run has not told its end",)

    run.last_recorded -= timedelta(days=2)
    assert reach_of([run]).to_come == ()


def test_every_agent_that_told_under_the_id_is_asked_for_its_end(made):
    run = long_over(made.run)
    other = Invocation.objects.get(agent_id=made.other.pk)
    other.started_at, other.ended_at = run.started_at, run.ended_at
    other.root_span = other.outcome = ""

    assert reach_of([run, other]).to_come == (
        "a run of another agent under its id has not told its end",
    )
