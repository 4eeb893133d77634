"""What an auditor whose seat is limited to systems reads of a request."""

import pytest
from django.test import Client

from apps.inventory.models import SeatSystem
from tests.factories.accounts import SeatFactory

pytestmark = pytest.mark.django_db

ELSEWHERE = "svc-9 · Vault · secrets · read"


@pytest.mark.parametrize("is_limited", [True, False])
def test_a_limited_auditor_is_told_of_a_combination_and_not_by_which_access_elsewhere(
    company, policy, is_limited
):
    request = company.submit()
    request.combinations = [
        {
            "name": "A way out for secrets",
            "severity": "high",
            "parts": [{"does": "reads secrets", "by": [ELSEWHERE], "more": 0}],
            "broken_by": [ELSEWHERE],
            "is_exact": True,
            "through": [],
        }
    ]
    request.save(update_fields=["combinations"])
    seat = SeatFactory(limited_to_systems=is_limited)
    SeatSystem.objects.create(seat=seat, system=request.system)
    client = Client()
    client.force_login(seat.user)

    page = client.get(request.get_absolute_url()).text

    assert "A way out for secrets" in page
    assert (ELSEWHERE in page) is not is_limited
