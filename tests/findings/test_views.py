from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.findings.states import FindingState
from tests.factories.findings import FindingFactory
from tests.factories.inventory import AgentFactory
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


def test_where_nothing_was_read_nothing_is_called_right(as_steward):
    address = reverse("findings:finding_list")

    before = as_steward.get(address).text
    AgentFactory()
    after = as_steward.get(address).text

    assert "Nothing was looked at yet" in before
    assert f'href="{reverse("connectors:sync_upload")}">Bring in a file</a>' in before
    assert "Nothing looks wrong" in after
    assert "Bring in a file" not in after
