"""An agent's client of the API: who gives it one, what the record keeps, what the pages show."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.inventory import services
from apps.inventory.models import AgentClient
from apps.inventory.states import CLIENT_SCOPES, AgentState
from apps.inventory.tables import AgentClientTable
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentClientFactory, AgentFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

WHY = "It asks for itself."


def make(agent, person, **changes):
    said = {"scopes": CLIENT_SCOPES, "reason": WHY, **changes}
    return services.client_create(agent_id=agent.pk, actor=Person(person), **said)


def test_a_steward_gives_an_agent_a_client_and_the_record_keeps_no_secret(steward):
    agent = AgentFactory(active=True)

    made = make(agent, steward)

    assert made.client.oauth_client.check_secret(made.secret)
    assert made.secret not in repr(made)
    entry = AuditEntry.objects.get(verb="inventory.agentclient.created")
    assert (entry.actor, entry.reason, entry.target_label) == (steward, WHY, str(made.client))
    assert made.secret not in str(entry.changes)
    assert made.client.oauth_client.secret not in str(entry.changes)


def test_a_new_secret_ends_the_old_one(steward):
    made = make(AgentFactory(active=True), steward)

    again = services.client_rotate(client_id=made.client.pk, reason=WHY, actor=Person(steward))

    oauth_client = again.client.oauth_client
    assert (oauth_client.check_secret(made.secret), oauth_client.check_secret(again.secret)) == (
        False,
        True,
    )
    assert AuditEntry.objects.filter(verb="inventory.agentclient.rotated").count() == 1


def test_a_revoked_client_stays_and_is_never_used_again(steward):
    made = make(AgentFactory(active=True), steward)
    said = {"client_id": made.client.pk, "reason": WHY, "actor": Person(steward)}

    revoked = services.client_revoke(**said)

    assert (revoked.state, revoked.oauth_client.check_secret(made.secret)) == ("revoked", False)
    for again in (services.client_revoke, services.client_rotate):
        with pytest.raises(PermissionDenied, match="revoked"):
            again(**said)
    assert make(revoked.agent, steward).client != revoked
    with pytest.raises(DatabaseError), transaction.atomic():
        AgentClient.objects.all().delete()


def test_an_agent_has_one_client_at_a_time(steward):
    agent = AgentFactory(active=True)
    make(agent, steward)

    with pytest.raises(PermissionDenied, match="has a client already"):
        make(agent, steward)
    with pytest.raises(IntegrityError), transaction.atomic():
        AgentClientFactory(agent=agent)
    assert AgentClient.objects.count() == 1


@pytest.mark.parametrize("scopes", [[], ["requests:approve"], ["requests:read", "openid"]])
def test_a_client_has_known_scopes(steward, scopes):
    with pytest.raises(DomainError, match="Say what it may do"):
        make(AgentFactory(active=True), steward, scopes=scopes)
    assert not AgentClient.objects.exists()


def test_only_a_steward_gives_a_client_and_only_to_an_agent_that_runs(steward, auditor):
    agent = AgentFactory(active=True)

    for person in (agent.owner, auditor, UserFactory()):
        with pytest.raises(PermissionDenied):
            make(agent, person)
    for state in (AgentState.SUSPENDED, AgentState.RETIRED):
        with pytest.raises(PermissionDenied, match="may not use the API"):
            make(AgentFactory(active=True, state=state), steward)
    with pytest.raises(DomainError, match="Say why"):
        make(agent, steward, reason=" ")
    assert not AgentClient.objects.exists()


def test_the_secret_is_shown_once_and_the_agents_page_shows_its_client(as_steward):
    agent = AgentFactory(active=True)
    address = reverse("console:client_new", args=[agent.pk])

    answer = as_steward.post(address, {"scopes": ["requests:read"], "reason": WHY})

    client = AgentClient.objects.get()
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    secret = answer.context["made"].secret
    assert secret in answer.text
    assert client.oauth_client.check_secret(secret)
    page = as_steward.get(agent.get_absolute_url()).text
    assert client.oauth_client_id in page
    assert secret not in page
    assert "made the API client" in page
    listed = as_steward.get(reverse("console:client_list")).text
    assert client.oauth_client_id in listed
    assert reverse("console:client_list") in as_steward.get(reverse("accounts:settings")).text


def test_a_client_is_renewed_and_revoked_on_the_agents_page(as_steward, htmx):
    client = AgentClientFactory()
    rotate, revoke = (
        reverse(f"console:{name}", args=[client.agent_id])
        for name in ("client_rotate", "client_revoke")
    )

    renewed = as_steward.post(rotate, {"reason": WHY}, headers=htmx("dialog"))
    refused = as_steward.post(revoke, {"reason": ""})
    ended = as_steward.post(revoke, {"reason": WHY}, headers=htmx("dialog"))

    assert (renewed.status_code, refused.status_code, ended.status_code) == (200, 422, 204)
    assert "agent:changed" in renewed.headers["HX-Trigger"]
    assert renewed.context["made"].secret in renewed.text
    client.refresh_from_db()
    assert client.state == "revoked"
    assert as_steward.get(revoke).status_code == 404


@pytest.mark.parametrize("name", ["client_new", "client_rotate", "client_revoke"])
def test_each_act_on_a_client_asks_for_a_fresh_sign_in(client, steward, name):
    agent = AgentFactory(active=True) if name == "client_new" else AgentClientFactory().agent
    sign_in(client, steward, seconds_ago=3600)

    answer = client.post(reverse(f"console:{name}", args=[agent.pk]), {"reason": WHY})

    assert answer.status_code == 302
    assert answer.headers["Location"].startswith(reverse("accounts:sign_in_again"))
    assert not AuditEntry.objects.filter(target_type="inventory.agentclient").exists()


def test_a_reviewer_sees_the_clients_of_their_agents_alone(as_reviewer, reviewer):
    own, other = AgentClientFactory(agent__owner=reviewer), AgentClientFactory()

    listed = as_reviewer.get(reverse("console:client_list")).text

    assert own.oauth_client_id in listed
    assert other.oauth_client_id not in listed


def test_the_list_sorts_by_what_is_indexed():
    assert_sorts_are_indexed(AgentClientTable)
