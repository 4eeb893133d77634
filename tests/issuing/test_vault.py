"""Through the API, against a Vault that enforces: issued, used, ended, and refused from then on."""

from datetime import timedelta

import pytest
from django.db import connection as database
from django.db import connections
from django.utils import timezone

from apps.accounts.services.settings import setting_change
from apps.audit.models import AuditEntry
from apps.connectors.models import Connection
from apps.connectors.services.connections import connection_retire
from apps.core.actors import Person
from apps.findings.models import Finding
from apps.grants.models import Grant
from apps.grants.services.grants import grant_suspend
from apps.inventory.models import Binding
from apps.inventory.services import agent_suspend
from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState
from apps.remediation.services.planning import OrderRequest, orders_plan
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentFactory, IdentityFactory
from tests.issuing.house import reconcile, signed_in, the_one

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


def test_nothing_is_issued_for_access_that_is_about_to_end(house):
    Grant.objects.filter(pk=house.crm.pk).update(expires_at=timezone.now() + timedelta(seconds=70))

    answer = house.ask_token()

    assert answer.status_code == 422
    assert not Issuance.objects.exists()


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


def test_a_stopped_agent_keeps_nothing_that_works(house):
    token, lease = house.ask_token(), house.ask_lease()

    agent_suspend(agent_id=house.agent.pk, **house.as_steward())
    reconcile()

    assert not house.works(token)
    assert house.leases() == set()
    assert lease.status_code == 201
    assert set(Issuance.objects.values_list("end_reason", flat=True)) == {"The agent is stopped."}


def broken_database(table):
    """From now on nothing can be noted in a table."""
    with database.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION out_of_order() RETURNS trigger LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE EXCEPTION 'out of order'; END $$"
        )
        cursor.execute(
            f"CREATE TRIGGER out_of_order BEFORE UPDATE ON {table}"
            " FOR EACH ROW EXECUTE FUNCTION out_of_order()"
        )


def mended_database():
    with database.cursor() as cursor:
        cursor.execute("DROP FUNCTION IF EXISTS out_of_order CASCADE")


@pytest.fixture
def out_of_order():
    yield broken_database
    mended_database()


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
    monkeypatch.setattr("apps.connectors.adapters.vault_calls.TIMEOUT", 0.3)
    server.fail(500, on=house.world.token_path, hang=0.8)

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


def test_its_time_is_over_and_it_says_so(house):
    house.ask_token()
    Issuance.objects.update(asked_at=timezone.now() - timedelta(hours=2), expires_at=timezone.now())

    reconcile()

    assert the_one().state == IssuanceState.EXPIRED
    assert not Issuance.objects.open().exists()
