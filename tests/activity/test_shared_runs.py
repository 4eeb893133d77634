"""Runs under one id, one for each agent: none is left out for what the others told."""

import pytest

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation
from apps.activity.selectors.stories import MOST_TOLD, story_of
from apps.activity.services import payloads_open
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from tests.activity.runs import api, keep, said
from tests.factories.accounts import UserFactory
from tests.factories.inventory import BindingFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def steward():
    return Person(UserFactory(role="steward"))


def told(binding, name, *, count, at):
    """A run of the binding's agent under the usual id: so many actions, each with its call."""
    agent, identity = binding.agent, binding.identity
    root = said("invocation", name, at=at, lasting=60, span_id=name[0] * 16)
    deeds = [
        said(
            "call", f"{name}-{number}", at=at, parent_id=name[0] * 16, request_id=f"{name}{number}"
        )
        for number in range(count)
    ]
    deeds[0].body = {"did": f"{name} words"}
    keep(root, *deeds, whose=Whose(agent_id=agent.pk, agent=agent.name))
    whose = Whose(identity_id=identity.pk, system_id=identity.system_id)
    calls = [
        api(f"{name}-{number}", at=at, request_id=f"{name}{number}") for number in range(count)
    ]
    keep(*calls, whose=whose)
    return agent


def test_a_run_shows_its_own_records_and_calls_before_those_of_others(steward):
    told(BindingFactory(), "first", count=MOST_TOLD + 20, at=0)
    late = told(BindingFactory(), "late", count=3, at=5)

    story = story_of(Invocation.objects.get(agent_id=late.pk), steward)

    own = [one for one in story.moments if one.event and one.event.agent_id == late.pk]
    assert [one.word for one in own] == ["Told", "Called", "Called", "Called"]
    assert all(one.calls for one in own[1:])
    assert len([one for one in story.moments if one.event]) == MOST_TOLD
    assert story.is_cut
    assert [one.at for one in story.moments] == sorted(one.at for one in story.moments)


def test_words_are_noted_with_the_run_of_the_agent_that_said_them(steward):
    first = told(BindingFactory(), "first", count=1, at=0)
    late = told(BindingFactory(), "late", count=1, at=5)

    opened = payloads_open(invocation=Invocation.objects.get(agent_id=late.pk), actor=steward)

    assert len(opened) == 2
    entries = AuditEntry.objects.filter(verb=Verb.PAYLOAD_OPENED)
    noted = {entry.target_id: entry.changes["records"][1] for entry in entries}
    assert noted == {
        Invocation.objects.get(agent_id=agent.pk).pk: [
            Event.objects.get(kind="call", agent_id=agent.pk).leaf_index
        ]
        for agent in (first, late)
    }


def test_what_a_reader_may_not_see_of_a_run_is_counted_and_nothing_else_is():
    told(BindingFactory(), "first", count=4, at=0)
    late = told(BindingFactory(), "late", count=3, at=5)

    story = story_of(Invocation.objects.get(agent_id=late.pk), Person(late.owner))

    assert story.withheld == 5
    assert len(story.moments) == 4
    assert not story.is_cut
