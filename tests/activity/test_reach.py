"""How far the logs of systems tell of the time of a run, and that its page says no more."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Invocation, Stream
from apps.activity.selectors.reach import systems_reached
from apps.core.actors import Person
from tests.activity.runs import keep, run
from tests.factories.inventory import BindingFactory, SystemFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
HOUR = timedelta(hours=1)
NOT_KNOWN = "no log of it is read that far: what it saw is not known"


@pytest.fixture
def binding():
    return BindingFactory()


@pytest.fixture
def invocation(binding):
    """A run of a minute, long ago."""
    keep(*run(), whose=Whose(agent_id=binding.agent_id, agent=binding.agent.name))
    return Invocation.objects.get()


def log_of(binding, *pieces, log_format="cloudtrail"):
    """A log with these times covered: the newest is the one that counts as complete."""
    return Stream.objects.create(
        system=binding.identity.system,
        log_format=log_format,
        covered=[[since.isoformat(), until.isoformat()] for since, until in pieces],
        complete_from=pieces[-1][0],
        complete_until=pieces[-1][1],
    )


def reached(binding, invocation):
    (one,) = systems_reached(
        binding.agent_id,
        invocation.started_at,
        invocation.ended_at,
        Person(binding.agent.owner),
    )
    return one.until, one.is_over


def page(client, binding, invocation):
    sign_in(client, binding.agent.owner)
    return client.get(invocation.get_absolute_url()).text


def test_of_a_run_before_its_log_begins_what_the_system_saw_is_not_known(
    client, binding, invocation
):
    now = timezone.now()
    log_of(binding, (now - timedelta(days=1), now))

    text = page(client, binding, invocation)

    assert NOT_KNOWN in text
    assert "its log is complete until" not in text


def test_an_older_piece_that_spans_the_run_tells_of_it(client, binding, invocation):
    now, spanned = timezone.now(), invocation.ended_at + HOUR
    log_of(binding, (invocation.started_at - HOUR, spanned), (now - timedelta(days=1), now))

    text = page(client, binding, invocation)

    assert NOT_KNOWN not in text
    assert f"{spanned:%Y-%m-%dT%H:%M:%SZ}" in text
    assert reached(binding, invocation) == (spanned, True)


def test_two_logs_that_each_tell_of_a_half_are_not_one_that_tells_of_all(binding, invocation):
    start, end = invocation.started_at, invocation.ended_at
    half = start + (end - start) / 2
    log_of(binding, (start - HOUR, half))
    assert reached(binding, invocation) == (half, False)

    log_of(binding, (half, timezone.now()), log_format="generic")
    assert reached(binding, invocation) == (None, False)


def test_any_one_of_several_logs_suffices(binding, invocation):
    now, end = timezone.now(), invocation.ended_at
    log_of(binding, (now - HOUR, now))
    log_of(binding, (invocation.started_at - HOUR, end), log_format="generic")

    assert reached(binding, invocation) == (end, True)


def test_however_many_systems_and_logs_it_is_one_query(
    binding, invocation, django_assert_num_queries
):
    now = timezone.now()
    for _ in range(3):
        more = BindingFactory(agent=binding.agent, identity__system=SystemFactory())
        log_of(more, (now - HOUR, now))
        log_of(more, (now - HOUR, now), log_format="generic")

    with django_assert_num_queries(1):
        found = systems_reached(binding.agent_id, now - HOUR, now, Person(binding.agent.owner))
    assert sorted(one.is_over for one in found) == [False, True, True, True]
