"""From a reading of Azure into the inventory, and from there to a removal."""

import pytest

from apps.connectors.adapters.live import Seen
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Wanted
from apps.connectors.models import Reading
from apps.core.actors import Role
from apps.grants.models import Grant
from apps.inventory.models import Agent, Credential, Identity
from apps.remediation.subjects import _granted, subject_of
from tests.connectors.reading_live import discovered, everything_stored
from tests.factories.accounts import UserFactory
from tests.factories.connectors import ConnectionFactory
from tests.servers.azure_keyvault import make as put

NAME = "COUNTERSIGN_SECRET_AZURE"

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(azure, adapter, monkeypatch):
    monkeypatch.setenv(NAME, azure.own_secret)
    accounts = list(adapter.accounts())
    return ConnectionFactory(kind="azure", told=dict(adapter.told), accounts=accounts)


def run(adapter, subject, kind="revoke"):
    order = Wanted(kind, f"countersign-{kind}-7", subject)
    for step in plan_for(order).steps:
        adapter.run(step.op, step.arguments)
    return adapter.verify(order)


def test_a_reading_fills_the_inventory_with_agents_and_their_owners(
    azure, connection, vault, system
):
    owner = UserFactory(email="ada@example.com", role=Role.REVIEWER)
    agent = azure.principal("Invoice agent", kind="ServiceIdentity", agent=True)
    azure.sponsors[agent] = [{"@odata.type": "#microsoft.graph.user", "mail": owner.email}]
    app = azure.application("crm")
    password, secret = azure.password(app, "deploy")
    azure.federation(app, "ci", "https://ci.example.com", "repo:crm")
    azure.assign(azure.principal_of(app), "Mail.Send")
    put(vault[1], "secrets", "db", value="s3cret-of-the-database")

    said = discovered(connection, system)

    assert said == "Read 6 parts."
    assert [one.source.rejected for one in Reading.objects.all()] == [[]] * 6
    told = Agent.objects.get(name="Invoice agent")
    assert told.owner == owner
    assert told.bindings.get().identity.external_id == agent
    deploy = Credential.objects.get(external_id=password["keyId"])
    assert deploy.identity == Identity.objects.get(external_id=azure.principal_of(app))
    assert Credential.objects.get(external_id="secrets/db").stored_in == "secret-manager"
    stored = everything_stored()
    for value in (secret, azure.own_secret, "s3cret-of-the-database", *azure.tokens):
        assert value not in stored
    discovered(connection, system)
    assert Agent.objects.count() == 1


def test_what_the_inventory_holds_of_azure_can_be_taken_away(
    azure, adapter, connection, vault, system
):
    app = azure.application("crm")
    password, _ = azure.password(app, "deploy")
    principal = azure.principal_of(app)
    azure.assign(principal, "Mail.Send")
    put(vault[1], "secrets", "db")
    discovered(connection, system)
    held = Credential.objects.select_related("identity__system")
    grant = Grant.objects.get(identity__external_id=principal)

    for_secret = run(adapter, subject_of(held.get(external_id=password["keyId"])))
    for_kept = run(adapter, subject_of(held.get(external_id="secrets/db")))
    for_grant = run(adapter, _granted([grant.pk])[grant.pk])

    assert [one.seen for one in (for_secret, for_kept, for_grant)] == [Seen.ABSENT] * 3
    discovered(connection, system)
    grant.refresh_from_db()
    assert grant.gone_at is not None
    assert held.get(external_id=password["keyId"]).gone_at is not None
