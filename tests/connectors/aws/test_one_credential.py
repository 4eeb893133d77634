"""A key that a report knows by its place, and a connection by its id, is one and the same."""

import pytest

from apps.audit.models import AuditEntry
from apps.connectors.models import Sync
from apps.connectors.services.applying import sync_apply
from apps.connectors.services.reading import sync_stage
from apps.core.actors import System
from apps.inventory.models import Credential, Source
from apps.remediation.models import Order
from apps.remediation.services.orders import orders_check_against_source
from tests.connectors.importing import COMMAND, bring
from tests.factories.connectors import ConnectionFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db


def report_of(server, tmp_path):
    """The credential report, as its command writes it."""
    iam = server.client("iam")
    while iam.generate_credential_report()["State"] != "COMPLETE":
        continue
    path = tmp_path / "report.csv"
    path.write_bytes(iam.get_credential_report()["Content"])
    return path


def imported(server, tmp_path):
    return bring(report_of(server, tmp_path), "aws-credential-report")


def discovered(server) -> Source:
    adapter = server.adapter()
    part = next(part for part in adapter.parts() if part.key.startswith("credentials:"))
    sync = Sync.objects.create(
        connection=ConnectionFactory(accounts=[server.account]),
        format="aws",
        file_name=part.title,
        channel=COMMAND.channel,
    )
    sync_stage(sync=sync, rows=adapter.discover(part))
    return sync_apply(sync_id=sync.pk, actor=COMMAND)


def keys_of(user):
    held = Credential.objects.filter(identity__external_id=user.arn, kind="access-key")
    return list(held.order_by("pk"))


@pytest.fixture
def user(moto, later):
    """A user with two keys of different moments."""
    made = moto.user()
    later()
    key = moto.client("iam").create_access_key(UserName=made.name)["AccessKey"]
    return made, key["AccessKeyId"]


def test_a_connection_gives_its_id_to_a_key_that_was_imported(moto, tmp_path, user):
    made, second = user
    imported(moto, tmp_path)
    before = keys_of(made)
    assert [key.external_id[-13:] for key in before] == ["#access-key-1", "#access-key-2"]

    discovered(moto)

    after = keys_of(made)
    assert [key.pk for key in after] == [key.pk for key in before]
    assert {key.external_id for key in after} == {made.key.id, second}
    assert all(key.gone_at is None for key in after)
    entry = AuditEntry.objects.filter(target_id=before[0].pk).latest("pk")
    assert entry.changes["external_id"][0].endswith("#access-key-1")


def test_a_report_imported_later_finds_the_key_again_and_keeps_its_id(moto, tmp_path, user):
    made, second = user
    discovered(moto)
    before = keys_of(made)

    imported(moto, tmp_path)

    after = keys_of(made)
    assert [key.pk for key in after] == [key.pk for key in before]
    assert {key.external_id for key in after} == {made.key.id, second}
    assert {key.label for key in after} == {made.key.id, second}
    assert all(key.gone_at is None for key in after)


def test_keys_of_one_moment_are_not_guessed(ministack, tmp_path):
    made = ministack.user(keys=2)
    imported(ministack, tmp_path)

    discovered(ministack)

    held = {key.external_id: key.gone_at is None for key in keys_of(made)}
    assert held[made.keys[0].id]
    assert held[made.keys[1].id]
    assert not [key for key, is_there in held.items() if "#" in key and is_there]


def ordered(user):
    """Orders for a person to delete each key of a user."""
    for key in keys_of(user):
        OrderFactory(grant=None, credential=key, label=key.label, waiting=True)


def states():
    return set(Order.objects.values_list("state", flat=True))


def verified_by(source):
    return orders_check_against_source(source_id=source.pk, actor=System("test"))


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("readings", [(imported, discovered), (discovered, imported)])
def test_a_key_that_is_only_lost_from_sight_verifies_no_order(ministack, tmp_path, readings):
    made = ministack.user(keys=2)
    ways = {
        imported: lambda: imported(ministack, tmp_path),
        discovered: lambda: discovered(ministack),
    }
    first, second = (ways[one] for one in readings)
    first()
    ordered(made)

    verified_by(second())
    assert states() == {"manual_needed"}

    for key in made.keys:
        ministack.client("iam").delete_access_key(UserName=made.name, AccessKeyId=key.id)
    verified_by(discovered(ministack))
    assert states() == {"verified"}


def test_an_old_key_that_a_report_lists_no_more_is_verified_beside_the_one_kept(
    moto, tmp_path, user
):
    made, second = user
    imported(moto, tmp_path)
    ordered(made)
    moto.client("iam").delete_access_key(UserName=made.name, AccessKeyId=second)

    assert verified_by(imported(moto, tmp_path)) == 1
    gone = Credential.objects.get(identity__external_id=made.arn, gone_at__isnull=False)
    assert Order.objects.get(state="verified").credential == gone
