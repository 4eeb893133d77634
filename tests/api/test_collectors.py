"""A collector delivers for the agents it is listed for; a token for that alone may live long."""

import json
import re

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse

from apps.activity.headers import Whose
from apps.activity.models import Event, Invocation
from apps.activity.readings import Reading
from apps.api.ingest import senders
from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.inventory import services
from apps.inventory.states import APPEND_TRAIL, READ_REQUESTS
from tests.activity.trails import kept
from tests.factories.inventory import AgentClientFactory, AgentFactory

pytestmark = pytest.mark.django_db

WHY = "It stands between our agents and the trail."
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"


def reading(span, parent="", claims="", trace=TRACE):
    return Reading(
        "step", "x", 1, 1, trace_id=trace, span_id=span, parent_id=parent, claimed_agent=claims
    )


@pytest.fixture
def collector():
    client = AgentClientFactory(scopes=[APPEND_TRAIL])
    client.collects.set([AgentFactory(name="Refunds"), AgentFactory(name="Triage")])
    return client


def names(client, *readings):
    return [whose.agent for _, whose in senders.sender_of_client(client).attributed(readings)]


def test_what_is_claimed_selects_among_the_listed_and_nobody_else(collector):
    AgentFactory(name="Payroll")

    told = names(
        collector,
        reading("a", claims="refunds", trace="1" * 32),
        reading("b", claims="Payroll", trace="2" * 32),
        reading("c", claims=collector.agent.name, trace="3" * 32),
        reading("d", trace="4" * 32),
    )

    assert told == ["Refunds", "", collector.agent.name, ""]


def test_a_record_without_a_claim_is_of_what_it_lies_in(collector):
    told = names(
        collector,
        reading("call", parent="tool"),
        reading("tool", parent="inner"),
        reading("inner", parent="outer", claims="Triage"),
        reading("outer", claims="Refunds"),
        reading("lost", parent="elsewhere"),
        reading("alone", parent="elsewhere", trace="5" * 32),
        reading("root", claims="Triage", trace="5" * 32),
    )

    # What lies in something that is not here is told by all that came, which another knows.
    assert told == ["Triage", "Triage", "Triage", "Refunds", "", "", "Triage"]


def test_parents_in_a_circle_end(collector):
    assert names(collector, reading("a", parent="b"), reading("b", parent="a")) == ["", ""]


def test_an_agents_own_client_delivers_its_own_whatever_is_claimed(collector):
    collector.collects.clear()

    assert names(collector, reading("a", claims="Refunds")) == [collector.agent.name]


def test_each_record_says_who_attested_it(caller, company):
    other = AgentFactory(name="Refunds")
    services.client_change_collects(
        client_id=caller.client.pk,
        agent_ids=[other.pk],
        reason=WHY,
        actor=Person(company.steward),
    )
    record = {"kind": "step", "name": "plan", "started_at": "2026-11-29T10:00:00Z"}

    for agent in ("Refunds", "Somebody else"):
        body = {"records": [record], "agent": agent}
        assert caller.post("invocation_records", TRACE, body=body).status_code == 201

    known, unknown = Event.objects.order_by("leaf_index")
    attested = f"collector {caller.client.pk} ({caller.client.name})"
    assert known.agent_id == other.pk
    assert json.loads(known.header)["whose"] == {
        "agent": "Refunds",
        "agent_id": other.pk,
        "attested_by": attested,
    }
    assert unknown.agent_id is None
    assert json.loads(unknown.header)["whose"] == {"attested_by": attested}
    assert json.loads(unknown.header)["claimed"] == {"agent": "Somebody else"}


def test_a_steward_lists_the_agents_by_name_and_the_record_keeps_it(as_steward, collector):
    address = reverse("console:client_collects", args=[collector.agent_id])

    shown = as_steward.get(address)
    wrong = as_steward.post(address, {"agent_ids": "Refunds\nNobody", "reason": WHY})
    saved = as_steward.post(address, {"agent_ids": "Refunds\n\n", "reason": WHY})

    assert "Refunds\nTriage" in shown.text
    assert (wrong.status_code, "called Nobody" in wrong.text) == (422, True)
    assert saved.status_code == 302
    assert [one.name for one in collector.collects.all()] == ["Refunds"]
    entry = AuditEntry.objects.get(verb="inventory.agentclient.changed")
    assert (entry.reason, entry.target_id) == (WHY, collector.pk)
    page = as_steward.get(collector.agent.get_absolute_url()).text
    assert "Collects for" in page
    assert "Refunds" in page


def test_only_a_steward_does_and_only_for_a_client_that_delivers(steward, collector):
    said = {"agent_ids": [], "reason": WHY}
    with pytest.raises(PermissionDenied):
        services.client_change_collects(
            client_id=collector.pk, actor=Person(collector.agent.owner), **said
        )
    with pytest.raises(PermissionDenied, match="may not deliver"):
        services.client_change_collects(
            client_id=AgentClientFactory().pk, actor=Person(steward), **said
        )
    with pytest.raises(DomainError, match="not here"):
        services.client_change_collects(
            client_id=collector.pk, actor=Person(steward), agent_ids=[10**9], reason=WHY
        )


def test_a_token_that_may_only_append_lives_as_long_as_its_client_was_given(company, signed_up):
    made = services.client_create(
        agent_id=company.agent.pk,
        scopes=[APPEND_TRAIL, READ_REQUESTS],
        token_seconds=86_400,
        reason=WHY,
        actor=Person(company.steward),
    )
    caller = type(signed_up(company, agent=AgentFactory(active=True)))(made.client, made.secret)

    lives = {
        scope: caller.sign_in(scope=scope).json()["expires_in"]
        for scope in (APPEND_TRAIL, READ_REQUESTS, f"{APPEND_TRAIL} {READ_REQUESTS}")
    }

    assert lives == {
        APPEND_TRAIL: 86_400,
        READ_REQUESTS: 900,
        f"{APPEND_TRAIL} {READ_REQUESTS}": 900,
    }


@pytest.mark.parametrize(
    ("scopes", "seconds"),
    [([APPEND_TRAIL], 86_401), ([APPEND_TRAIL], 5), ([READ_REQUESTS], 3600)],
)
def test_no_token_lives_longer_than_a_day_or_for_anything_else(company, scopes, seconds):
    with pytest.raises(DomainError):
        services.client_create(
            agent_id=company.agent.pk,
            scopes=scopes,
            token_seconds=seconds,
            reason=WHY,
            actor=Person(company.steward),
        )


def test_a_run_of_an_unknown_agent_says_who_told_of_it_and_what_to_do(as_steward, collector):
    sender = senders.sender_of_client(collector)
    ((told, whose),) = sender.attributed([reading("a" * 16, claims="Payroll")])
    kept(told, whose=whose)

    page = as_steward.get(Invocation.objects.get().get_absolute_url()).text

    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "Whose run this is is not known. Its telemetry calls itself Payroll" in words
    assert (
        f"It was told by collector {collector.pk} ({collector.name}), which did not collect for an"
        " agent of that name then."
    ) in words
    assert f'href="{reverse("console:client_list")}"' in page


def test_a_run_whose_telemetry_names_no_agent_is_not_said_to_name_another(as_steward, collector):
    whose = Whose(attested_by=f"collector {collector.pk} ({collector.name})")
    kept(reading("a" * 16), whose=whose)

    page = as_steward.get(Invocation.objects.get().get_absolute_url()).text

    words = " ".join(re.sub(r"<[^>]+>", "", page).split())
    assert "Its telemetry names no agent. If it is one of yours" in words
    assert "of that name" not in words
