"""A new secret in place of an old one, on servers that answer as AWS and Vault do."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.services.measuring import use_measure
from apps.audit.models import AuditEntry
from apps.connectors.adapters.live import Rotated
from apps.core.actors import Person, System
from apps.inventory.models import Credential
from apps.inventory.states import CredentialState
from apps.notices.models import Notice
from apps.remediation.models import Order
from apps.remediation.services.orders import OrderRequest, order_run, order_undo, orders_plan
from apps.remediation.states import OrderKind, OrderState
from apps.rotation.models import Rotation
from apps.rotation.services.acting import rotation_hurry, rotation_try_again
from apps.rotation.services.running import Hand
from apps.rotation.services.settling import rotations_settle
from apps.rotation.states import RotationState, RotationWay
from tests.activity.use import used
from tests.factories.accounts import UserFactory
from tests.factories.connectors import ConnectionFactory
from tests.factories.inventory import CredentialFactory, IdentityFactory
from tests.factories.rotation import RotationFactory
from tests.rotation.company import AwsCompany, everything_written, owned_by, rotate, run, steps_of

pytestmark = [pytest.mark.django_db, pytest.mark.xdist_group("ministack")]
DAY = timedelta(days=1)


def past(rotation, **fields):
    """Let the overlap be over."""
    Rotation.objects.filter(pk=rotation.pk).update(wake_at=timezone.now(), **fields)


def retired(rotation):
    """Carry the order that ends the old one to its end."""
    order = rotation.retirement
    order_run(order_id=order.pk, actor=System("test"))
    Order.objects.filter(pk=order.pk, state=OrderState.EXECUTED).update(
        watch_until=timezone.now(), wake_at=timezone.now()
    )
    return order_run(order_id=order.pk, actor=System("test"))


@pytest.mark.django_db(transaction=True)
def test_a_key_is_made_tested_put_in_its_place_and_the_old_one_goes_after_the_overlap(aws, steward):
    held = aws.key()

    rotation = run(rotate(held.credential, steward))

    assert rotation.state == RotationState.SWITCHED
    kept = aws.kept()
    assert kept["AWS_ACCESS_KEY_ID"] == rotation.new_id
    assert aws.accepts(rotation.new_id, kept["AWS_SECRET_ACCESS_KEY"])
    assert held.works() is True
    assert steps_of(rotation) == [
        (f"Made {rotation.new_id} beside the old one.", True),
        ("Tried the new one.", True),
        (f"Wrote it to {aws.place}.", True),
        ("Looked whether it lies there.", True),
    ]
    assert rotation.new_credential.stored_at == aws.place
    assert rotation.retire_at - rotation.switched_at == 7 * DAY

    past(rotation)
    rotation = run(rotation)
    assert (rotation.state, rotation.retirement.kind) == (RotationState.RETIRING, OrderKind.REVOKE)
    retired(rotation)
    rotations_settle(actor=System("test"))

    rotation.refresh_from_db()
    held.credential.refresh_from_db()
    assert rotation.state == RotationState.DONE
    assert held.credential.state == CredentialState.VERIFIED
    assert aws.held_by(held) == {rotation.new_id: "Active"}
    about = AuditEntry.objects.filter(target_type="rotation.rotation", target_id=rotation.pk)
    verbs = about.order_by("pk").values_list("verb", flat=True)
    assert [verb.rpartition(".")[2] for verb in verbs] == [
        "planned",
        "created",
        "tested",
        "switched",
        "retiring",
        "done",
    ]


@pytest.mark.django_db(transaction=True)
def test_a_secret_id_is_rotated_into_the_path_it_lies_at(vault, steward):
    old = vault.secret_id()

    rotation = run(rotate(old, steward))

    assert rotation.state == RotationState.SWITCHED
    assert vault.world.signed_in(vault.world.kept()["secret_id"])
    assert vault.held() >= {old.external_id, rotation.new_id}
    past(rotation)
    rotation = run(rotation)
    retired(rotation)
    rotations_settle(actor=System("test"))
    rotation.refresh_from_db()
    assert rotation.state == RotationState.DONE
    assert old.external_id not in vault.held()


def test_a_key_of_aws_goes_into_vault_under_the_names_it_has_there(aws, vault, steward):
    held = aws.key(stored_at=vault.stored_at)

    rotation = run(rotate(held.credential, steward, fields={"AWS_SECRET_ACCESS_KEY": "secret"}))

    assert rotation.state == RotationState.SWITCHED
    kept = vault.world.kept()
    assert set(kept) == {"AWS_ACCESS_KEY_ID", "secret"}
    assert aws.accepts(kept["AWS_ACCESS_KEY_ID"], kept["secret"])
    assert rotation.new_credential.stored_at == vault.stored_at


def test_the_new_secret_is_written_nowhere_else(aws, vault, steward, caplog):
    caplog.set_level("DEBUG")
    ours = run(rotate(aws.key().credential, steward))
    theirs = run(rotate(vault.secret_id(), steward))

    written = everything_written() + caplog.text
    assert ours.new_id in written
    assert theirs.new_id in written
    assert aws.kept()["AWS_SECRET_ACCESS_KEY"] not in written
    assert vault.world.kept()["secret_id"] not in written


def test_a_new_one_that_does_not_work_is_ended_and_nothing_depends_on_it(vault, steward):
    old = vault.secret_id()
    vault.server.fail(404, on="secret-id/lookup", times=99)

    rotation = run(rotate(old, steward))

    assert rotation.state == RotationState.FAILED
    assert rotation.trouble == "The new one does not work: No role knows this secret id."
    assert vault.held() & {old.external_id} == {old.external_id}
    assert len(vault.held()) == 1
    assert vault.server.versions == {}


def test_where_its_place_refuses_it_the_new_key_is_ended_and_the_owner_is_told(aws, steward):
    owner = UserFactory()
    held = aws.key()
    owned_by(owner, held.credential)
    rotation = rotate(held.credential, steward)
    AwsCompany.issuing(aws.connection, place_secrets=[])

    rotation = run(rotation)

    assert rotation.state == RotationState.FAILED
    assert "not to write" in rotation.trouble
    assert aws.held_by(held) == {held.user.key.id: "Active"}
    told = Notice.objects.get(recipient=owner)
    assert told.subject == f"The rotation of {rotation.label} goes no further"

    AwsCompany.issuing(aws.connection, place_secrets=[aws.place])
    rotation_try_again(
        rotation_id=rotation.pk, reason="It may write there now.", actor=Person(owner)
    )
    assert run(rotation).state == RotationState.SWITCHED


@pytest.mark.django_db(transaction=True)
def test_a_user_with_two_keys_gets_no_third_and_keeps_both(aws, steward):
    held = aws.key()
    other = aws.server.client("iam").create_access_key(UserName=held.user.name)["AccessKey"]

    rotation = run(rotate(held.credential, steward))

    assert rotation.state == RotationState.FAILED
    assert "two keys, the most AWS allows" in rotation.trouble
    rotation_try_again(rotation_id=rotation.pk, reason="Perhaps it goes.", actor=Person(steward))
    run(rotation)
    assert set(aws.held_by(held)) == {held.user.key.id, other["AccessKeyId"]}


def test_an_old_one_that_is_still_used_is_not_retired_until_somebody_says_so(aws, steward):
    held = aws.key(use_is_known=True)
    rotation = run(rotate(held.credential, steward))
    Credential.objects.filter(pk=held.credential.pk).update(
        last_used_at=timezone.now() + timedelta(minutes=1)
    )

    past(rotation)
    rotation = run(rotation)

    assert rotation.state == RotationState.SWITCHED
    assert "still used" in rotation.trouble
    rotation_hurry(rotation_id=rotation.pk, reason="It is a forgotten job.", actor=Person(steward))
    assert run(rotation).state == RotationState.RETIRING


@pytest.mark.django_db(transaction=True)
def test_what_the_log_of_the_system_saw_of_the_old_one_keeps_it_too(aws, steward):
    """Its source tells nothing of when it was used."""
    held = aws.key()
    rotation = run(rotate(held.credential, steward))
    past(rotation, switched_at=timezone.now() - timedelta(hours=2))
    at = timezone.now() - timedelta(minutes=5)
    used(
        held.credential.identity, "s3:GetObject",
        credential_id=held.credential.pk, first_at=at, last_at=at,
    )  # fmt: skip
    use_measure()

    rotation = run(rotation)

    assert rotation.state == RotationState.SWITCHED
    assert f"last at {at:%Y-%m-%d %H:%M} UTC" in rotation.trouble


@pytest.mark.django_db(transaction=True)
def test_an_undone_retirement_leaves_the_old_one_working_and_says_so(aws, steward):
    held = aws.key()
    rotation = run(rotate(held.credential, steward))
    past(rotation)
    rotation = run(rotation)
    order_run(order_id=rotation.retirement_id, actor=System("test"))
    order_undo(order_id=rotation.retirement_id, reason="The shop is down.", actor=Person(steward))
    order_run(order_id=rotation.retirement_id, actor=System("test"))

    rotations_settle(actor=System("test"))

    rotation.refresh_from_db()
    assert rotation.state == RotationState.SWITCHED
    assert "The shop is down." in rotation.trouble
    assert held.works() is True
    rotation_hurry(
        rotation_id=rotation.pk, reason="The shop has the new one.", actor=Person(steward)
    )
    assert run(rotation).state == RotationState.RETIRING


def test_a_secret_with_a_function_is_rotated_by_its_store_and_read_anew(moto, monkeypatch, steward):
    company = AwsCompany(moto, monkeypatch)
    arn = moto.client("secretsmanager").create_secret(Name="db", SecretString="old")["ARN"]
    identity = IdentityFactory(system=company.system, external_id=arn, kind="secret")
    credential = CredentialFactory(
        identity=identity,
        kind="client-secret",
        external_id=arn,
        rotation_days=30,
        issued_at=timezone.now() - 40 * DAY,
        facts={"rotated_by": "arn:aws:lambda:us-east-1:123456789012:function:rotate"},
    )
    order = _rotate_order(credential, steward)

    rotation = run(rotate(credential, steward))

    credential.refresh_from_db()
    order.refresh_from_db()
    assert rotation.state == RotationState.DONE
    assert rotation.how.startswith("It was rotated at")
    assert credential.state == CredentialState.ACTIVE
    assert credential.rotation_due_at > timezone.now() + 29 * DAY
    assert order.state == OrderState.VERIFIED
    assert order.verified_how == f"{rotation}: {rotation.how}"


def test_a_store_that_is_left_halfway_fails_after_its_time(moto, monkeypatch, steward):
    company = AwsCompany(moto, monkeypatch)
    secrets = moto.client("secretsmanager")
    arn = secrets.create_secret(Name="halfway", SecretString="old")["ARN"]
    secrets.put_secret_value(SecretId=arn, SecretString="new", VersionStages=["AWSPENDING"])
    identity = IdentityFactory(system=company.system, external_id=arn, kind="secret")
    rotation = RotationFactory(
        credential=CredentialFactory(identity=identity, kind="client-secret", external_id=arn),
        way=RotationWay.IN_PLACE,
        state=RotationState.CREATED,
        connection=company.connection,
        begun_at=timezone.now(),
        wake_at=timezone.now(),
    )

    waits = run(rotation)
    past(rotation, begun_at=timezone.now() - timedelta(hours=1))
    failed = run(rotation)

    assert (waits.state, waits.wake_at > timezone.now()) == (RotationState.CREATED, True)
    assert failed.state == RotationState.FAILED
    assert "is still pending, not current" in failed.trouble


def _rotate_order(credential, person):
    request = OrderRequest(
        kind=OrderKind.ROTATE,
        label=str(credential),
        reason="Decided in a review.",
        decided_at=timezone.now(),
        credential_id=credential.pk,
        decided_by_id=person.pk,
        origin_type="reviews.reviewitem",
        origin_id=credential.pk,
    )
    return orders_plan(requests=[request], actor=Person(person))[0]


def test_throttling_puts_a_rotation_off_and_leaves_nothing_behind(vault, steward):
    old = vault.secret_id()
    rotation = rotate(old, steward)
    vault.server.fail(503, on="POST .*secret-id$", times=1)

    rotation = run(rotation)
    assert rotation.state == RotationState.PLANNED
    assert rotation.wake_at > timezone.now()
    past(rotation)

    assert run(rotation).state == RotationState.SWITCHED
    assert len(vault.held()) == 2


def test_a_credential_that_is_over_meanwhile_is_not_rotated(aws, steward):
    held = aws.key()
    rotation = rotate(held.credential, steward)
    Credential.objects.filter(pk=held.credential.pk).update(gone_at=timezone.now())

    assert run(rotation).state == RotationState.DROPPED
    assert len(aws.held_by(held)) == 1


def test_two_connections_that_may_write_there_leave_it_to_a_person(aws, steward):
    held = aws.key()
    ConnectionFactory(
        accounts=[aws.server.account],
        may_issue=True,
        told={**aws.connection.told, "place_secrets": [aws.place]},
    )

    rotation = rotate(held.credential, steward)

    assert rotation.state == RotationState.BY_HAND
    assert "Several connections" in rotation.why_by_hand


def test_secrets_are_not_shown_by_what_a_worker_holds(aws):
    assert "hush" not in repr(Hand(new=Rotated("AKIA", {"secret": "hush"})))
