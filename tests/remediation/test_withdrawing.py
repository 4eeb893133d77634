"""A removal is taken back: stopped before its connection acts, and undone after that."""

import socket

import pytest
from django.db import transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person, System
from apps.core.errors import DomainError
from apps.core.policies import ALLOW
from apps.remediation.models import Order
from apps.remediation.services import orders
from apps.remediation.states import OrderKind, OrderState
from tests.remediation.aws import Company

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]
WORKER = System("test")


@pytest.fixture
def company(ministack, monkeypatch):
    return Company(ministack, monkeypatch)


def request_of(held):
    return orders.OrderRequest(
        kind=OrderKind.REVOKE,
        label="key",
        reason="Its time was up.",
        decided_at=timezone.now(),
        credential_id=held.credential.pk,
    )


def withdraw(order):
    return orders.orders_withdraw(
        order_ids=[order.pk], reason="Renewed.", actor=WORKER, authority=ALLOW
    )


def everything_runs():
    Order.objects.filter(wake_at__isnull=False).update(wake_at=timezone.now())
    orders.orders_run_awake(actor=WORKER)


def test_one_that_is_planned_is_stopped_before_it_acts(company):
    held = company.key()
    with transaction.atomic():
        [order] = orders.orders_plan(requests=[request_of(held)], actor=WORKER)
        # As if no worker were there yet.
        transaction.get_connection().run_on_commit.clear()
    assert order.state == OrderState.PLANNED

    assert withdraw(order) == 1
    everything_runs()

    assert Order.objects.get().state == OrderState.ROLLED_BACK
    assert held.works() is True


def test_one_that_is_to_be_tried_again_is_stopped_too(company):
    held = company.key()
    told = company.connection.told
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        endpoint = f"http://127.0.0.1:{probe.getsockname()[1]}"
        company.connection.told = {**told, "endpoint": endpoint}
        company.connection.save()
        [order] = orders.orders_plan(requests=[request_of(held)], actor=WORKER)
    assert Order.objects.get().state == OrderState.RETRYING

    assert withdraw(order) == 1
    company.connection.told = told
    company.connection.save()
    everything_runs()

    assert Order.objects.get().state == OrderState.ROLLED_BACK
    assert held.works() is True


def test_one_that_was_begun_is_not_and_says_how_to_undo_it(company, steward):
    held = company.key()
    [order] = orders.orders_plan(requests=[request_of(held)], actor=WORKER)
    assert held.status() == "Inactive"

    with pytest.raises(DomainError, match=f"order {order.pk} .* undoes it on its page"):
        withdraw(order)

    assert Order.objects.get().state == OrderState.EXECUTED
    orders.order_undo(order_id=order.pk, reason="It was renewed.", actor=Person(steward))
    orders.order_run(order_id=order.pk, actor=WORKER)
    assert held.works() is True
    assert withdraw(order) == 0


def test_one_of_which_only_the_first_step_was_done_is_not_stopped_halfway(company):
    held = company.key()
    [order] = orders.orders_plan(requests=[request_of(held)], actor=WORKER)
    # The worker died after the step, before it could say that it was carried out.
    with transaction.atomic():
        Order.objects.update(state=OrderState.RETRYING)
        record(
            actor=WORKER,
            verb=Verb.ORDER_MOVED,
            target=order,
            changes={"state": (OrderState.EXECUTED, OrderState.RETRYING)},
        )

    with pytest.raises(DomainError, match="has begun"):
        withdraw(order)
