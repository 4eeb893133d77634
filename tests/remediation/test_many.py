"""What is looked at in turns: the newest is never left to the last, and nothing is left out."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.models import Job
from apps.remediation.models import Order
from apps.remediation.selectors.incidents import MOST_ADDRESSES
from apps.remediation.services.incidents import MOST_READ_DUE, incidents_read_due
from apps.remediation.states import OrderKind, OrderState
from tests.factories.inventory import CredentialFactory
from tests.factories.remediation import IncidentFactory, OrderFactory

pytestmark = pytest.mark.django_db


def dead(**watched):
    now = timezone.now()
    return OrderFactory(
        kind=OrderKind.KILL,
        grant=None,
        credential=CredentialFactory(),
        label="key",
        state=OrderState.VERIFIED,
        verified_at=now,
        effective_by=now,
        stopped_at=now,
        **watched,
    )


def test_what_was_just_killed_is_watched_before_what_was_looked_at_long_ago():
    now = timezone.now()
    old = dead(watched_at=now - timedelta(days=2))
    older = dead(watched_at=now - timedelta(days=3))
    dead(watched_at=now)
    fresh = dead()

    due = Order.objects.watched_at(now - timedelta(days=30))

    assert list(due.unwatched_since(now - timedelta(minutes=15))) == [fresh, older, old]


def test_a_run_reads_so_many_incidents_and_the_next_one_the_others(system):
    credential = CredentialFactory()
    for _ in range(MOST_READ_DUE):
        IncidentFactory(credential=credential, read_at=timezone.now() - timedelta(days=1))
    unread = IncidentFactory(credential=credential)

    assert incidents_read_due(actor=system) == MOST_READ_DUE

    asked = Job.objects.filter(subject_type="remediation.incident")
    assert asked.count() == MOST_READ_DUE
    assert asked.filter(subject_id=unread.pk).exists()


def test_the_page_counts_the_calls_of_addresses_that_it_does_not_show(as_steward):
    incident = IncidentFactory()
    for number in range(MOST_ADDRESSES + 2):
        incident.calls.create(
            event_id=f"event-{number}",
            at=timezone.now(),
            service="s3.amazonaws.com",
            name="GetObject",
            address=f"192.0.2.{number}",
        )

    page = as_steward.get(incident.get_absolute_url()).text

    assert f"All {MOST_ADDRESSES + 2} calls" in page
    assert f"These are the {MOST_ADDRESSES} busiest." in page
    calls = as_steward.get(reverse("remediation:incident_calls", args=[incident.pk]))
    assert calls.status_code == 200
