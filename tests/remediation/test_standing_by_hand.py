"""Orders that no connection carries out: taken back, undone, come back, and not got around."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.grants.states import GrantState
from apps.inventory.models import Credential
from apps.inventory.states import CredentialState
from apps.remediation import policies
from apps.remediation.models import Order, OrderStep
from apps.remediation.services import orders
from apps.remediation.services.planning import OrderRequest, orders_plan
from apps.remediation.states import OrderKind, OrderState, StepStatus
from tests.factories.connectors import ConnectionFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import CredentialFactory, SourceFactory
from tests.factories.remediation import OrderFactory
from tests.remediation.worker import WHY, WORKER, run

pytestmark = pytest.mark.django_db


def test_a_refused_batch_asks_nobody_for_anything(person, other):
    ids = [CredentialFactory().pk for _ in range(2)]
    batch = orders.credentials_end_many(
        credential_ids=ids, kind=OrderKind.REVOKE, reason=WHY, actor=person
    )
    order = batch.orders.first()
    assert not policies.can_carry_out(person, order)

    orders.batch_judge(batch_id=batch.pk, release=False, reason="No.", actor=other)

    assert {one.state for one in batch.orders.all()} == {OrderState.ROLLED_BACK}
    again = orders.credentials_end_many(
        credential_ids=ids, kind=OrderKind.REVOKE, reason=WHY, actor=person
    )
    assert again.count == 2


def test_access_that_came_back_is_removed_by_hand_anew_and_not_believed_gone(person):
    grant = GrantFactory(stream="countersign:crm", gone_at=timezone.now(), revoked=True)
    order = OrderFactory(
        grant=grant,
        state=OrderState.VERIFIED,
        executed_at=timezone.now() - timedelta(hours=1),
        verified_at=timezone.now() - timedelta(hours=1),
        connection=ConnectionFactory(removing=True),
    )
    source = SourceFactory(stream="countersign:crm")
    GrantFactory(
        identity=grant.identity, service=grant.service, source=source, stream=source.stream
    )
    orders.orders_check_against_source(source_id=source.pk, actor=WORKER)
    order.refresh_from_db()
    assert order in Order.objects.waiting_for("carry-out")

    orders.order_carried_out(order_id=order.pk, proof=orders.Proof("Removed"), actor=person)
    orders.orders_check_against_source(source_id=source.pk, actor=WORKER)

    order.refresh_from_db()
    assert order.state == OrderState.MANUAL_NEEDED


def test_what_was_made_is_taken_back_although_the_credential_is_gone(person):
    ConnectionFactory(removing=True, accounts=["111122223333"])
    credential = CredentialFactory(
        identity__system__kind="aws",
        identity__system__account="111122223333",
        state=CredentialState.VERIFIED,
        ended_at=timezone.now(),
    )
    step = {"title": "Deny", "op": "deny.put", "arguments": {}}
    request = OrderRequest(
        kind=OrderKind.TAKE_BACK,
        label="what was made",
        reason=WHY,
        decided_at=timezone.now(),
        credential_id=credential.pk,
        target={"steps": [step]},
    )

    [order] = orders_plan(requests=[request], actor=person)

    assert order.state == OrderState.PLANNED


def test_undoing_a_suspension_lets_its_grant_count_again(person):
    connection = ConnectionFactory(removing=True)
    grant = GrantFactory(state=GrantState.SUSPENDED)
    order = OrderFactory(
        kind=OrderKind.SUSPEND,
        grant=grant,
        connection=connection,
        state=OrderState.VERIFIED,
        verified_at=timezone.now(),
        undo_asked_at=timezone.now(),
        undo_reason="It is needed.",
        wake_at=timezone.now(),
    )

    assert run(order).state == OrderState.ROLLED_BACK

    grant.refresh_from_db()
    assert grant.state == GrantState.ACTIVE


def test_undoing_what_took_back_brings_no_credential_to_life(person):
    credential = CredentialFactory(state=CredentialState.SUSPENDED)
    order = OrderFactory(
        kind=OrderKind.TAKE_BACK,
        grant=None,
        credential=credential,
        label="what was made",
        connection=ConnectionFactory(removing=True),
        state=OrderState.VERIFIED,
        verified_at=timezone.now(),
        undo_asked_at=timezone.now(),
        undo_reason="It is needed.",
        wake_at=timezone.now(),
    )

    assert run(order).state == OrderState.ROLLED_BACK

    assert Credential.objects.get().state == CredentialState.SUSPENDED
    assert not OrderStep.objects.filter(status=StepStatus.DONE).exists()
