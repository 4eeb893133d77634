"""Orders that a connection carries out, on a server that enforces what they do."""

import socket
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.connectors.services.connections import connection_stop_removal
from apps.core.actors import Person
from apps.inventory.states import CredentialState
from apps.remediation.models import Order, OrderStep
from apps.remediation.services import orders
from apps.remediation.states import OrderKind, OrderState
from tests.factories.accounts import UserFactory
from tests.remediation.worker import WHY, WORKER, run

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]


@pytest.fixture
def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def other_steward():
    return UserFactory(role="steward")


def test_a_revoked_key_is_refused_at_once_and_can_be_undone_for_seven_days(company, steward):
    held = company.key()
    assert held.works() is True

    order = orders.credential_revoke(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )
    order = run(order)

    assert held.works() == "InvalidClientTokenId"
    assert (order.state, held.status()) == (OrderState.EXECUTED, "Inactive")
    assert "read anew" in order.stopped_how
    assert order.watch_until - order.stopped_at == timedelta(days=7)
    assert order.effective_by > order.executed_at
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.SUSPENDED


def test_an_undone_revocation_works_again(company, steward):
    held = company.key()
    order = run(
        orders.credential_revoke(
            credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
        )
    )

    orders.order_undo(order_id=order.pk, reason="The wrong key.", actor=Person(steward))
    order = run(order)

    assert order.state == OrderState.ROLLED_BACK
    assert held.works() is True
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.ACTIVE


def test_after_the_watch_the_key_is_deleted_and_verified(company, steward):
    held = company.key()
    order = run(
        orders.credential_revoke(
            credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
        )
    )
    assert run(order).state == OrderState.EXECUTED

    past = timezone.now() - timedelta(seconds=1)
    Order.objects.filter(pk=order.pk).update(watch_until=past, wake_at=past)
    order = run(order)

    assert (order.state, held.status()) == (OrderState.VERIFIED, "absent")
    assert order.verified_at
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.VERIFIED
    verbs = list(
        AuditEntry.objects.filter(target_type="remediation.order", target_id=order.pk)
        .order_by("pk")
        .values_list("verb", flat=True)
    )
    assert [verb.rpartition(".")[2] for verb in verbs] == [
        "planned",
        "begun",
        "step_done",
        "executed",
        "stopped",
        "step_done",
        "verified",
    ]


def test_a_kill_ends_sessions_and_becomes_final_once_somebody_else_confirms(
    company, steward, other_steward
):
    held = company.key()
    order = run(
        orders.credential_kill(credential_id=held.credential.pk, reason=WHY, actor=Person(steward))
    )

    assert held.works() == "InvalidClientTokenId"
    policies = company.server.client("iam").list_user_policies(UserName=held.user.name)
    assert f"countersign-kill-{order.pk}-sessions" in policies["PolicyNames"]
    with pytest.raises(PermissionDenied, match="somebody else"):
        orders.kill_confirm(order_id=order.pk, reason="Right.", actor=Person(steward))
    assert run(order).state == OrderState.EXECUTED

    orders.kill_confirm(order_id=order.pk, reason="Right.", actor=Person(other_steward))
    assert run(order).state == OrderState.VERIFIED
    assert held.status() == "absent"


def test_undoing_a_kill_takes_another_person(company, steward, other_steward):
    held = company.key()
    order = run(
        orders.credential_kill(credential_id=held.credential.pk, reason=WHY, actor=Person(steward))
    )

    with pytest.raises(PermissionDenied, match="another person"):
        orders.order_undo(order_id=order.pk, reason="Wrong one.", actor=Person(steward))
    orders.order_undo(order_id=order.pk, reason="Wrong one.", actor=Person(other_steward))

    assert run(order).state == OrderState.ROLLED_BACK
    assert held.works() is True


def test_a_key_that_somebody_deleted_meanwhile_counts_as_gone_after_a_look(company, steward):
    held = company.key()
    company.server.client("iam").delete_access_key(
        UserName=held.user.name, AccessKeyId=held.user.key.id
    )

    order = run(
        orders.credential_revoke(
            credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
        )
    )

    assert order.steps.first().said.startswith("Not found")
    assert "absent" in order.stopped_how


def test_lost_rights_leave_the_order_to_a_person_with_the_providers_words(
    company, steward, monkeypatch
):
    held, poor = company.key(), company.key()
    monkeypatch.setenv("COUNTERSIGN_SECRET_AWS_ID", poor.user.key.id)
    monkeypatch.setenv("COUNTERSIGN_SECRET_AWS_SECRET", poor.user.key.secret)

    order = run(
        orders.credential_revoke(
            credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
        )
    )

    assert order.state == OrderState.MANUAL_NEEDED
    assert "is not authorized to perform: iam:UpdateAccessKey" in order.trouble
    assert "UpdateAccessKey" in order.trouble
    assert held.works() is True
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.ACTIVE


def test_a_server_out_of_reach_is_tried_again_later_and_then_left_to_a_person(
    company, steward, free_port
):
    held = company.key()
    told = {**company.connection.told, "endpoint": f"http://127.0.0.1:{free_port}"}
    company.connection.told = told
    company.connection.save()
    order = run(
        orders.credential_revoke(
            credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
        )
    )

    assert (order.state, order.attempts) == (OrderState.RETRYING, 1)
    assert order.wake_at > timezone.now()
    assert run(order).attempts == 1
    for _ in range(7):
        Order.objects.filter(pk=order.pk).update(wake_at=timezone.now())
        order = run(order)

    assert order.state == OrderState.MANUAL_NEEDED
    assert "tried 8 times" in order.trouble


def test_without_a_connection_that_may_remove_a_person_is_told_the_commands(company, steward):
    held = company.key()
    connection_stop_removal(
        connection_id=company.connection.pk, reason="Not from here.", actor=Person(steward)
    )

    order = orders.credential_kill(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )

    assert order.state == OrderState.MANUAL_NEEDED
    assert "aws iam update-access-key" in order.plan["steps"][0]["command"]


def test_asking_twice_answers_with_the_order_there_is(company, steward):
    held = company.key()
    first = orders.credential_kill(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )

    again = orders.credential_kill(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )

    assert again.pk == first.pk
    assert Order.objects.count() == 1


def test_many_are_run_side_by_side_and_each_once(company, steward):
    held = [company.key() for _ in range(12)]
    batch = orders.credentials_end_many(
        credential_ids=[one.credential.pk for one in held],
        kind=OrderKind.KILL,
        reason=WHY,
        actor=Person(steward),
    )
    assert batch.state == "held"
    assert orders.orders_run_awake(actor=WORKER) == 0
    assert {one.works() for one in held} == {True}

    orders.batch_judge(
        batch_id=batch.pk, release=True, reason="Yes.", actor=Person(UserFactory(role="steward"))
    )
    assert {one.status() for one in held} == {"Inactive"}
    assert {order.state for order in batch.orders.all()} == {OrderState.EXECUTED}
    assert set(OrderStep.objects.filter(order__batch=batch).values_list("attempts", flat=True)) == {
        0,
        1,
    }


def test_where_the_secret_is_at_hand_it_is_tried_and_refused(company, steward, as_steward):
    held = company.key()
    order = orders.credential_revoke(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )
    url = reverse("remediation:order_try", args=[order.pk])

    response = as_steward.post(url, {"secret": held.user.key.secret})

    assert response.status_code == 302
    proof = order.proofs.latest("pk")
    assert proof.text.startswith("It was tried, and refused")
    assert held.user.key.secret not in proof.text
    page = as_steward.get(order.get_absolute_url()).content.decode()
    assert "It was tried, and refused" in page
