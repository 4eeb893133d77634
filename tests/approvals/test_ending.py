"""Access that was asked for ends when it should, whole or in part, and only once it is seen."""

from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.services.ending import requests_end_due, requests_note_ends
from apps.approvals.services.provisioning import request_provision, requests_confirm
from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.grants.models import Grant
from apps.remediation.models import Order
from apps.remediation.services.orders import (
    Proof,
    order_carried_out,
    order_confirm,
    orders_check_against_source,
)
from tests.approvals.conftest import pass_days
from tests.factories.accounts import UserFactory
from tests.factories.approvals import PolicyFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory, PermissionFactory
from tests.factories.inventory import SourceFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db


def end_due(system) -> int:
    return requests_end_due(moment=timezone.now(), actor=system)


def see_to_it(order):
    order_carried_out(order_id=order.pk, proof=Proof("Out"), actor=Person(UserFactory()))
    order_confirm(order_id=order.pk, proof=Proof("Looked"), actor=Person(UserFactory()))


def told_of(request):
    request.refresh_from_db()
    return request.access_ended_at is not None, request.ended_because


@pytest.fixture
def other(company):
    return PermissionFactory(key="customers:Delete", level="write")


def test_time_up_orders_the_removal_once_and_the_access_stays_in_force(company, policy, system):
    request = company.place(days=30, days_ago=31)

    assert end_due(system) == 1
    assert end_due(system) == 0

    order = Order.objects.get()
    assert (order.kind, order.state, order.grant) == ("revoke", "manual_needed", request.grant)
    assert "that time is up" in order.reason
    assert (order.origin_type, order.origin_id) == ("approvals.accessrequest", request.pk)
    assert Grant.objects.get().state == "active"
    assert told_of(request) == (False, "")


def test_nothing_is_ordered_before_its_time(company, policy, system):
    company.place(days=30, days_ago=29)

    assert end_due(system) == 0
    assert not Order.objects.exists()


def test_seen_to_be_gone_by_two_people_it_is_over_and_the_grant_expired(company, policy, system):
    request = company.place(days=30, days_ago=31)
    end_due(system)

    see_to_it(Order.objects.get())
    assert requests_note_ends(actor=system) == 1
    assert requests_note_ends(actor=system) == 0

    connection.check_constraints()
    assert Grant.objects.get().state == "expired"
    assert told_of(request) == (True, "Its access was seen to be gone.")
    entry = AuditEntry.objects.get(verb="approvals.accessrequest.ended")
    assert entry.target_id == request.pk
    assert end_due(system) == 0


def test_the_next_reading_of_its_source_ends_it(company, policy, system):
    request = company.place(days=30, days_ago=31)
    Grant.objects.update(stream="crm:1")
    tasks.end_access()
    Grant.objects.update(gone_at=timezone.now())

    orders_check_against_source(source_id=SourceFactory(stream="crm:1").pk, actor=system)
    tasks.end_access()

    assert told_of(request)[0]
    assert Grant.objects.get().state == "expired"


def test_what_its_source_stopped_showing_needs_no_order(company, policy, system):
    request = company.place(days=30, days_ago=31)
    Grant.objects.update(gone_at=timezone.now())

    assert end_due(system) == 1

    assert told_of(request)[0]
    assert not Order.objects.exists()


def test_a_removal_that_somebody_ordered_already_serves(company, policy, system):
    request = company.place(days=30, days_ago=31)
    OrderFactory(grant=request.grant, waiting=True)

    assert end_due(system) == 0
    assert Order.objects.count() == 1


def test_what_was_held_before_stays_when_what_was_asked_for_ends(company, policy, system):
    grant = GrantFactory(identity=company.identity, service="customers", level="write")
    GrantStatementFactory(grant=grant, actions=["customers:Old"])
    request = company.place(days=30)
    pass_days(request, 31)

    assert end_due(system) == 1

    order = Order.objects.get()
    assert (order.kind, order.target) == ("narrow", {"actions": ["customers:Old"]})
    see_to_it(order)
    requests_note_ends(actor=system)
    grant.refresh_from_db()
    assert (grant.state, grant.statements.get().actions) == ("active", ["customers:Old"])
    assert told_of(request)[0]


@pytest.mark.django_db(transaction=True)  # each act is committed, as in life
def test_the_first_of_two_requests_to_end_leaves_what_the_second_gave(
    company, policy, other, system
):
    first = company.place(days=20)
    second = company.place(days=60, actions=[other.key])
    grant = Grant.objects.get()
    assert (grant.request_id, grant.expires_at) == (second.pk, second.access_ends_at)
    pass_days(first, 21)

    assert end_due(system) == 1

    order = Order.objects.get()
    assert (order.kind, order.target) == ("narrow", {"actions": [other.key]})
    see_to_it(order)
    requests_note_ends(actor=system)
    assert (told_of(first)[0], told_of(second)[0]) == (True, False)
    Grant.objects.update(expires_at=timezone.now() - timedelta(hours=1))
    pass_days(second, 61)
    assert end_due(system) == 1
    last = Order.objects.latest("pk")
    assert (last.kind, last.target) == ("revoke", {"ends_as": "expired"})


def test_asking_for_more_counts_only_what_lasts_as_held_before(company, policy, other):
    company.place(days=20)

    assert company.submit(actions=[other.key]).held_before == []


@pytest.mark.django_db(transaction=True)  # each act is committed, as in life
def test_more_of_the_same_grant_saves_it_from_a_removal_that_waits(company, policy, other, system):
    company.place(days=30, days_ago=31)
    end_due(system)

    company.place(days=10, actions=[other.key])

    orders = list(Order.objects.order_by("pk").values_list("kind", "state", "target"))
    assert orders == [
        ("revoke", "rolled_back", {"ends_as": "expired"}),
        ("narrow", "manual_needed", {"actions": [other.key]}),
    ]


def test_access_without_an_end_never_runs_out(company, system):
    PolicyFactory(position=1, match={"levels": ["read"]}, is_automatic=True)
    request = company.submit(actions=[company.read.key], task_id=None, days=None)
    request_provision(request_id=request.pk, proof="Done.", actor=Person(company.steward))

    assert requests_end_due(moment=timezone.now() + timedelta(days=999), actor=system) == 0


def test_a_record_that_is_gone_makes_room_for_what_is_granted_anew(company, policy):
    gone = GrantFactory(
        identity=company.identity, service="customers", level="write", gone_at=timezone.now()
    )

    request = company.place()

    gone.refresh_from_db()
    assert gone.state == "revoked"
    assert request.grant != gone


def test_what_was_carried_out_is_not_confirmed_by_what_was_read_before(company, policy, system):
    request = company.place(days=30, days_ago=31)
    tasks.end_access()
    order = Order.objects.get()
    order_carried_out(order_id=order.pk, proof=Proof("Out"), actor=Person(UserFactory()))
    renewal = company.approve(kind="renewal", renews_id=request.pk)

    assert requests_confirm(actor=system) == 0

    renewal.refresh_from_db()
    assert renewal.state == "approved"
