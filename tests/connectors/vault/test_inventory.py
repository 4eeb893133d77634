"""From a reading of Vault into the inventory, and from there to a removal."""

import pytest

from apps.connectors.adapters.live import Seen
from apps.connectors.adapters.planning import plan_for
from apps.connectors.adapters.removal import Wanted
from apps.connectors.models import Reading
from apps.grants.models import Grant
from apps.inventory.models import Credential, Identity, System
from apps.remediation.subjects import _granted, subject_of
from tests.connectors.reading_live import discovered, everything_stored
from tests.factories.connectors import ConnectionFactory

NAME = "COUNTERSIGN_SECRET_VAULT"

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection(world, monkeypatch):
    monkeypatch.setenv(NAME, world.secrets[f"env:{NAME}"])
    accounts = list(world.adapter().accounts())
    return ConnectionFactory(kind="vault", told=world.told, accounts=accounts)


def run(world, subject, kind="revoke"):
    adapter = world.adapter()
    order = Wanted(kind, f"countersign-{kind}-{world.tag}", subject)
    for step in plan_for(order).steps:
        adapter.run(step.op, step.arguments)
    return adapter.verify(order)


def test_a_reading_fills_the_inventory_and_a_second_changes_nothing(world, connection, system):
    secret_id, _ = world.secret_id()
    token, accessor, entity = world.signed_in(secret_id)
    world.lease()

    said = discovered(connection, system)

    assert said == "Read 5 parts."
    vault = System.objects.get(kind="vault")
    assert vault.account == connection.accounts[0]
    role = Identity.objects.get(external_id=world.role)
    assert role.facts["entity_id"] == entity
    kinds = set(Credential.objects.filter(identity=role).values_list("kind", flat=True))
    assert kinds == {"client-secret", "token"}
    assert Grant.objects.get(identity=role, level="write", service="apps")
    discovered(connection, system)
    last = [reading.source for reading in Reading.objects.all()[:5]]
    assert all(source.rejected_count == 0 for source in last if source.format == "vault")
    assert Credential.objects.filter(external_id=accessor).count() == 1

    stored = everything_stored()
    assert accessor in stored
    for secret in (token, secret_id, world.secrets[f"env:{NAME}"]):
        assert secret not in stored


def test_what_is_gone_from_vault_is_gone_from_the_inventory(world, connection, system):
    secret_id, accessor = world.secret_id()
    world.signed_in(secret_id)
    discovered(connection, system)
    found = Credential.objects.select_related("identity__system").get(external_id=accessor)

    assert run(world, subject_of(found)).seen == Seen.ABSENT
    discovered(connection, system)

    found.refresh_from_db()
    assert found.gone_at is not None


def test_a_grant_of_the_inventory_is_taken_away(world, connection, system):
    secret_id, _ = world.secret_id()
    token, _, _ = world.signed_in(secret_id)
    discovered(connection, system)
    grant = Grant.objects.get(identity__external_id=world.role, level="write", service="apps")
    subject = _granted([grant.pk])[grant.pk]
    assert world.works(token, "apps/crm/customers")

    sighting = run(world, subject, "suspend")

    assert sighting.seen == Seen.DISABLED
    assert not world.works(token, "apps/crm/customers")


def test_a_part_that_may_not_be_read_leaves_the_others(world, connection, system):
    text = world.adapter().rights(world.told, "reading").replace(', "sudo"', "")
    world.policy("own-reading", text)

    said = discovered(connection, system)

    assert said == "Read 3 of 5 parts. Missing: Tokens by accessor, Leases."
    connection.refresh_from_db()
    assert "permission denied" in connection.problem
