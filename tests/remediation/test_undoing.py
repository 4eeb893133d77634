"""Undoing what is verified: halfway is not verified, and a removed grant comes back for a week."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person, System
from apps.remediation import policies
from apps.remediation.models import Order, OrderStep
from apps.remediation.services import orders
from apps.remediation.states import OrderKind, OrderState, StepStatus
from tests.factories.connectors import ConnectionFactory
from tests.factories.remediation import OrderFactory
from tests.remediation.aws import Company

WORKER = System("test")


@pytest.mark.django_db(transaction=True)
@pytest.mark.xdist_group("ministack")
def test_a_suspension_whose_undo_failed_halfway_is_carried_out_anew(
    ministack, monkeypatch, steward
):
    company = Company(ministack, monkeypatch)
    held = company.key()
    request = orders.OrderRequest(
        kind=OrderKind.SUSPEND,
        label="key",
        reason="Nobody answered.",
        decided_at=timezone.now(),
        credential_id=held.credential.pk,
    )
    [order] = orders.orders_plan(requests=[request], actor=WORKER)
    assert Order.objects.get().state == OrderState.VERIFIED
    # Another step, which came first and cannot be taken back any more.
    step = order.steps.first()
    OrderStep.objects.create(
        order=order,
        position=0,
        title="Another",
        op=step.op,
        arguments={**step.arguments, "name": "nobody-any-more"},
        when=step.when,
        status=StepStatus.DONE,
        done_at=step.done_at,
        reversible=True,
        effective_seconds=0,
    )

    orders.order_undo(order_id=order.pk, reason="It is needed.", actor=Person(steward))
    assert held.status() == "Active"
    for _ in range(8):
        Order.objects.filter(wake_at__isnull=False).update(wake_at=timezone.now())
        order = orders.order_run(order_id=order.pk, actor=WORKER)

    # The connection ends it again instead of calling it verified while it works.
    assert (order.state, held.status()) == (OrderState.VERIFIED, "Inactive")
    said = dict(AuditEntry.objects.filter(target_id=order.pk).values_list("verb", "reason"))
    assert "Its undo failed halfway" in said["remediation.order.reopened"]
    assert "remediation.order.undo_failed" in said


@pytest.mark.parametrize(
    ("kind", "days", "may"),
    [
        (OrderKind.REVOKE, 6, True),
        (OrderKind.REVOKE, 8, False),
        (OrderKind.NARROW, 8, False),
        (OrderKind.SUSPEND, 8, True),
    ],
)
def test_a_grant_that_was_removed_comes_back_for_a_week(steward, kind, days, may):
    order = OrderFactory(
        kind=kind,
        state=OrderState.VERIFIED,
        verified_at=timezone.now() - timedelta(days=days),
        connection=ConnectionFactory(removing=True),
    )

    verdict = policies.can_undo(Person(steward), order)

    assert bool(verdict) is may
    assert may or "more than 7 days ago" in verdict.reason
