"""Orders that meet what nobody hopes for: none is stuck, none gets around another."""

import socket
from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.db.models import F
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.connectors.services.connections import (
    connection_allow_removal,
    connection_ask_removal,
    connection_retire,
    connection_stop_removal,
)
from apps.inventory.states import CredentialState
from apps.remediation import policies
from apps.remediation.models import Order, OrderStep
from apps.remediation.services import orders
from apps.remediation.services.moves import orders_move
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import OrderKind, OrderState
from tests.remediation.worker import WHY, WORKER, run

marked = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]


def on_aws(test):
    for mark in marked:
        test = mark(test)
    return test


def revoke(held, actor):
    return run(orders.credential_revoke(credential_id=held.credential.pk, reason=WHY, actor=actor))


def kill(held, actor):
    return run(orders.credential_kill(credential_id=held.credential.pk, reason=WHY, actor=actor))


def unreachable(company):
    """Point the connection where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    told = {**company.connection.told, "endpoint": f"http://127.0.0.1:{port}"}
    type(company.connection).objects.filter(pk=company.connection.pk).update(told=told)


def stop_removal(company, actor):
    connection_stop_removal(connection_id=company.connection.pk, reason="No.", actor=actor)


def let_remove(company, asks, allows):
    pk = company.connection.pk
    connection_ask_removal(connection_id=pk, reason="It can.", actor=asks)
    connection_allow_removal(connection_id=pk, reason="It may.", actor=allows)


def over(order):
    """The watch of an order is over now."""
    past = timezone.now() - timedelta(seconds=1)
    Order.objects.filter(pk=order.pk).update(watch_until=past, wake_at=past)
    return run(order)


@on_aws
@pytest.mark.parametrize("end", [connection_stop_removal, connection_retire])
def test_a_connection_that_may_no_longer_remove_deletes_nothing(company, person, end):
    held = company.key()
    order = revoke(held, person)
    end(connection_id=company.connection.pk, reason="Not from here.", actor=person)

    order = over(order)

    assert (order.state, held.status()) == (OrderState.MANUAL_NEEDED, "Inactive")
    assert str(company.connection) in order.trouble
    assert policies.can_carry_out(person, order)


@on_aws
def test_what_was_planned_before_the_right_was_taken_away_goes_to_a_person(company, person):
    held = company.key()
    unreachable(company)
    order = revoke(held, person)
    assert order.state == OrderState.RETRYING
    stop_removal(company, person)
    type(company.connection).objects.update(told=company.connection.told)
    Order.objects.update(wake_at=timezone.now())

    order = run(order)

    assert order.state == OrderState.MANUAL_NEEDED
    assert "may no longer remove" in order.trouble
    assert held.works() is True


@on_aws
def test_no_other_order_gets_around_a_kill(company, person, other):
    held = company.key()
    revoked, killed = revoke(held, person), kill(held, person)

    with pytest.raises(PermissionDenied, match=f"Order {killed.pk}"):
        orders.order_undo(order_id=revoked.pk, reason="The wrong one.", actor=person)

    assert held.works() == "InvalidClientTokenId"
    orders.order_undo(order_id=killed.pk, reason="The wrong one.", actor=other)
    run(killed)
    for _ in range(3):
        Order.objects.filter(pk=revoked.pk).update(
            effective_by=timezone.now() - timedelta(minutes=5), wake_at=timezone.now()
        )
        revoked = run(revoked)
    assert (revoked.state, held.status()) == (OrderState.EXECUTED, "Inactive")
    held.credential.refresh_from_db()
    assert held.credential.state == CredentialState.SUSPENDED

    orders.order_undo(order_id=revoked.pk, reason="The wrong one.", actor=person)
    assert run(revoked).state == OrderState.ROLLED_BACK
    assert held.works() is True


@on_aws
def test_an_order_that_still_works_after_all_waits_for_hands_not_for_confirmation(company, person):
    held = company.key()
    order = revoke(held, person)
    company.server.client("iam").update_access_key(
        UserName=held.user.name, AccessKeyId=held.user.key.id, Status="Active"
    )
    Order.objects.filter(pk=order.pk).update(
        state=OrderState.EXECUTED,
        looked_at=None,
        attempts=2,
        effective_by=timezone.now() - timedelta(minutes=5),
        wake_at=timezone.now(),
    )

    order = run(order)

    assert order.state == OrderState.MANUAL_NEEDED
    assert order.executed_at is None
    assert policies.can_carry_out(person, order)
    assert not policies.can_confirm(person, order)


@on_aws
def test_an_undo_that_fails_is_told_and_the_order_goes_on(company, person, monkeypatch):
    held, poor = company.key(), company.key()
    order = revoke(held, person)
    Order.objects.filter(pk=order.pk).update(looked_at=None, watch_until=None)
    monkeypatch.setenv("COUNTERSIGN_SECRET_AWS_ID", poor.user.key.id)
    monkeypatch.setenv("COUNTERSIGN_SECRET_AWS_SECRET", poor.user.key.secret)
    orders.order_undo(order_id=order.pk, reason="The wrong one.", actor=person)

    order = run(order)

    failed = AuditEntry.objects.get(target_id=order.pk, verb="remediation.order.undo_failed")
    assert "not authorized" in failed.reason
    monkeypatch.undo()
    monkeypatch.setenv("COUNTERSIGN_SECRET_AWS_ID", company.server.root.id)
    monkeypatch.setenv("COUNTERSIGN_SECRET_AWS_SECRET", company.server.root.secret)
    assert order.undo_asked_at is None
    assert order.wake_at is not None or order.state == OrderState.MANUAL_NEEDED


@on_aws
def test_a_kill_now_does_not_wait_for_a_held_batch(company, person, other):
    held = [company.key() for _ in range(2)]
    batch = orders.credentials_end_many(
        credential_ids=[one.credential.pk for one in held],
        kind=OrderKind.KILL,
        reason=WHY,
        actor=person,
    )
    assert batch.state == "held"

    order = kill(held[0], person)

    assert held[0].works() == "InvalidClientTokenId"
    assert order.batch is None
    orders.batch_judge(batch_id=batch.pk, release=True, reason="Yes.", actor=other)
    orders.orders_run_awake(actor=WORKER)
    assert {one.status() for one in held} == {"Inactive"}


@on_aws
def test_a_kill_left_to_a_person_is_tried_again_once_a_connection_can(company, person, other):
    held = company.key()
    stop_removal(company, person)
    assert kill(held, person).state == OrderState.MANUAL_NEEDED
    assert kill(held, person).pk == Order.objects.get().pk
    let_remove(company, person, other)

    order = kill(held, person)

    assert (order.state, held.status()) == (OrderState.EXECUTED, "Inactive")


@on_aws
def test_an_exception_that_ends_goes_to_the_connection_there_is_by_now(company, person, other):
    held = company.key()
    stop_removal(company, person)
    order = revoke(held, person)
    orders.order_except(
        order_id=order.pk,
        reason="The release needs it.",
        until=timezone.localdate() + timedelta(days=1),
        actor=person,
    )
    let_remove(company, person, other)
    Order.objects.update(exception_until=timezone.localdate() - timedelta(days=1))

    assert orders.orders_replan_ended_exceptions(actor=WORKER) == 1

    order = run(order)
    assert (order.state, held.status()) == (OrderState.EXECUTED, "Inactive")


@on_aws
def test_an_exception_from_a_failed_look_ends_the_same_way(company, person):
    held = company.key()
    order = revoke(held, person)
    order.wake_at = timezone.now()
    with transaction.atomic():
        orders_move(
            orders=[order],
            state=OrderState.VERIFY_FAILED,
            actor=WORKER,
            reason="It works.",
            also=["wake_at"],
        )
    orders.order_except(
        order_id=order.pk,
        reason="The release needs it.",
        until=timezone.localdate() + timedelta(days=1),
        actor=person,
    )
    assert orders.orders_run_awake(actor=WORKER) == 0
    Order.objects.update(exception_until=timezone.localdate() - timedelta(days=1))

    orders.orders_replan_ended_exceptions(actor=WORKER)

    assert run(order).state == OrderState.EXECUTED
    assert OrderStep.objects.count() == 2


@on_aws
def test_one_order_that_breaks_stops_no_other(company, person):
    held = [company.key() for _ in range(3)]
    requests = [
        OrderRequest(
            kind=OrderKind.REVOKE,
            label="key",
            reason=WHY,
            decided_at=timezone.now(),
            credential_id=one.credential.pk,
        )
        for one in held
    ]
    broken = orders_plan_apart(requests, person)
    OrderStep.objects.filter(order=broken).update(arguments={})
    stepless = Order.objects.order_by("pk")[1]
    # A step is never deleted; that of another order is none of this one's.
    steps = OrderStep.objects.filter(order=stepless)
    steps.update(
        order=Order.objects.order_by("pk")[2],
        position=F("position") + 10,
        status="done",
        done_at=timezone.now(),
    )

    orders.orders_run_awake(actor=WORKER)
    for _ in range(8):
        Order.objects.filter(pk=broken.pk, wake_at__isnull=False).update(wake_at=timezone.now())
        orders.orders_run_awake(actor=WORKER)

    assert held[2].status() == "Inactive"
    broken.refresh_from_db()
    stepless.refresh_from_db()
    assert broken.state == stepless.state == OrderState.MANUAL_NEEDED
    assert "Countersign" in broken.trouble
    assert "Countersign" in stepless.trouble


def orders_plan_apart(requests, actor):
    """Plan, and begin nothing yet: as if no worker were there."""
    with transaction.atomic():
        planned = orders_plan(requests=requests, actor=actor)
        transaction.get_connection().run_on_commit.clear()
    return planned[0]
