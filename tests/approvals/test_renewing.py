"""A renewal is a request like any other, for no more than there is; the rest follows it."""

from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.models import AccessRequest
from apps.approvals.services.ending import requests_end_due
from apps.approvals.services.provisioning import request_provision, requests_confirm
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.grants.models import Grant
from apps.notices.models import Notice
from apps.remediation.models import Order
from apps.remediation.services.orders import grants_order_expired
from tests.factories.connectors import ConnectionFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory, PermissionFactory
from tests.factories.inventory import AgentFactory, BindingFactory, TaskFactory

# Each act is committed, as in life: one entry about one thing belongs to one transaction.
pytestmark = pytest.mark.django_db(transaction=True)


def renewing(request, **changes):
    return {"kind": "renewal", "renews_id": request.pk, "actions": request.actions, **changes}


@pytest.fixture
def two(company, policy):
    """In place for two permissions since 25 of 30 days."""
    more = PermissionFactory(key="customers:Delete", level="write")
    return company.place(days=30, days_ago=25, actions=[company.write.key, more.key])


def test_a_renewal_is_judged_like_any_other_and_changes_nothing_until_then(company, two, system):
    renewal = company.submit(**renewing(two))

    assert (renewal.kind, renewal.state, renewal.renews) == ("renewal", "pending", two)
    assert renewal.grant == two.grant
    assert Grant.objects.get().expires_at == two.access_ends_at
    assert requests_confirm(actor=system) == 0


def test_in_place_it_moves_the_end_and_the_request_before_is_over(company, two, system):
    renewal = company.approve(**renewing(two, days=60))

    assert requests_confirm(actor=system) == 1

    renewal.refresh_from_db()
    two.refresh_from_db()
    grant = Grant.objects.get()
    assert (grant.expires_at, grant.request_id) == (renewal.access_ends_at, renewal.pk)
    assert renewal.access_ends_at - renewal.provisioned_at == timedelta(days=60)
    assert two.ended_because == f"Request {renewal.pk} goes on from here."
    assert requests_end_due(moment=two.access_ends_at + timedelta(hours=1), actor=system) == 0


def test_a_shorter_renewal_ends_nothing_any_sooner(company, two, system):
    renewal = company.approve(**renewing(two, days=1))

    requests_confirm(actor=system)

    renewal.refresh_from_db()
    assert renewal.access_ends_at == two.access_ends_at


def test_silence_renews_nothing(company, policy, system):
    request = company.place(days=30, days_ago=31)
    company.submit(**renewing(request))

    tasks.end_access()

    assert Order.objects.get().state == "manual_needed"


def test_a_removal_that_waits_is_taken_back_when_the_renewal_is_in_place(company, policy, system):
    request = company.place(days=30, days_ago=31)
    tasks.end_access()
    renewal = company.approve(**renewing(request))

    assert requests_confirm(actor=system) == 1

    order = Order.objects.get()
    renewal.refresh_from_db()
    assert order.state == "rolled_back"
    assert renewal.access_ends_at > timezone.now() + timedelta(days=29)
    tasks.end_access()
    assert Order.objects.count() == 1


def test_what_was_not_renewed_ends_with_the_request_before(company, two, system):
    company.approve(**renewing(two, actions=[company.write.key], days=60))
    requests_confirm(actor=system)
    AccessRequest.objects.filter(pk=two.pk).update(
        access_ends_at=timezone.now() - timedelta(hours=1)
    )

    tasks.end_access()

    order = Order.objects.get()
    assert (order.kind, order.target) == ("narrow", {"actions": [company.write.key]})


@pytest.mark.parametrize(
    "wider",
    [{"actions": ["customers:Update", "customers:Purge"]}, {"resources": ["*"]}],
)
def test_a_renewal_never_asks_for_more_than_there_is(company, policy, wider):
    PermissionFactory(key="customers:Purge", level="write")
    request = company.place(resources=["customer-1"])
    same = {"resources": ["customer-1"], **wider}

    with pytest.raises(DomainError, match="asks for no more"):
        company.submit(**renewing(request, **same))


def test_a_renewal_is_asked_for_once_at_a_time(company, two, policy):
    first = company.submit(**renewing(two))

    second = company.submit(company.steward, **renewing(two, actions=[company.write.key]))

    assert second == first
    assert first.notes.get().author == company.steward


def test_what_has_ended_or_never_ends_is_not_renewed(company, two):
    AccessRequest.objects.update(access_ended_at=timezone.now())
    with pytest.raises(PermissionDenied, match="It has ended"):
        company.submit(**renewing(two))

    AccessRequest.objects.update(access_ended_at=None, access_ends_at=None)
    with pytest.raises(PermissionDenied, match="no end"):
        company.submit(**renewing(two))


def test_another_agent_renews_nothing_of_this_one(company, two, policy):
    other = AgentFactory(active=True, owner=company.owner)
    BindingFactory(agent=other, identity=company.identity)

    task = TaskFactory(agent=other)
    with pytest.raises(DomainError, match="of the same access"):
        company.submit(**renewing(two, agent_id=other.pk, task_id=task.pk))


class TestGrantsToWhichNoRequestLed:
    @pytest.fixture
    def grant(self, company):
        grant = GrantFactory(
            identity=company.identity,
            service="customers",
            level="write",
            first_seen_at=timezone.now() - timedelta(days=90),
            expires_at=timezone.now() + timedelta(days=5),
        )
        PermissionFactory(key="customers:Delete", level="write")
        GrantStatementFactory(grant=grant, actions=[company.write.key, "customers:Delete"])
        return grant

    def renew(self, company, grant, **changes):
        values = {"actions": [company.write.key, "customers:Delete"], **changes}
        return company.approve(kind="renewal", grant_id=grant.pk, **values)

    def test_its_renewal_ties_it_and_moves_its_end(self, company, policy, grant, system):
        renewal = self.renew(company, grant)

        requests_confirm(actor=system)

        renewal.refresh_from_db()
        grant.refresh_from_db()
        assert (grant.request_id, grant.expires_at) == (renewal.pk, renewal.access_ends_at)
        assert not Order.objects.exists()

    def test_its_removal_is_taken_back(self, company, policy, grant, system):
        Grant.objects.update(expires_at=timezone.now() - timedelta(hours=1))
        grants_order_expired(moment=timezone.now(), actor=system)
        self.renew(company, grant)

        requests_confirm(actor=system)

        assert Order.objects.get().state == "rolled_back"

    def test_what_was_left_out_of_it_is_removed(self, company, policy, grant, system):
        self.renew(company, grant, actions=[company.write.key])

        requests_confirm(actor=system)

        order = Order.objects.get()
        assert (order.kind, order.target) == ("narrow", {"actions": [company.write.key]})
        assert order.due_at == grant.expires_at

    def test_what_has_no_end_needs_no_renewal(self, company, policy, grant):
        Grant.objects.update(expires_at=None)

        with pytest.raises(PermissionDenied, match="no end"):
            self.renew(company, grant)


def test_put_in_place_by_hand_a_renewal_counts_as_well(company, policy, system):
    request = company.place(days=30, days_ago=31)
    tasks.end_access()
    renewal = company.approve(**renewing(request))

    request_provision(request_id=renewal.pk, proof="Still there.", actor=Person(company.steward))

    assert Order.objects.get().state == "rolled_back"
    assert not Notice.objects.filter(kind="access-ends").exists()


@transaction.atomic
def stands_as(state, actor):
    """What its connection would have come to by now."""
    order = Order.objects.get()
    Order.objects.update(state=state)
    record(
        actor=actor, verb=Verb.ORDER_MOVED, target=order, changes={"state": (order.state, state)}
    )


@pytest.fixture
def removed(company, policy, system):
    """Its end has come, and a connection has begun to carry its removal out."""
    request = company.place(days=30, days_ago=31)
    tasks.end_access()
    Order.objects.update(connection=ConnectionFactory(removing=True))
    stands_as("executed", system)
    return request


def test_a_removal_that_a_connection_has_begun_is_undone_before_a_renewal_counts(
    company, removed, system
):
    renewal = company.approve(**renewing(removed))

    with pytest.raises(DomainError, match="a steward undoes it on its page"):
        request_provision(request_id=renewal.pk, proof="Put back", actor=Person(company.steward))
    assert requests_confirm(actor=system) == 0

    renewal.refresh_from_db()
    assert (renewal.state, Order.objects.get().state) == ("approved", "executed")
    stands_as("rolled_back", system)
    assert requests_confirm(actor=system) == 1


def test_one_that_stands_in_the_way_of_a_request_stops_no_other(company, removed, system):
    company.approve(**renewing(removed))
    read = company.place(days=30, days_ago=25, actions=[company.read.key])
    other = company.approve(**renewing(read))

    requests_confirm(actor=system)

    other.refresh_from_db()
    assert other.state == "provisioned"
