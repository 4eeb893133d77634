"""Why what an agent did is not explained, as far as the reader may know."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from tests.activity.listing import listed
from tests.factories.accounts import SeatFactory
from tests.factories.findings import FindingFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
URL = reverse("activity:reconstruction_list")


@pytest.fixture
def near():
    return BindingFactory(agent__trail_connected=True, identity__name="near-id")


@pytest.fixture
def far(near):
    """What the same agent acts as on another system."""
    return BindingFactory(agent=near.agent, identity__name="far-id")


def found(rule, binding):
    """What the rule finds about an identity; a shared one is of no agent."""
    is_shared = rule == "identity-attribution-lost"
    return FindingFactory(
        rule=rule,
        agent=None if is_shared else binding.agent,
        system=binding.identity.system,
        subject_type="inventory.identity",
        subject_id=binding.identity_id,
        subject_label=binding.identity.name,
    )


def reasons(client, agent):
    page = client.get(URL).text
    row = page.partition(f'href="/trail/checks/{agent.pk}/"')[2].partition("</tr>")[0]
    cell = row.partition('data-label="Not explained"')[2].partition("</td>")[0]
    return re.findall(r'href="([^"]+)">([^<]+)', cell)


def exported(client):
    return client.get(f"{URL}?export=csv").getvalue().decode()


@pytest.fixture
def everything(near, far):
    for rule in ("identity-unexplained", "identity-attribution-lost"):
        for binding in (near, far):
            found(rule, binding)
    FindingFactory(rule="agent-unconfirmed", agent=near.agent)


def test_of_several_identities_each_is_named(as_steward, near, far, everything):
    told = reasons(as_steward, near.agent)

    assert [words for _, words in told] == [
        "calls that no run tells of as far-id",
        "calls that no run tells of as near-id",
        "actions that no system confirms",
        "calls of one of several agents as far-id",
        "calls of one of several agents as near-id",
    ]
    assert f"identity={far.identity_id}&" in told[0][0]
    assert "; ".join(words for _, words in told) in exported(as_steward)


def test_an_auditor_of_one_system_is_told_no_reason_from_another(client, near, far, everything):
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=near.identity.system)
    sign_in(client, seat.user)

    told = reasons(client, near.agent)

    assert [words for _, words in told] == [
        "calls that no run tells of",
        "calls of one of several agents",
    ]
    assert all(f"identity={near.identity_id}&" in href for href, _ in told)
    assert "far-id" not in exported(client)
    assert "actions that no system confirms" not in exported(client)


@pytest.mark.parametrize("rule", ["identity-unexplained", "identity-attribution-lost"])
def test_who_is_not_explained_is_asked_of_what_the_reader_may_see(client, near, far, rule):
    found(rule, far)
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=near.identity.system)
    sign_in(client, seat.user)
    asked = [f"{url}?unexplained=true" for url in (URL, reverse("inventory:agent_list"))]

    def counts():
        question = client.get(reverse("console:home")).context["questions"][4]
        return [question.count.value, *(listed(client, href) for href in asked)]

    assert counts() == [0, 0, 0]
    found(rule, near)
    assert counts() == [1, 1, 1]


def test_a_manager_is_told_the_reasons_of_their_agents(client, near, far, everything):
    sign_in(client, near.agent.owner)

    assert len(reasons(client, near.agent)) == 5


def test_however_many_agents_and_reasons_the_list_costs_the_same(client, near, everything):
    seat = SeatFactory(limited_to_systems=True)
    seat.seat_systems.create(system=near.identity.system)
    sign_in(client, seat.user)
    client.get(URL)
    with CaptureQueriesContext(
        connection,
    ) as few:
        client.get(URL)
    for _ in range(5):
        more = BindingFactory(agent=AgentFactory(), identity__system=near.identity.system)
        found("identity-unexplained", more)
        found("identity-attribution-lost", more)
    with CaptureQueriesContext(connection) as many:
        client.get(URL)

    assert len(many) == len(few)
