"""What a killed key did and made since it was exposed, as the small AWS's own log tells."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Person
from apps.remediation.models import Incident
from apps.remediation.services import incidents, orders
from apps.remediation.services.incidents import NO_LOG
from apps.remediation.states import IncidentState, OrderKind, OrderState
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory
from tests.servers.aws import as_the_log_names_it

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]
WHY = "It was seen in a public place."


@pytest.fixture
def thief(company):
    """A key in other hands, with which a user and a key of that user were made."""
    held = company.key(issued_at=timezone.now() - timedelta(hours=1))
    iam = as_the_log_names_it(company.server.client("iam", held.user.key))
    name = f"{held.user.name}-twin"
    iam.create_user(UserName=name)
    held.twin = name
    held.twin_key = iam.create_access_key(UserName=name)["AccessKey"]["AccessKeyId"]
    iam.list_users()
    return held


def kill(held, steward):
    orders.credential_kill(credential_id=held.credential.pk, reason=WHY, actor=Person(steward))
    return Incident.objects.get(credential=held.credential)


def test_a_kill_tells_what_the_key_did_and_made_since(company, thief, steward, as_steward):
    incident = kill(thief, steward)

    assert incident.state == IncidentState.OPEN
    assert {"CreateUser", "CreateAccessKey", "ListUsers"} <= set(
        incident.calls.values_list("name", flat=True)
    )
    made = {one.name: one for one in incident.made.all()}
    assert thief.twin in " ".join(made)
    page = as_steward.get(incident.get_absolute_url()).content.decode()
    assert thief.twin in page
    assert "127.0.0.1" in page
    assert incident.complete_until < timezone.now()


def test_one_button_takes_back_everything_that_was_made(company, thief, steward):
    incident = kill(thief, steward)
    with pytest.raises(PermissionDenied, match="still stands"):
        incidents.incident_close(incident_id=incident.pk, reason=WHY, actor=Person(steward))

    order = incidents.incident_take_back(incident_id=incident.pk, reason=WHY, actor=Person(steward))
    order = orders.order_run(order_id=order.pk, actor=Person(steward))

    keys = company.server.client("iam").list_access_keys(UserName=thief.twin)["AccessKeyMetadata"]
    assert [one["Status"] for one in keys if one["AccessKeyId"] == thief.twin_key] in (
        [],
        ["Inactive"],
    )
    assert order.state in {OrderState.EXECUTED, OrderState.VERIFIED}, order.trouble
    thief.credential.refresh_from_db()
    assert thief.credential.state == "suspended"
    incidents.incident_close(incident_id=incident.pk, reason=WHY, actor=Person(steward))


def test_reading_twice_keeps_nothing_twice(company, thief, steward):
    incident = kill(thief, steward)
    calls, made = incident.calls.count(), incident.made.count()

    incidents.incident_read(incident_id=incident.pk)

    assert (incident.calls.count(), incident.made.count()) == (calls, made)


def test_killed_with_many_others_each_tells_what_it_did_once_the_batch_is_let_go(
    company, thief, steward, as_steward
):
    other = company.key(issued_at=timezone.now() - timedelta(hours=1))
    batch = orders.credentials_end_many(
        credential_ids=[thief.credential.pk, other.credential.pk],
        kind=OrderKind.KILL,
        reason=WHY,
        actor=Person(steward),
    )
    assert batch.state == "held"
    assert not Incident.objects.exists()

    second = Person(UserFactory(role="steward"))
    orders.batch_judge(batch_id=batch.pk, release=True, reason="Yes.", actor=second)

    incidents_of = {one.credential: one for one in Incident.objects.select_related("credential")}
    assert set(incidents_of) == {thief.credential, other.credential}
    told = incidents_of[thief.credential]
    assert told.exposed_since == thief.credential.issued_at
    assert "CreateUser" in set(told.calls.values_list("name", flat=True))
    page = as_steward.get(batch.get_absolute_url()).content.decode()
    assert told.get_absolute_url() in page


def test_stopping_an_agent_opens_an_incident_for_what_it_kills_alone(company, thief, steward):
    shared = company.key()
    agent = BindingFactory(identity=thief.credential.identity).agent
    for one in (agent, AgentFactory()):
        BindingFactory(identity=shared.credential.identity, agent=one)

    orders.agent_stop(agent_id=agent.pk, reason=WHY, actor=Person(steward))

    incident = Incident.objects.get()
    assert incident.credential == thief.credential
    assert "CreateUser" in set(incident.calls.values_list("name", flat=True))


def test_without_a_log_it_says_not_known_instead_of_nothing(steward, as_steward):
    credential = CredentialFactory()
    orders.credential_kill(credential_id=credential.pk, reason=WHY, actor=Person(steward))

    incident = Incident.objects.get()

    assert incident.problem == NO_LOG
    page = as_steward.get(reverse("remediation:incident_detail", args=[incident.pk]))
    assert "so what it did is not known" in page.content.decode()
