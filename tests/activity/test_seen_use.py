"""Measured use names no grant and no agent that its reader may not see."""

import pytest
from django.urls import reverse

from apps.activity.selectors.measured import measured_of
from apps.activity.services.measuring import use_measure
from apps.core.actors import Person
from apps.grants.states import Level
from apps.inventory.models import SeatSystem
from tests.activity.use import granted, logged, used
from tests.factories.accounts import SeatFactory
from tests.factories.grants import GrantStatementFactory
from tests.factories.inventory import AgentFactory, BindingFactory, IdentityFactory, SystemFactory
from tests.factories.reviews import ReviewItemFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def identity():
    return IdentityFactory(system=SystemFactory(kind="aws"))


def limited(*systems):
    seat = SeatFactory(limited_to_systems=True)
    for system in systems:
        SeatSystem.objects.create(seat=seat, system=system)
    return seat.user


def shown(response):
    return " ".join(response.content.decode().split())


def test_who_sees_none_of_the_other_grants_is_told_how_many_cover_it(identity):
    one = granted(identity, "s3:Get*")
    granted(identity, "s3:GetObject", level=Level.WRITE)
    granted(identity, "s3:*", level=Level.ADMIN)
    used(identity, "s3:GetObject", 3)
    use_measure()

    stranger = limited(SystemFactory())
    insider = limited(identity.system)
    seen = measured_of([one], Person(insider), days=90)[one.pk]
    unseen = measured_of([one], Person(stranger), days=90)[one.pk]

    assert len(seen.also) == 2
    assert seen.also_hidden == 0
    assert unseen.also == ()
    assert unseen.covered_by == "2 grants you may not see"
    assert unseen.is_covered


def test_the_rest_is_counted_beside_those_that_may_be_seen(identity, reviewer):
    """An item is shown to its reviewer; what else its identity holds, to who answers for it."""
    item = ReviewItemFactory(reviewer=reviewer, agent__owner=AgentFactory().owner)
    GrantStatementFactory(grant=item.grant, actions=["customers:Update"])
    other = granted(item.grant.identity, "customers:*")
    used(item.grant.identity, "customers:Update", 3)
    use_measure()

    mine = measured_of([item.grant], Person(reviewer), days=90)[item.grant.pk]

    assert other.label not in mine.covered_by
    assert mine.covered_by == "1 grant you may not see"


def test_the_bench_names_no_grant_that_its_reviewer_may_not_see(as_reviewer, reviewer):
    item = ReviewItemFactory(reviewer=reviewer, agent__owner=AgentFactory().owner)
    GrantStatementFactory(grant=item.grant, actions=["customers:Update"])
    other = granted(item.grant.identity, "customers:*", label="the hidden one")
    logged(other.system)
    used(item.grant.identity, "customers:Update", 3)
    use_measure()

    page = shown(
        as_reviewer.get(reverse("reviews:bench_agent", args=[item.campaign_id, item.agent_id]))
    )

    assert "also covered by 1 grant you may not see" in page
    assert "the hidden one" not in page


def test_the_page_of_a_grant_names_the_others_to_an_auditor_of_its_system(client, identity):
    one = granted(identity, "s3:Get*")
    other = granted(identity, "s3:GetObject", level=Level.WRITE)
    used(identity, "s3:GetObject", 3)
    use_measure()
    sign_in(client, limited(identity.system))

    page = shown(client.get(reverse("activity:grant_use", args=[one.pk])))

    assert f"also covered by {other.label}" in page


def test_an_agent_that_shares_nothing_is_not_named_to_a_stranger(identity, reviewer):
    mine, stranger = AgentFactory(owner=reviewer), AgentFactory(name="the stranger")
    BindingFactory(agent=mine, identity=identity)
    one = granted(identity, "s3:Get*")
    used(identity, "s3:GetObject", 3, agent_id=mine.pk)
    used(identity, "s3:GetObject", 2, ago=2, agent_id=stranger.pk)
    used(identity, "s3:GetObject", 1, ago=3)
    use_measure()

    told = measured_of([one], Person(reviewer), days=90)[one.pk].by_agent

    assert dict(told) == {mine.name: 3, "agents you may not see": 2, "": 1}
