"""Vault, the database, or the grounds fail in between: nothing that works is left behind."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import connections
from django.utils import timezone

from apps.findings.models import Finding
from apps.grants.services.grants import grant_suspend
from apps.inventory.models import Binding
from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState
from tests.issuing.house import mended_database, reconcile, the_one

SECOND = timedelta(seconds=1)

pytestmark = pytest.mark.django_db(transaction=True)


def test_what_cannot_be_recorded_is_ended_where_it_was_issued(house, server, out_of_order, caplog):
    before = set(server.tokens)
    out_of_order("issuing_issuance")

    answer = house.ask_token()

    assert answer.status_code == 500
    made = [one for key, one in server.tokens.items() if key not in before]
    assert not [one for one in made if one["policies"] == [house.world.name("crm")]]
    logged = [one for one in caplog.records if one.name == "apps.issuing.services.asking"]
    assert "could not be recorded. It was ended" in logged[0].getMessage()
    assert the_one().state == IssuanceState.ASKED

    mended_database()
    Issuance.objects.update(asked_at=timezone.now() - timedelta(minutes=6))
    reconcile()
    assert the_one().state == IssuanceState.LOST
    assert "Nobody was handed it" in the_one().trouble


def test_a_database_that_fails_once_notes_that_it_was_taken_back(house, server):
    """The answer cannot be noted as such, but what became of it can."""
    with database.cursor() as cursor:
        cursor.execute(
            "ALTER TABLE issuing_issuance ADD CONSTRAINT out_of_order CHECK (state <> 'active')"
        )
    try:
        answer = house.ask_token()
    finally:
        with database.cursor() as cursor:
            cursor.execute("ALTER TABLE issuing_issuance DROP CONSTRAINT out_of_order")

    issuance = the_one()
    assert answer.status_code == 500
    assert (issuance.state, issuance.kind) == (IssuanceState.ENDED, "token")
    assert "could not be recorded" in issuance.end_reason
    accessors = {one["accessor"] for one in server.tokens.values()}
    assert issuance.external_id not in accessors


def test_grounds_that_fall_while_it_is_asked_end_it_before_anybody_has_it(house, server):
    answer_of = server.answer

    def answering(method, path, *rest):
        if path == house.world.token_path:
            Binding.objects.filter(pk=house.binding.pk).update(ended_at=timezone.now())
            connections.close_all()
        return answer_of(method, path, *rest)

    server.answer = answering

    answer = house.ask_token()

    issuance = the_one()
    assert answer.status_code == 422
    assert "no longer acts as this identity" in answer.json()["detail"]
    assert "secret" not in answer.json()
    assert issuance.state == IssuanceState.ENDED
    assert issuance.external_id not in {one["accessor"] for one in server.tokens.values()}


def test_a_system_that_says_no_issued_nothing(house, server):
    server.fail(403, on=house.world.token_path, times=2, said="permission denied")

    answer = house.ask_token()

    assert answer.status_code == 422
    assert "permission denied" in answer.json()["detail"]
    assert (the_one().state, the_one().issued_at) == (IssuanceState.REFUSED, None)


def test_a_busy_system_is_told_as_such_and_nothing_was_issued(house, server):
    server.fail(503, on=house.world.token_path, said="standby")

    answer = house.ask_token()

    assert answer.status_code == 503
    assert the_one().state == IssuanceState.REFUSED


def test_a_system_that_never_answers_leaves_it_open_whether_it_issued(house, server, monkeypatch):
    monkeypatch.setattr("apps.connectors.adapters.vault_calls.TIMEOUT", 2)
    server.fail(500, on=house.world.token_path, hang=4)

    answer = house.ask_token()

    assert answer.status_code == 503
    assert the_one().state == IssuanceState.LOST
    grant_suspend(grant_id=house.crm.pk, **house.as_steward())
    reconcile()
    issuance = the_one()
    assert issuance.state == IssuanceState.END_FAILED
    assert "its name is not known" in issuance.trouble
    assert Finding.objects.get(rule="issued-not-ended").severity == "high"


def test_ending_is_tried_again_while_that_can_heal_it(house, server):
    answer = house.ask_token()
    server.fail(503, on="revoke-accessor", said="standby")
    grant_suspend(grant_id=house.crm.pk, **house.as_steward())

    reconcile()
    issuance = the_one()
    assert (issuance.state, issuance.attempts) == (IssuanceState.ENDING, 1)
    assert "standby" in issuance.trouble
    reconcile()
    assert the_one().attempts == 1

    Issuance.objects.update(wake_at=timezone.now())
    reconcile()
    assert the_one().state == IssuanceState.ENDED
    assert not house.works(answer)


def test_what_could_not_be_ended_is_a_finding_until_it_is_or_its_time_is_over(house, server):
    answer = house.ask_token()
    server.fail(403, on="revoke-accessor", said="permission denied")
    grant_suspend(grant_id=house.crm.pk, **house.as_steward())

    reconcile()

    issuance = the_one()
    assert issuance.state == IssuanceState.END_FAILED
    assert "permission denied" in issuance.trouble
    assert house.works(answer)
    finding = Finding.objects.get(rule="issued-not-ended")
    assert (finding.state, finding.agent) == ("open", house.agent)

    pk = answer.json()["credential"]["id"]
    assert house.caller.post("credential_end", pk, body={"reason": "Again."}).status_code == 200
    assert the_one().state == IssuanceState.ENDED
    assert not house.works(answer)
