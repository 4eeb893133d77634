"""Whose trail is connected: by what came in and how far the logs reach, and never by a tick."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.models import DeedHour
from apps.activity.services.trails import trails_tell
from apps.audit.models import AuditEntry
from apps.core.actors import System
from apps.inventory.models import Agent
from tests.activity.use import logged
from tests.factories.inventory import AgentFactory, BindingFactory, SystemFactory

pytestmark = pytest.mark.django_db


def told(agent, ago=2):
    at = timezone.now() - timedelta(days=ago)
    figures = dict.fromkeys(("confirmed", "unconfirmed", "failed", "flagged"), 0)
    DeedHour.objects.create(
        log_id=1, hour=at.replace(minute=0, second=0, microsecond=0), agent_id=agent.pk,
        name="refund", kind="action", deeds=1, first_at=at, last_at=at, **figures,
    )  # fmt: skip


def connected():
    trails_tell(moment=timezone.now(), actor=System("test"))
    return set(Agent.objects.filter(trail_connected=True))


def test_who_tells_and_acts_where_a_log_is_read_is_connected():
    binding = BindingFactory()
    told(binding.agent)
    logged(binding.identity.system, days=2)

    assert connected() == {binding.agent}


def test_who_says_nothing_is_connected_where_all_its_logs_are_whole():
    binding = BindingFactory()
    logged(binding.identity.system)

    assert connected() == {binding.agent}


def test_who_says_nothing_is_not_where_one_of_its_systems_has_no_log():
    binding = BindingFactory()
    logged(binding.identity.system)
    BindingFactory(agent=binding.agent)

    assert connected() == set()


def test_what_an_agent_says_alone_connects_nothing():
    """No log is "not known", never "nothing": nobody else saw what it did."""
    told(BindingFactory().agent)
    told(AgentFactory())

    assert connected() == set()


def test_who_told_long_ago_or_by_a_log_that_ended_is_not_connected():
    late, ended = BindingFactory(), BindingFactory()
    told(late.agent, ago=200)
    logged(late.identity.system, days=2)
    told(ended.agent)
    logged(ended.identity.system, until=timezone.now() - timedelta(days=100))

    assert connected() == set()


def test_a_tick_that_nothing_bears_out_goes_and_both_ways_are_in_the_record():
    ticked = AgentFactory(trail_connected=True)
    binding = BindingFactory()
    logged(binding.identity.system)

    assert connected() == {binding.agent}

    told_of = {one.target_id: one.changes["trail_connected"] for one in AuditEntry.objects.all()}
    assert told_of == {ticked.pk: [True, False], binding.agent_id: [False, True]}
    assert connected() == {binding.agent}
    assert AuditEntry.objects.count() == 2


def test_nobody_ticks_it_any_more(as_steward):
    page = as_steward.get(reverse("console:agent_edit", args=[AgentFactory().pk])).text

    assert "trail_connected" not in page


def test_what_it_costs_does_not_grow_with_the_agents(
    django_assert_num_queries, django_assert_max_num_queries
):
    system = SystemFactory()
    logged(system)
    BindingFactory(identity__system=system)
    with django_assert_max_num_queries(15) as before:
        trails_tell(moment=timezone.now(), actor=System("test"))
    for _ in range(5):
        BindingFactory(identity__system=system)

    with django_assert_num_queries(len(before)):
        trails_tell(moment=timezone.now(), actor=System("test"))
