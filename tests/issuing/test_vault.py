"""Through the API, against a Vault that enforces: issued, used, ended, and refused from then on."""

from datetime import timedelta

import pytest
from django.utils import timezone

from apps.accounts.services.settings import setting_change
from apps.audit.models import AuditEntry
from apps.grants.models import Grant
from apps.grants.services.grants import grant_suspend
from apps.inventory.services import agent_suspend
from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState
from tests.issuing.house import reconcile, the_one

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_token_works_until_a_grant_it_was_cut_from_is_suspended(house):
    answer = house.ask_token(correlation_id="4bf92f3577b34da6a3ce929d0e0e4736")

    told = answer.json()["credential"]
    assert answer.status_code == 201, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    assert (told["state"], told["kind"], told["grant_ids"]) == ("active", "token", [house.crm.pk])
    assert house.works(answer)
    looked_up = house.world.as_root.post("auth/token/lookup-accessor", accessor=told["external_id"])
    assert looked_up["policies"] == [house.world.name("crm")]
    assert looked_up["meta"] == {
        "agent": "CRM agent",
        "correlation_id": "4bf92f3577b34da6a3ce929d0e0e4736",
    }

    grant_suspend(grant_id=house.crm.pk, **house.as_steward())
    reconcile()

    assert not house.works(answer)
    issuance = the_one()
    assert issuance.state == IssuanceState.ENDED
    assert issuance.end_reason == "A grant that it was cut from is suspended."
    assert "revoked" in issuance.ended_how
    verbs = AuditEntry.objects.filter(target_type="issuing.issuance").order_by("pk")
    assert [one.verb.rpartition(".")[2] for one in verbs] == [
        "asked",
        "issued",
        "ending",
        "ended",
    ]
    assert [one.channel for one in verbs] == ["api", "api", "task", "task"]


def test_nothing_else_happens_while_the_grounds_stand(house):
    answer = house.ask_token()

    reconcile()
    reconcile()

    assert house.works(answer)
    assert the_one().state == IssuanceState.ACTIVE


def test_a_dynamic_secret_is_ended_by_the_agent_itself(house):
    answer = house.ask_lease()
    told = answer.json()["credential"]
    assert answer.status_code == 201, answer.text
    assert answer.json()["secret"]["private_key"]
    assert told["external_id"] in house.leases()

    ended = house.caller.post("credential_end", told["id"], body={"reason": "Done."})
    again = house.caller.post("credential_end", told["id"], body={"reason": "Done."})

    assert (ended.status_code, again.status_code) == (200, 200)
    assert house.leases() == set()
    listed = house.caller.get("credentials").json()["credentials"]
    assert [one["state"] for one in listed] == ["ended"]
    assert "secret" not in listed[0]
    assert the_one().end_reason == "Done."


def test_it_ends_before_the_grant_that_it_is_cut_from(house):
    ends = timezone.now() + timedelta(minutes=10)
    Grant.objects.filter(pk=house.crm.pk).update(expires_at=ends)

    answer = house.ask_token(ttl_seconds=3600)

    issuance = the_one()
    assert answer.status_code == 201, answer.text
    assert ends - timedelta(minutes=1) < issuance.expires_at <= ends


def test_it_lasts_as_long_as_the_house_allows_and_no_longer(house):
    setting_change(key="issued_minutes", value=5, **house.as_steward())

    house.ask_token(ttl_seconds=3600)

    assert the_one().expires_at <= timezone.now() + timedelta(minutes=5, seconds=2)


def test_it_lasts_as_asked_for_where_that_is_less(house, server):
    answer = house.ask_token(ttl_seconds=120)
    assert house.works(answer)

    server.later(125)

    assert not house.works(answer)


def test_a_key_hands_a_secret_over_once(house, server):
    first = house.ask_token()
    tokens = len(server.tokens)

    again = house.ask_token()

    assert again.status_code == 409
    assert "handed over once" in again.json()["detail"]
    assert first.json()["secret"]["token"] not in again.text
    assert len(server.tokens) == tokens
    other = house.ask_token("another")
    assert other.status_code == 201, other.text


def test_all_grants_that_stand_are_taken_where_none_is_named(house):
    Grant.objects.filter(pk=house.crm.pk).update(gone_at=timezone.now())

    answer = house.ask_lease()

    assert answer.json()["credential"]["grant_ids"] == [house.pki.pk]


def test_a_stopped_agent_keeps_nothing_that_works(house):
    token, lease = house.ask_token(), house.ask_lease()

    agent_suspend(agent_id=house.agent.pk, **house.as_steward())
    reconcile()

    assert not house.works(token)
    assert house.leases() == set()
    assert lease.status_code == 201
    assert set(Issuance.objects.values_list("end_reason", flat=True)) == {"The agent is stopped."}


def test_its_time_is_over_and_it_says_so(house):
    house.ask_token()
    Issuance.objects.update(asked_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now())

    reconcile()

    assert the_one().state == IssuanceState.EXPIRED
    assert not Issuance.objects.open().exists()
