"""What a person ended is watched like what a connection did: nobody's word is the last."""

from datetime import timedelta
from importlib import import_module

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.readings import Reading
from apps.core.actors import Person, System
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.inventory.models import Credential
from apps.inventory.selectors.exposure import exposure_of
from apps.remediation.models import Order
from apps.remediation.selectors.ending import used_since_told
from apps.remediation.services import orders
from apps.remediation.services.leaks import leaks_report
from apps.remediation.services.orders import Proof, order_carried_out, order_confirm
from apps.remediation.states import OrderKind, OrderState
from tests.activity.trails import SECOND, kept
from tests.factories.accounts import UserFactory
from tests.factories.inventory import CredentialFactory, SourceFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db

RULE = "credential-used-after-revocation"


def carried_out(person, ago=timedelta(hours=4), **more):
    credential = CredentialFactory(**more)
    order = OrderFactory(
        kind=OrderKind.REVOKE, grant=None, credential=credential, label="key", waiting=True
    )
    order_carried_out(order_id=order.pk, proof=Proof("Deleted"), actor=person)
    Order.objects.update(executed_at=timezone.now() - ago)
    order.refresh_from_db()
    return order


def used(order, ago, outcome="ok"):
    used_at(order, timezone.now() - ago, outcome)


def used_at(order, moment, outcome="ok"):
    when = int(moment.timestamp()) * SECOND
    credential = order.credential
    kept(
        Reading("api", "s3:GetObject", when, when, address="203.0.113.9", outcome=outcome),
        whose=Whose(
            identity_id=credential.identity_id,
            system_id=credential.identity.system_id,
            credential_id=credential.pk,
        ),
    )


def watch():
    return orders.orders_watch(actor=System("test"))


@pytest.mark.django_db(transaction=True)
def test_a_use_of_what_was_ended_by_hand_reopens_it_and_is_a_finding(person, other):
    order = carried_out(person)
    order_confirm(order_id=order.pk, proof=Proof("Listed no more"), actor=other)
    assert watch() == 0

    used(order, timedelta(hours=1))
    assert watch() == 1
    assert watch() == 0

    order.refresh_from_db()
    assert order.state == OrderState.VERIFY_FAILED
    assert order in Order.objects.waiting_for("carry-out")
    findings_recheck(actor=System("test"), rules=[RULE])
    assert Finding.objects.get(rule=RULE).subject_id == order.credential_id

    order_carried_out(order_id=order.pk, proof=Proof("Really deleted"), actor=other)
    order_confirm(order_id=order.pk, proof=Proof("Refused"), actor=person)
    assert watch() == 0


def test_what_was_ended_by_hand_before_this_is_watched_from_the_upgrade_on(person, other):
    stays = OrderFactory(
        kind=OrderKind.ROTATE, grant=None, credential=CredentialFactory(), waiting=True, label="key"
    )
    order_carried_out(order_id=stays.pk, proof=Proof("Changed"), actor=person, stays=True)
    order = carried_out(person)
    for one in (stays, order):
        order_confirm(order_id=one.pk, proof=Proof("Looked"), actor=other)
        used(one, timedelta(hours=1))
    Order.objects.update(effective_by=None, stopped_at=None, stopped_how="")
    assert watch() == 0

    upgrade = import_module("apps.remediation.migrations.0007_watch_what_was_ended_by_hand")
    with connection.cursor() as cursor:
        cursor.execute(upgrade.WATCHED)

    assert watch() == 1
    order.refresh_from_db()
    assert order.state == OrderState.VERIFY_FAILED


def test_a_use_before_it_was_carried_out_is_none(person, other):
    order = carried_out(person)
    used(order, timedelta(hours=5))
    order_confirm(order_id=order.pk, proof=Proof("Listed no more"), actor=other)

    assert watch() == 0


def test_what_a_source_no_longer_shows_is_watched_too(person):
    source = SourceFactory(stream="countersign:crm")
    order = carried_out(person, source=source, stream=source.stream, gone_at=timezone.now())
    orders.orders_check_against_source(source_id=source.pk, actor=System("test"))
    order.refresh_from_db()
    assert order.state == OrderState.VERIFIED

    used(order, timedelta(hours=1))

    assert watch() == 1
    order.refresh_from_db()
    assert order in Order.objects.waiting_for("carry-out")


def test_a_new_secret_under_the_same_id_is_used_rightly(person, other):
    order = OrderFactory(
        kind=OrderKind.ROTATE, grant=None, credential=CredentialFactory(), waiting=True, label="key"
    )
    order_carried_out(order_id=order.pk, proof=Proof("Changed"), actor=person, stays=True)
    Order.objects.update(executed_at=timezone.now() - timedelta(hours=4))
    order_confirm(order_id=order.pk, proof=Proof("Signed in with it"), actor=other)

    used(order, timedelta(hours=1))

    assert watch() == 0


def test_who_confirms_is_warned_that_it_still_worked(as_steward):
    order = carried_out(Person(UserFactory(role="steward")))
    used(order, timedelta(hours=2), outcome="denied")
    assert "still worked" not in as_steward.get(order.get_absolute_url()).text

    used(order, timedelta(hours=1))

    assert "It still worked after this." in as_steward.get(order.get_absolute_url()).text
    dialog = as_steward.get(reverse("remediation:order_confirm", args=[order.pk])).text
    assert "It still worked after it was said to be carried out" in dialog


def test_a_call_that_worked_before_makes_none_of_a_refused_one_in_the_same_hour(
    person, django_assert_max_num_queries
):
    order = carried_out(person)
    told = (timezone.now() - timedelta(hours=4)).replace(minute=10, second=0, microsecond=0)
    Order.objects.update(executed_at=told)
    order.refresh_from_db()
    for minutes in (-8, -5):
        used_at(order, told + timedelta(minutes=minutes))
    used_at(order, told + timedelta(minutes=30), "denied")

    with django_assert_max_num_queries(2):
        assert used_since_told(order) is None

    worked = told + timedelta(minutes=20)
    used_at(order, worked)
    used_at(order, told + timedelta(minutes=40), "failed")
    with django_assert_max_num_queries(2):
        assert used_since_told(order) == worked


@pytest.mark.parametrize("kind", [OrderKind.SUSPEND, OrderKind.TAKE_BACK])
def test_what_ends_no_credential_is_not_noted_as_its_end(kind, person, other):
    order = carried_out(person)
    Order.objects.update(kind=kind)

    order_confirm(order_id=order.pk, proof=Proof("Switched off"), actor=other)

    order.refresh_from_db()
    assert order.state == OrderState.CONFIRMED
    assert (order.stopped_at, order.stopped_how, order.effective_by) == (None, "", None)


def test_what_leaked_and_was_switched_off_by_hand_is_no_finding(person, other):
    order = carried_out(person)
    Order.objects.update(kind=OrderKind.SUSPEND)
    leaks_report(text=order.credential.external_id, actor=person)
    findings_recheck(actor=System("test"), rules=["credential-leaked"])
    assert Finding.objects.get(rule="credential-leaked").state == "open"

    order_confirm(order_id=order.pk, proof=Proof("Switched off"), actor=other)

    findings_recheck(actor=System("test"), rules=["credential-leaked"])
    assert Finding.objects.get(rule="credential-leaked").state == "resolved"


def test_the_page_says_whether_somebody_saw_it_or_only_said_so(as_steward, person, other):
    order = carried_out(person)
    order_confirm(order_id=order.pk, proof=Proof("Listed no more"), actor=other)
    assert "Confirmed not to work" in as_steward.get(order.get_absolute_url()).text

    Order.objects.update(stopped_how="The configuration was read anew: absent.")

    assert "Seen not to work" in as_steward.get(order.get_absolute_url()).text


def test_its_pages_say_that_it_was_used_after_its_end(as_steward, person, other):
    order = carried_out(person)
    order_confirm(order_id=order.pk, proof=Proof("Listed no more"), actor=other)
    used(order, timedelta(hours=1))
    watch()

    page = as_steward.get(order.get_absolute_url()).text

    assert "used after it was ended" in page
    assert "s3:GetObject from 203.0.113.9 worked" in page
    credential = Credential.objects.get(pk=order.credential_id)
    credential.last_used_at = credential.ended_at + timedelta(hours=1)
    assert exposure_of(credential).works
