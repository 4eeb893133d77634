"""What an agent is not issued by Vault, and why it is told so."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.connectors.models import Connection
from apps.connectors.services.connections import connection_retire
from apps.core.actors import Person
from apps.grants.models import Grant
from apps.grants.services.grants import grant_suspend
from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState
from apps.remediation.services.planning import OrderRequest, orders_plan
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, IdentityFactory
from tests.issuing.house import reconcile, signed_in, the_one

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db(transaction=True)


def test_nothing_is_issued_for_access_that_is_about_to_end(house):
    Grant.objects.filter(pk=house.crm.pk).update(expires_at=timezone.now() + timedelta(seconds=70))

    answer = house.ask_token()

    assert answer.status_code == 422
    assert not Issuance.objects.exists()


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda house: {"gone_at": timezone.now()}, "is gone"),
        (lambda house: {"expires_at": house.crm.first_seen_at + SECOND}, "has expired"),
    ],
)
def test_a_grant_that_does_not_stand_gives_nothing(house, server, change, says):
    Grant.objects.filter(pk=house.crm.pk).update(first_seen_at=timezone.now() - timedelta(days=1))
    house.crm.refresh_from_db()
    Grant.objects.filter(pk=house.crm.pk).update(**change(house))
    calls = len(server.calls)

    answer = house.ask_token()

    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert len(server.calls) == calls
    assert not Issuance.objects.exists()


def test_a_suspended_grant_gives_nothing(house):
    grant_suspend(grant_id=house.crm.pk, **house.as_steward())

    answer = house.ask_token()

    assert (answer.status_code, "is suspended" in answer.json()["detail"]) == (422, True)


def test_what_is_ordered_to_be_removed_gives_nothing_and_ends_what_it_gave(house):
    answer = house.ask_token()
    orders_plan(
        requests=[
            OrderRequest(
                kind="revoke",
                label=house.crm.label,
                reason="Unused.",
                decided_at=timezone.now(),
                grant_id=house.crm.pk,
            )
        ],
        actor=Person(house.steward),
    )

    refused = house.ask_token("second")
    reconcile()

    assert "is ordered to be removed" in refused.json()["detail"]
    assert not house.works(answer)


def test_another_identity_or_its_grants_give_nothing(house):
    other = GrantFactory(identity=IdentityFactory(system=house.identity.system))

    stranger = house.ask("1", identity_id=other.identity.pk)
    foreign = house.ask_token("2", grant_ids=[house.crm.pk, other.pk])

    assert (stranger.status_code, foreign.status_code) == (422, 422)
    assert stranger.json()["errors"][0]["field"] == "identity_id"
    assert f"Grant {other.pk} is none of this identity's" in foreign.json()["detail"]


@pytest.mark.parametrize(
    "change", [{"may_issue": False}, {"failing_since": timezone.now(), "problem": "sealed"}]
)
def test_a_connection_that_may_not_or_does_not_work_issues_nothing(house, change):
    Connection.objects.filter(pk=house.connection.pk).update(**change)

    answer = house.ask_token()

    assert answer.status_code == 422
    assert not Issuance.objects.exists()


def test_a_retired_connection_issues_nothing_and_ends_nothing(house):
    token = house.ask_token()
    connection_retire(connection_id=house.connection.pk, **house.as_steward())
    grant_suspend(grant_id=house.crm.pk, **house.as_steward())

    refused = house.ask_lease()
    reconcile()

    assert refused.status_code == 422
    assert house.works(token)
    assert the_one().state == IssuanceState.END_FAILED
    assert "is retired" in the_one().trouble


def test_more_than_the_grants_is_refused_by_the_one_that_issues(house):
    house.crm.statements.filter(actions__contains=["delete apps/reports/*"]).delete()

    answer = house.ask_token()

    assert answer.status_code == 422
    assert "also allows" in answer.json()["detail"]
    assert the_one().state == IssuanceState.REFUSED


def test_only_an_active_agent_is_issued_anything(house):
    proposed = AgentFactory(purpose="Will answer tickets.")
    caller = signed_in(proposed, house.steward)

    answer = caller.post("credentials", body={"identity_id": house.identity.pk}, key="1")

    assert answer.status_code == 403
    assert "proposed" in answer.json()["detail"]


def test_what_another_agent_was_issued_does_not_exist(house):
    pk = house.ask_token().json()["credential"]["id"]
    other = signed_in(AgentFactory(active=True), house.steward)

    assert other.get("credentials").json()["credentials"] == []
    assert other.post("credential_end", pk, body={"reason": "Mine."}).status_code == 404
    assert the_one().state == IssuanceState.ACTIVE
