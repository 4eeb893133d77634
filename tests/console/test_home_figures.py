"""Every figure of home leads to exactly the rows it counts."""

import re
from datetime import timedelta
from html import unescape
from itertools import count, islice

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.findings.states import FindingState
from apps.inventory.states import AgentState
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.findings import FindingFactory
from tests.factories.grants import GrantFactory, JustificationFactory
from tests.factories.inventory import (
    AgentFactory,
    BindingFactory,
    CredentialFactory,
    IdentityFactory,
    SourceFactory,
    SystemFactory,
)
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db

NUMBERS = count(1)
QUESTION = re.compile(r'<a class="n [^"]*" href="([^"]+)">([\d,]+)</a>')
GAP = re.compile(r'<a href="([^"]+)">([\d,]+) (?:stale|identit|system|overdue)')
REMOVALS = re.compile(r'href="([^"]+)">(?:(?!</a>).)*?<b [^>]*>(\d+) removals? to', re.DOTALL)


def figures(html):
    """Every figure of a home page as (address, number)."""
    found = [pair for pattern in (QUESTION, GAP, REMOVALS) for pair in pattern.findall(html)]
    return [(unescape(address), number) for address, number in found]


def listed(client, address):
    return re.search(r'<p class="listing-count[^>]*>([\d,]+) ', client.get(address).text)[1]


def company(manager, size):
    """What a manager's agents have: `size` of the least, and more of each further thing."""
    systems = [SystemFactory(owner=manager) for _ in range(size + 1)]
    team = TeamFactory(manager=manager)
    agents = [AgentFactory(team=team, owner=manager) for _ in range(size + 2)]
    AgentFactory(team=team, trail_connected=True)
    AgentFactory(team=team, state=AgentState.RETIRED)
    identities = [IdentityFactory(system=systems[0]) for _ in range(size + 3)]
    gone = IdentityFactory(system=systems[0], gone_at=timezone.now())
    for identity in [*identities, gone]:
        BindingFactory(agent=agents[0], identity=identity)
    for _ in range(size + 4):
        CredentialFactory(identity=identities[0])
    CredentialFactory(identity=identities[0], rotation_days=30)
    grants = [GrantFactory(identity=identities[0]) for _ in range(size + 5)]
    justified = GrantFactory(identity=identities[0])
    justified.justification = JustificationFactory(grant=justified)
    justified.save()
    aside = {"state": FindingState.SNOOZED, "until": timezone.now() + timedelta(days=9)}
    over = {"state": FindingState.RESOLVED, "resolved_at": timezone.now()}
    findings("credential-shared", agents[0], size + 6, state=FindingState.ACKNOWLEDGED)
    findings("credential-shared", agents[0], 1, **aside)
    findings("identity-without-agent", agents[0], size + 7, **aside)
    findings("identity-without-agent", agents[0], 1, **over)
    findings("agent-reconstruction-overdue", agents[0], size + 8)
    findings("agent-reconstruction-overdue", agents[0], 1, **over)
    return grants


def findings(rule, agent, how_many, **facts):
    for number in islice(NUMBERS, how_many):
        label = f"{rule} {number}"
        FindingFactory(rule=rule, agent=agent, subject_id=number, subject_label=label, **facts)


def orders(grants, to_do, to_confirm, by):
    for grant in grants[:to_do]:
        OrderFactory(waiting=True, grant=grant)
    for grant in grants[to_do : to_do + to_confirm]:
        OrderFactory(waiting=True, grant=grant, executed_by=by, executed_at=timezone.now())


@pytest.fixture
def world(reviewer, steward):
    """A manager's agents and a stranger's, so that no two people count the same."""
    mine = company(reviewer, 2)
    strange = company(UserFactory(), 11)
    orders(mine, 1, 2, by=UserFactory())
    orders(mine[3:], 0, 1, by=reviewer)
    orders(strange, 7, 1, by=steward)
    for number in range(2):
        SourceFactory(read_at=timezone.now() - timedelta(days=60 + number))
    SourceFactory()


@pytest.mark.parametrize(
    ("who", "how_many"), [("as_steward", 11), ("as_reviewer", 10), ("as_auditor", 9)]
)
def test_every_figure_of_home_leads_to_as_many_rows(request, world, who, how_many):
    client = request.getfixturevalue(who)

    found = figures(client.get(reverse("console:home")).text)

    numbers = [number for _, number in found]
    assert len(found) == how_many
    assert "0" not in numbers
    assert len(set(numbers)) == len(numbers)
    assert {address: listed(client, address) for address, _ in found} == dict(found)
