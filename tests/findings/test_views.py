from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.findings.states import FindingState
from tests.factories.findings import FindingFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(("seconds_ago", "accepted"), [(10, True), (400, False)])
def test_accepting_a_risk_asks_for_a_fresh_sign_in(client, steward, seconds_ago, accepted):
    finding = FindingFactory()
    sign_in(client, steward, seconds_ago=seconds_ago)
    until = timezone.localdate() + timedelta(days=20)

    response = client.post(
        reverse("findings:finding_act", args=[finding.pk, "accept"]),
        {"reason": "Replaced next month", "until": until.isoformat()},
    )

    finding.refresh_from_db()
    assert response.status_code == 302
    assert response["Location"].startswith("/settings/sign-in-again/") is not accepted
    assert (finding.state == FindingState.RISK_ACCEPTED) is accepted
