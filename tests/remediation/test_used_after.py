"""What was ended and is used after all, as the logs of the trail tell."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.activity.headers import Whose
from apps.activity.readings import Reading
from apps.core.actors import System
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.remediation.models import Order
from apps.remediation.services import orders, watching
from apps.remediation.states import OrderKind
from tests.activity.trails import SECOND, kept
from tests.factories.inventory import CredentialFactory
from tests.factories.remediation import OrderFactory

pytestmark = pytest.mark.django_db

RULE = "credential-used-after-revocation"


@pytest.fixture
def ended(db):
    """A credential that was ended two days ago by an order nobody has to carry out any more."""
    credential = CredentialFactory()
    order = OrderFactory(
        kind=OrderKind.REVOKE, grant=None, credential=credential, label=credential.external_id
    )
    stopped = timezone.now() - timedelta(days=2)
    Order.objects.filter(pk=order.pk).update(stopped_at=stopped, effective_by=stopped)
    order.refresh_from_db()
    return order


def used(order, after, **more):
    when = int((order.effective_by + after).timestamp()) * SECOND
    credential = order.credential
    kept(
        Reading("api", "s3:GetObject", when, when, address="203.0.113.9", **more),
        whose=Whose(
            identity_id=credential.identity_id,
            system_id=credential.identity.system_id,
            credential_id=credential.pk,
        ),
    )


def watch():
    return orders.orders_watch(actor=System("test"))


@pytest.mark.parametrize(("outcome", "how"), [("ok", "worked"), ("denied", "was refused (denied)")])
def test_a_call_after_the_end_is_found_in_the_trail(ended, outcome, how):
    used(ended, timedelta(hours=5), outcome=outcome)

    assert watch() == 1
    assert watch() == 0

    ended.refresh_from_db()
    assert ended.used_after_how == (
        f"The trail holds 1 call since; s3:GetObject from 203.0.113.9 {how}."
    )
    findings_recheck(actor=System("test"), rules=[RULE])
    assert Finding.objects.get(rule=RULE).subject_id == ended.credential_id


def test_a_log_that_comes_long_after_still_tells(ended):
    """Of a use of 98 days ago, two days after the end: found now, and a finding from now on."""
    stopped = timezone.now() - timedelta(days=100)
    Order.objects.filter(pk=ended.pk).update(stopped_at=stopped, effective_by=stopped)
    ended.refresh_from_db()
    assert watch() == 0

    used(ended, timedelta(days=2), outcome="ok")

    assert watch() == 1
    assert watch() == 0
    findings_recheck(actor=System("test"), rules=[RULE])
    assert Finding.objects.get(rule=RULE).subject_id == ended.credential_id


def test_a_call_before_the_end_that_arrives_late_is_none(ended):
    used(ended, -timedelta(hours=5), outcome="ok")
    used(ended, timedelta(seconds=30), outcome="ok")

    assert watch() == 0


@pytest.mark.django_db(transaction=True)
def test_one_that_worked_is_found_behind_however_many_that_were_refused(ended, monkeypatch):
    monkeypatch.setattr(watching, "MOST_CALLS", 3)
    for hours in range(5, 9):
        used(ended, timedelta(hours=hours), outcome="denied")
    assert watch() == 1

    used(ended, timedelta(hours=10), outcome="ok")

    assert watch() == 1
    ended.refresh_from_db()
    assert ended.used_after_how == (
        "The trail holds 3 calls or more since; s3:GetObject from 203.0.113.9 worked."
    )


@pytest.mark.django_db(transaction=True)
def test_one_that_worked_tells_again_after_one_that_was_refused(ended):
    used(ended, timedelta(hours=5), outcome="denied")
    assert watch() == 1

    used(ended, timedelta(hours=6), outcome="denied")
    assert watch() == 0
    used(ended, timedelta(hours=7), outcome="ok")
    assert watch() == 1
