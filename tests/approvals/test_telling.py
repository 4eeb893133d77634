"""Who is told that access ends: owner and asker, at 14, 3, and 0 days, once each."""

from datetime import timedelta
from threading import Barrier, Thread

import pytest
from django.core import mail
from django.db import connection
from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.services.provisioning import request_provision
from apps.approvals.services.telling import ends_tell
from apps.core.actors import Person
from apps.core.models import Setting
from apps.notices.models import Notice
from apps.remediation.models import Order
from tests.approvals.conftest import pass_days
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, BindingFactory

pytestmark = pytest.mark.django_db


def tell(system, *, days=0) -> int:
    return ends_tell(moment=timezone.now() + timedelta(days=days), actor=system)


def told():
    rows = Notice.objects.filter(kind="access-ends").order_by("pk")
    return list(rows.values_list("recipient__display_name", "subject"))


@pytest.fixture
def request_of_steward(company, policy):
    """The owner's agent, asked for by the steward: two people to tell."""
    request = company.submit(company.steward, days=30)
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person)
    placer = UserFactory(steward=True)
    request_provision(request_id=request.pk, proof="Added.", actor=Person(placer))
    request.refresh_from_db()
    return request


def test_owner_and_asker_are_told_three_times_and_once_each(request_of_steward, system):
    label = request_of_steward.label

    counts = [tell(system, days=day) for day in (15, 16.5, 20, 27.5, 29, 30.1, 31)]

    assert counts == [0, 2, 0, 2, 0, 2, 0]
    by_person = [
        ("Owner", f"Ends in 14 days: {label}"),
        ("Steward", f"Ends in 14 days: {label}"),
        ("Owner", f"Ends in 3 days: {label}"),
        ("Steward", f"Ends in 3 days: {label}"),
        ("Owner", f"Its time is up: {label}"),
        ("Steward", f"Its time is up: {label}"),
    ]
    assert told() == by_person


def test_of_those_missed_only_the_latest_is_sent(request_of_steward, system):
    assert tell(system, days=28) == 2

    assert {subject.split(":")[0] for _, subject in told()} == {"Ends in 2 days"}


def test_access_for_a_week_is_not_announced_two_weeks_before(company, policy, system):
    company.place(days=7)

    assert [tell(system, days=day) for day in (0.1, 4.5)] == [0, 1]


def test_the_days_are_a_setting_and_a_notice_sent_is_not_sent_again(company, policy, system):
    company.place(days=60)
    Setting.objects.create(key="first_end_notice_days", value=21)
    assert tell(system, days=40) == 1

    Setting.objects.filter(key="first_end_notice_days").update(value=15)

    assert tell(system, days=46) == 0


def test_the_mail_says_what_happens_and_where_to_renew(company, policy, system, settings):
    settings.PUBLIC_URL = "https://countersign.example.com"
    request = company.place(days=30, days_ago=20)

    tell(system)

    body = Notice.objects.get(kind="access-ends").body
    assert f"https://countersign.example.com/approvals/{request.pk}/renew/" in body
    assert "Its removal is ordered then." in body
    assert request.reason not in body


def test_at_its_end_the_mail_leads_to_the_order(company, policy, system):
    company.place(days=30, days_ago=31)

    tasks.tell_of_ends()

    order = Order.objects.get()
    assert order.get_absolute_url() in Notice.objects.get(kind="access-ends").body


def test_an_open_renewal_is_named_instead_of_asked_for(company, policy, system):
    request = company.place(days=30, days_ago=20)
    renewal = company.submit(kind="renewal", renews_id=request.pk)

    tell(system)

    body = Notice.objects.get(kind="access-ends").body
    assert renewal.get_absolute_url() in body
    assert "/renew/" not in body


@pytest.mark.django_db(transaction=True)  # each act is committed, as in life
def test_what_was_renewed_is_told_of_no_more(company, policy, system):
    request = company.place(days=30, days_ago=25)
    company.approve(kind="renewal", renews_id=request.pk, days=60)
    tasks.follow_requests()

    assert tell(system, days=4) == 0


def test_owners_of_all_agents_are_told_of_a_grant_to_which_no_request_led(system):
    grant = GrantFactory(
        expires_at=timezone.now() + timedelta(days=2),
        first_seen_at=timezone.now() - timedelta(days=60),
    )
    for name in ("One", "Two"):
        owner = UserFactory(display_name=name)
        BindingFactory(identity=grant.identity, agent=AgentFactory(active=True, owner=owner))
    BindingFactory(identity=grant.identity, agent__owner=UserFactory(), ended_at=timezone.now())

    assert tell(system) == 2
    assert tell(system) == 0

    assert [name for name, _ in told()] == ["One", "Two"]
    assert f"/approvals/grants/{grant.pk}/renew/" in Notice.objects.first().body


def test_many_endings_cost_as_many_queries_to_leave_alone_as_one(system, django_assert_num_queries):
    soon = timezone.now() + timedelta(days=2)
    long_ago = timezone.now() - timedelta(days=60)

    def make(count):
        for _ in range(count):
            grant = GrantFactory(expires_at=soon, first_seen_at=long_ago)
            BindingFactory(identity=grant.identity, agent__owner=UserFactory())

    for count in (1, 9):
        make(count)
        tell(system)
        with django_assert_num_queries(7):
            assert tell(system) == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_at_once_send_each_notice_once(company, policy, system):
    pass_days(company.place(days=30), 20)
    mail.outbox.clear()
    barrier, done = Barrier(2), []

    def work():
        barrier.wait(timeout=30)
        try:
            done.append(tell(system))
        finally:
            connection.close()

    threads = [Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert len(done) == 2
    assert len(told()) == 1
    assert [one.subject for one in mail.outbox] == [told()[0][1]]
