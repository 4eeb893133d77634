from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.actors import Person
from apps.reviews.scope import Scope
from apps.reviews.services.campaigns import NewCampaign, campaign_create
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, BindingFactory, IdentityFactory


@pytest.fixture
def company(db):
    """One agent with an owner and a team's manager, bound to one identity."""
    agent = AgentFactory(active=True, team=TeamFactory())
    identity = IdentityFactory()
    BindingFactory(agent=agent, identity=identity)
    return agent, identity


@pytest.fixture
def draft(steward):
    """Make a draft campaign run by the steward, with another steward as fallback."""

    def make(**scope):
        return campaign_create(
            new=NewCampaign(
                name="Quarterly write access",
                fallback_reviewer=UserFactory(steward=True, display_name="The fallback"),
                run_by=steward,
                deadline_on=timezone.localdate() + timedelta(days=14),
                scope=Scope(**scope),
            ),
            actor=Person(steward),
        )

    return make


@pytest.fixture
def grants(company):
    """One read, one write, and one admin grant of the company's identity."""
    _, identity = company
    return [
        GrantFactory(identity=identity, level=level, service=f"{level}-service")
        for level in ("read", "write", "admin")
    ]
