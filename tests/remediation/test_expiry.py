"""Time running out orders a removal; the grant ends once it is seen to be gone."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.db import connection
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.policies import ALLOW
from apps.grants.models import Grant
from apps.grants.states import GrantState
from apps.remediation.models import Order
from apps.remediation.services.orders import (
    OrderRequest,
    Proof,
    grants_order_expired,
    order_carried_out,
    order_confirm,
    order_except,
    orders_check_against_source,
    orders_plan,
    orders_replan_ended_exceptions,
    orders_withdraw,
)
from apps.remediation.states import OrderKind, OrderState
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.inventory import SourceFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db
STREAM = "aws-authorization-details:123456789012"


def expired(**changes) -> Grant:
    past = timezone.now() - timedelta(hours=1)
    values = {"first_seen_at": past - timedelta(days=9), "expires_at": past, **changes}
    grant = GrantFactory(identity__system__kind="aws", identity__kind="iam-user", **values)
    GrantStatementFactory(grant=grant, policy=changes.get("stream", "") and "tickets")
    return grant


def confirm(order):
    order_carried_out(order_id=order.pk, proof=Proof("Taken out"), actor=Person(UserFactory()))
    order_confirm(order_id=order.pk, proof=Proof("Looked"), actor=Person(UserFactory()))


def test_time_running_out_orders_the_removal_once_and_ends_nothing(system):
    grant = expired(stream=STREAM)
    GrantFactory(expires_at=timezone.now() + timedelta(days=1))

    assert grants_order_expired(moment=timezone.now(), actor=system) == 1
    assert grants_order_expired(moment=timezone.now(), actor=system) == 0

    grant.refresh_from_db()
    order = Order.objects.get()
    assert (order.grant, order.state, grant.state) == (grant, "manual_needed", "active")
    kept, deleted = (step["command"] for step in order.plan["steps"][1:3])
    assert kept.startswith("aws iam get-user-policy")
    assert deleted.startswith("aws iam delete-user-policy")
    assert "-     customers:Update" in order.plan["diff"]


def test_the_next_reading_ends_it_as_expired(system):
    grant = expired(stream=STREAM)
    grants_order_expired(moment=timezone.now(), actor=system)
    Grant.objects.update(gone_at=timezone.now())

    source = SourceFactory(stream=STREAM)
    assert orders_check_against_source(source_id=source.pk, actor=system) == 1

    connection.check_constraints()
    grant.refresh_from_db()
    assert (grant.state, Order.objects.get().state) == (GrantState.EXPIRED, OrderState.VERIFIED)
    assert AuditEntry.objects.filter(verb="grants.grant.expired").count() == 1


def test_a_grant_that_no_source_tells_of_stays_in_force_until_two_people_saw_to_it(system):
    grant = expired()

    grants_order_expired(moment=timezone.now(), actor=system)

    order = Order.objects.get()
    look = order.plan["steps"][1]
    assert "no source names the policy" in look["title"]
    assert look["command"].startswith("aws iam list-user-policies --user-name ")
    confirm(order)
    grant.refresh_from_db()
    assert grant.state == GrantState.EXPIRED


@pytest.mark.parametrize("state", [OrderState.MANUAL_NEEDED, OrderState.EXCEPTION])
def test_a_removal_that_is_open_already_serves(system, state):
    OrderFactory(grant=expired(), state=state, exception_until=timezone.localdate())

    assert grants_order_expired(moment=timezone.now(), actor=system) == 0


def test_what_came_by_a_request_is_left_to_its_request(system):
    expired(request_id=7)

    assert grants_order_expired(moment=timezone.now(), actor=system) == 0


def test_an_order_taken_back_leaves_its_origin_free_to_order_anew(system):
    grant = GrantFactory()
    asked = OrderRequest(
        kind=OrderKind.REVOKE,
        label=grant.label,
        reason="Its time was up",
        decided_at=timezone.now(),
        grant_id=grant.pk,
        origin_type="grants.grant",
        origin_id=grant.pk,
    )
    [first] = orders_plan(requests=[asked], actor=system)

    taken_back = {"order_ids": [first.pk], "reason": "Renewed", "actor": system}
    assert orders_withdraw(authority=ALLOW, **taken_back) == 1
    assert orders_withdraw(authority=ALLOW, **taken_back) == 0
    [second] = orders_plan(requests=[asked], actor=system)

    states = dict(Order.objects.values_list("pk", "state"))
    assert states == {first.pk: OrderState.ROLLED_BACK, second.pk: OrderState.MANUAL_NEEDED}
    entry = AuditEntry.objects.get(verb="remediation.order.withdrawn")
    assert (entry.target_id, entry.reason) == (first.pk, "Renewed")


def test_an_exception_that_was_taken_back_is_not_taken_up_again(steward, system):
    order = OrderFactory(waiting=True)
    tomorrow = timezone.localdate() + timedelta(days=1)
    order_except(order_id=order.pk, reason="A release", until=tomorrow, actor=Person(steward))
    Order.objects.update(exception_until=timezone.localdate() - timedelta(days=1))

    orders_withdraw(order_ids=[order.pk], reason="Renewed", actor=system, authority=ALLOW)

    assert orders_replan_ended_exceptions(actor=system) == 0


def test_a_confirmed_removal_is_never_taken_back(system):
    order = OrderFactory(state=OrderState.CONFIRMED, verified_at=timezone.now())

    assert not orders_withdraw(order_ids=[order.pk], reason="x", actor=system, authority=ALLOW)


def test_a_narrowing_confirmed_by_hand_leaves_the_record_what_stays(system):
    grant = GrantFactory()
    GrantStatementFactory(grant=grant, actions=["customers:Delete", "customers:Update"])
    order = OrderFactory(
        grant=grant, waiting=True, kind=OrderKind.NARROW, target={"actions": ["customers:Update"]}
    )

    confirm(order)

    grant.refresh_from_db()
    assert (grant.state, grant.statements.get().actions) == ("active", ["customers:Update"])


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_order_once(system):
    expired()
    barrier, ordered = Barrier(2), []

    def work():
        barrier.wait(timeout=30)
        try:
            grants_order_expired(moment=timezone.now(), actor=system)
            ordered.append(True)
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert (len(ordered), Order.objects.count()) == (2, 1)
