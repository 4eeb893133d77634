"""What people read of an agent: what it did, against what allowed it, and what was flagged."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.models import Invocation
from apps.activity.services.hours import hours_count
from apps.activity.services.measuring import use_measure
from apps.grants.models import GrantStatement
from tests.activity.runs import NOW, TRACE, api, keep, run, said, shifted
from tests.activity.use import known_for_long
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def binding():
    return BindingFactory()


@pytest.fixture
def used(binding):
    """What the agent's identity did a while ago, measured against a grant of it."""
    known_for_long(binding.identity)
    grant = known_for_long(GrantFactory(identity=binding.identity, service="s3", level="read"))
    GrantStatement.objects.create(grant=grant, position=0, actions=["s3:Get*"], resources=["*"])
    grant.system.kind = "aws"
    grant.system.save()
    agent, identity, ago = binding.agent, binding.identity, NOW
    whose = Whose(agent_id=agent.pk, agent=agent.name)
    told = shifted(run(), ago)
    told[2].severity = 2
    keep(*told, whose=whose)
    system = Whose(
        identity_id=identity.pk, system_id=identity.system_id, system=identity.system.name
    )
    keep(
        api("s3:GetObject", ago + 2, request_id="REQ1"),
        api("iam:CreateUser", ago + 3, correlation=TRACE, carried_by="header"),
        whose=system,
    )
    hours_count()
    use_measure()
    return grant


def test_an_agents_use_stands_against_its_grants(client, used, binding):
    sign_in(client, binding.agent.owner)

    response = client.get(reverse("activity:agent_activity", args=[binding.agent_id]))

    activity = response.context["activity"]
    told = {one.name: (one.calls, one.proven, one.grants) for one in activity.done}
    assert told == {"s3:GetObject": (1, 1, [used]), "iam:CreateUser": (1, 1, [])}
    assert [strip.total for strip in activity.strips] == [2, 2]
    assert [row.event.name for row in activity.flagged] == ["refund"]
    assert [one.name for one in activity.runs] == ["refunds"]
    assert "no grant covers it" in response.content.decode()


def test_a_grant_that_ended_since_stands_beside_what_it_allowed(client, used, binding):
    over = known_for_long(
        GrantFactory(
            identity=binding.identity, service="iam", level="admin", revoked=True,
            ended_at=timezone.now() - timedelta(minutes=5),
        )
    )  # fmt: skip
    GrantStatement.objects.create(grant=over, position=0, actions=["iam:*"], resources=["*"])
    sign_in(client, binding.agent.owner)

    response = client.get(reverse("activity:agent_activity", args=[binding.agent_id]))

    told = {
        one.name: [past.grant for past in one.past] for one in response.context["activity"].done
    }
    assert told == {"s3:GetObject": [], "iam:CreateUser": [over]}
    assert "until it ended on" in response.text
    assert "no grant covers" not in response.text


def test_a_run_names_the_grants_that_let_it(client, used, binding):
    sign_in(client, binding.agent.owner)

    text = client.get(
        reverse("console:invocation_access", args=[Invocation.objects.get().pk])
    ).content.decode()

    assert used.label in text
    assert "nobody justified it" in text
    assert "No grant covers" in text
    assert "iam:CreateUser" in text


def test_what_was_flagged_stands_newest_first(client, binding):
    """Whatever came in first."""
    whose = Whose(agent_id=binding.agent_id, agent=binding.agent.name)
    keep(said("action", "later", NOW + 50, severity=2), whose=whose)
    keep(said("action", "earlier", NOW + 5, severity=2), whose=whose)
    sign_in(client, UserFactory(steward=True))

    response = client.get(reverse("activity:agent_activity", args=[binding.agent_id]))

    flagged = response.context["activity"].flagged
    assert [row.event.name for row in flagged] == ["later", "earlier"]
