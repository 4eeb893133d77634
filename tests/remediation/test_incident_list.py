"""The list of incidents: each reader's own, and what it costs."""

import pytest
from django.urls import reverse

from tests.factories.accounts import SeatFactory
from tests.factories.remediation import IncidentFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db
LIST = "remediation:incident_list"


def test_incidents_are_listed_with_a_link_to_each(as_steward):
    incident = IncidentFactory()

    text = as_steward.get(reverse(LIST)).content.decode()

    assert incident.get_absolute_url() in text
    assert str(incident.credential) in text
    assert reverse(LIST) in as_steward.get(reverse("remediation:order_list")).content.decode()


def test_a_limited_auditor_sees_those_of_their_systems(client):
    incident = IncidentFactory()
    seat = SeatFactory(limited_to_systems=True)
    sign_in(client, seat.user)
    assert "No credential was killed" in client.get(reverse(LIST)).content.decode()

    seat.seat_systems.create(system=incident.credential.identity.system)
    assert incident.get_absolute_url() in client.get(reverse(LIST)).content.decode()


def test_incidents_cost_the_same_for_any_number(as_steward, django_assert_max_num_queries):
    IncidentFactory.create_batch(15)
    as_steward.get(reverse(LIST))

    with django_assert_max_num_queries(9):
        as_steward.get(reverse(LIST))
