"""The counts of bindings that the database keeps on each identity."""

import pytest
from django.utils import timezone

from apps.core.actors import Person
from apps.inventory.models import Binding, Credential, Identity
from apps.inventory.services.agents import agent_retire
from apps.inventory.states import AgentState
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
)

pytestmark = pytest.mark.django_db


def counts(identity):
    return Identity.objects.values_list("binding_count", "standing_count").get(pk=identity.pk)


def test_an_identity_counts_the_agents_bound_to_it():
    identity, other = IdentityFactory(), IdentityFactory()
    agents = [AgentFactory(), AgentFactory(state=AgentState.RETIRED)]

    Binding.objects.bulk_create(Binding(agent=agent, identity=identity) for agent in agents)

    assert counts(identity) == (2, 1)
    assert counts(other) == (0, 0)


def test_an_ended_binding_counts_no_more():
    binding = BindingFactory()

    binding.ended_at = timezone.now()
    binding.save()

    assert counts(binding.identity) == (0, 0)


def test_a_binding_that_moves_is_counted_where_it_went():
    binding, other = BindingFactory(), IdentityFactory()
    left = binding.identity

    binding.identity = other
    binding.save()

    assert counts(left) == (0, 0)
    assert counts(other) == (1, 1)


def test_a_retired_agent_stays_bound_and_stands_for_nothing(steward):
    binding = BindingFactory(agent=AgentFactory(active=True))

    agent_retire(agent_id=binding.agent_id, reason="Its work is done.", actor=Person(steward))

    assert counts(binding.identity) == (1, 0)


def test_saving_an_identity_read_before_changes_no_count():
    identity = IdentityFactory()
    BindingFactory(identity=identity)

    identity.name = "renamed"
    identity.save()

    assert counts(identity) == (1, 1)
    assert Identity.objects.get(pk=identity.pk).name == "renamed"


def test_agentless_are_those_with_no_one_agent_that_answers():
    retired = AgentFactory(state=AgentState.RETIRED)
    answered = BindingFactory().identity
    unbound = IdentityFactory()
    left_over = BindingFactory(agent=retired).identity
    two = BindingFactory().identity
    BindingFactory(identity=two)
    chosen = IdentityFactory(accountable_agent=AgentFactory())
    chosen_retired = IdentityFactory(accountable_agent=retired)
    IdentityFactory(gone_at=timezone.now())
    IdentityFactory(is_service_linked=True)

    found = set(Identity.objects.agentless())

    assert found == {unbound, left_over, two, chosen_retired}
    assert {answered, chosen}.isdisjoint(found)


def test_shared_are_credentials_of_identities_with_several_agents():
    shared, alone = CredentialFactory(), CredentialFactory()
    for credential in (shared, shared, alone):
        BindingFactory(identity=credential.identity)
    CredentialFactory(identity=shared.identity, gone=True)

    assert list(Credential.objects.shared()) == [shared]
