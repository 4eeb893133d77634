"""What a steward meets while ending credentials: one, many, or all of an agent."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person, System
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.inventory.models import Credential
from apps.notices.models import Page
from apps.remediation.models import Batch, Order
from apps.remediation.services import orders
from apps.remediation.states import OrderKind, OrderState
from config.celery import app
from tests.factories.accounts import UserFactory
from tests.factories.inventory import AgentFactory, BindingFactory, CredentialFactory

WHY = "It was seen in a public place."
ministack_test = [pytest.mark.django_db(transaction=True), pytest.mark.xdist_group("ministack")]


def marked(test):
    for mark in ministack_test:
        test = mark(test)
    return test


@marked
def test_the_confirmation_shows_steps_users_and_by_when(company, as_steward):
    held = company.key()
    agents = [BindingFactory(identity=held.credential.identity).agent for _ in range(2)]

    page = as_steward.get(reverse("remediation:credential_kill", args=[held.credential.pk]))

    text = page.content.decode()
    assert "Disable the access key" in text
    assert "Can be undone." in text
    assert "Once somebody else has confirmed, or after a day" in text
    assert "within 2 minutes" in text
    assert all(str(agent) in text for agent in agents)
    assert "it is shared, so it ends for all of them" in text


def test_without_a_connection_the_confirmation_says_by_hand(as_steward):
    credential = CredentialFactory()

    page = as_steward.get(reverse("remediation:credential_kill", args=[credential.pk]))

    assert "No connection can do this there." in page.content.decode()


@pytest.mark.django_db
def test_an_order_not_begun_within_ten_seconds_shows_the_command(as_steward, steward):
    credential = CredentialFactory()
    order = orders.credential_kill(credential_id=credential.pk, reason=WHY, actor=Person(steward))
    long_ago = timezone.now() - timedelta(seconds=11)
    order.steps.create(
        position=1,
        title="Disable it.",
        command="aws iam update-access-key --status Inactive",
        op="key.disable",
        when="now",
    )
    fresh = Order.objects.create(
        kind=OrderKind.KILL,
        credential=CredentialFactory(),
        label="late",
        reason=WHY,
        decided_at=long_ago,
        created_at=long_ago,
    )
    order.steps.update(order=fresh)

    page = as_steward.get(fresh.get_absolute_url()).content.decode()

    assert "Nothing has begun yet." in page
    assert "aws iam update-access-key --status Inactive" in page
    assert f"credential_kill {fresh.credential_id}" in page


@marked
def test_a_broker_out_of_reach_loses_no_kill(company, as_steward, celery_without_broker):
    held = company.key()
    response = as_steward.post(
        reverse("remediation:credential_kill", args=[held.credential.pk]), {"reason": WHY}
    )
    order = Order.objects.get()
    assert (response.status_code, order.state) == (302, OrderState.PLANNED)

    out = StringIO()
    call_command("credential_kill", str(held.credential.pk), stdout=out)

    assert held.works() == "InvalidClientTokenId"
    assert "Executed" in out.getvalue()
    assert Order.objects.count() == 1


def test_the_command_tells_what_to_do_by_hand(db):
    credential = CredentialFactory(external_id="crm-key-77")

    with pytest.raises(CommandError, match="It is not dead"):
        call_command("credential_kill", "crm-key-77", stdout=StringIO())

    assert Order.objects.get().credential == credential


def test_the_command_refuses_what_it_does_not_know(db):
    with pytest.raises(CommandError, match="There is none of this id"):
        call_command("credential_kill", "nobody", stdout=StringIO())


def test_many_are_ended_with_one_reason_and_held_above_the_threshold(as_steward, steward):
    identity = CredentialFactory().identity
    CredentialFactory.create_batch(2, identity=identity)
    system = identity.system
    url = f"{reverse('remediation:credentials_end')}?system={system.pk}"
    count = as_steward.get(url).context["chosen"].count

    response = as_steward.post(url, {"kind": "revoke", "reason": WHY, "seen": count})

    batch = Batch.objects.get()
    assert response.url == batch.get_absolute_url()
    assert (batch.count, batch.state) == (3, "held")
    assert "more than 10 % of all credentials" in batch.held_because


def test_a_list_that_changed_meanwhile_is_shown_again(as_steward):
    CredentialFactory()
    url = reverse("remediation:credentials_end")

    response = as_steward.post(url, {"kind": "revoke", "reason": WHY, "seen": 7})

    assert response.status_code == 422
    assert not Order.objects.exists()


@marked
def test_stopping_an_agent_kills_its_own_and_suspends_what_it_shares(company, steward):
    agent, other = AgentFactory(active=True), AgentFactory(active=True)
    own, shared, elsewhere = company.key(), company.key(), CredentialFactory()
    for credential in (own.credential, shared.credential, elsewhere):
        BindingFactory(agent=agent, identity=credential.identity)
    BindingFactory(agent=other, identity=shared.credential.identity)

    batch = orders.agent_stop(agent_id=agent.pk, reason=WHY, actor=Person(steward))

    assert own.works() == shared.works() == "InvalidClientTokenId"
    kinds = dict(batch.orders.values_list("credential", "kind"))
    assert kinds[own.credential.pk] == OrderKind.KILL
    assert kinds[shared.credential.pk] == OrderKind.SUSPEND
    agent.refresh_from_db()
    assert agent.state == "suspended"


@marked
def test_the_page_of_a_stop_says_where_it_holds_and_where_not(company, as_steward, steward):
    agent = AgentFactory(active=True)
    own, elsewhere = company.key(), CredentialFactory(identity__system__name="CRM")
    for credential in (own.credential, elsewhere):
        BindingFactory(agent=agent, identity=credential.identity)

    batch = orders.agent_stop(agent_id=agent.pk, reason=WHY, actor=Person(steward))

    page = " ".join(as_steward.get(batch.get_absolute_url()).content.decode().split())
    assert "Enforced on 1 of 2 systems; not on CRM." in page


@marked
def test_a_use_after_revocation_is_a_finding_pages_and_reopens(company, steward):
    held = company.key()
    order = orders.credential_revoke(
        credential_id=held.credential.pk, reason=WHY, actor=Person(steward)
    )
    order.refresh_from_db()
    assert order.state == OrderState.EXECUTED
    used = order.effective_by + timedelta(minutes=5)
    Credential.objects.filter(pk=held.credential.pk).update(last_used_at=used)

    assert orders.orders_watch(actor=System("test")) == 1
    assert orders.orders_watch(actor=System("test")) == 0

    order.refresh_from_db()
    assert order.used_after_at == used
    assert "reopened" in " ".join(entry.verb for entry in _entries(order))
    assert Page.objects.get().severity == "critical"
    findings_recheck(actor=System("test"))
    finding = Finding.objects.get(rule="credential-used-after-revocation")
    assert (finding.severity, finding.subject_id) == ("critical", held.credential.pk)


@pytest.mark.django_db
def test_a_kill_that_nobody_confirmed_within_a_day_is_a_finding(steward):
    order = orders.credential_kill(
        credential_id=CredentialFactory().pk, reason=WHY, actor=Person(steward)
    )
    findings_recheck(actor=System("test"), rules=["kill-unconfirmed"])
    assert not Finding.objects.exists()

    Order.objects.filter(pk=order.pk).update(decided_at=timezone.now() - timedelta(hours=25))
    findings_recheck(actor=System("test"), rules=["kill-unconfirmed"])
    assert Finding.objects.get().state == "open"

    orders.kill_confirm(
        order_id=order.pk, reason="It was right.", actor=Person(UserFactory(role="steward"))
    )
    findings_recheck(actor=System("test"), rules=["kill-unconfirmed"])
    assert Finding.objects.get().state == "resolved"


@pytest.mark.django_db
def test_pages_take_as_many_queries_however_many_there_are(as_steward, steward):
    def batch_of(count):
        ids = [CredentialFactory().pk for _ in range(count)]
        return orders.credentials_end_many(
            credential_ids=ids, kind=OrderKind.REVOKE, reason=WHY, actor=Person(steward)
        )

    few, many = batch_of(2).get_absolute_url(), batch_of(12).get_absolute_url()
    as_steward.get(few)
    with CaptureQueriesContext(connection) as first:
        as_steward.get(few)
    with CaptureQueriesContext(connection) as second:
        as_steward.get(many)
    assert len(first) == len(second)


def _entries(order):
    return AuditEntry.objects.filter(target_type="remediation.order", target_id=order.pk)


@pytest.fixture
def celery_without_broker():
    before = app.conf.broker_url
    app.conf.task_always_eager = False
    _talk_to("redis://127.0.0.1:1/0")
    yield
    _talk_to(before)
    app.conf.task_always_eager = True


def _talk_to(url):
    app.conf.broker_url = url
    app._pool = app.amqp._producer_pool = None
