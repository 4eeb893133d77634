import pytest
from django.urls import reverse

from apps.audit.models import AuditEntry
from apps.issuing.states import IssuanceState
from tests.factories.grants import GrantFactory
from tests.factories.inventory import AgentClientFactory, AgentFactory, BindingFactory
from tests.factories.issuing import IssuanceFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def issued(reviewer):
    agent = AgentFactory(active=True, name="CRM agent", owner=reviewer)
    return IssuanceFactory(client=AgentClientFactory(agent=agent))


def test_the_list_tells_who_was_issued_what_and_narrows_by_a_link(as_steward, issued):
    other = IssuanceFactory()
    address = reverse("issuing:issuance_list")

    whole = as_steward.get(address).text
    of_identity = as_steward.get(address, {"identity": issued.identity.pk}).text
    by_trace = as_steward.get(address, {"q": issued.correlation_id}).text

    assert issued.label in whole
    assert other.label in whole
    assert issued.label in of_identity
    assert other.label not in of_identity
    assert other.label not in by_trace
    assert issued.label in by_trace


@pytest.mark.parametrize("by", ["agent", "identity", "connection", "grant"])
def test_each_record_it_belongs_to_leads_to_it(as_steward, issued, by):
    other = IssuanceFactory()
    grant = GrantFactory(identity=issued.identity)
    issued.cuts.create(grant=grant)
    named = {"grant": grant}.get(by) or getattr(issued, by)

    page = as_steward.get(reverse("issuing:issuance_list"), {by: named.pk}).text

    assert issued.label in page
    assert other.label not in page


def test_the_list_goes_out_as_csv(as_auditor, issued):
    answer = as_auditor.get(reverse("issuing:issuance_list"), {"export": "csv"})

    assert issued.label in b"".join(answer.streaming_content).decode()


def test_its_page_says_how_far_it_can_be_ended_and_what_it_was_cut_from(as_auditor, issued):
    grant = GrantFactory(identity=issued.identity)
    issued.cuts.create(grant=grant)

    page = as_auditor.get(issued.get_absolute_url()).text

    assert "Its lease is revoked: at once." in page
    assert issued.external_id in page
    assert grant.label in page
    assert "An auditor reads and exports" in page


def test_its_owner_ends_it_with_a_reason(as_reviewer, issued, htmx):
    address = reverse("issuing:issuance_end", args=[issued.pk])

    dialog = as_reviewer.get(address, headers=htmx("dialog")).text
    silent = as_reviewer.post(address, {"reason": ""}, headers=htmx("dialog"))
    done = as_reviewer.post(address, {"reason": "Not needed."}, headers=htmx("dialog"))

    assert "Its lease is revoked: at once." in dialog
    assert silent.status_code == 422
    assert (done.status_code, "issuance:changed" in done.headers["HX-Trigger"]) == (204, True)
    issued.refresh_from_db()
    assert (issued.state, issued.end_reason) == (IssuanceState.ENDING, "Not needed.")
    entry = AuditEntry.objects.get(verb="issuing.issuance.ending")
    assert (entry.actor_label, entry.reason) == ("The reviewer", "Not needed.")


def test_a_stranger_neither_sees_nor_ends_it(client, reviewer):
    issued = IssuanceFactory()
    sign_in(client, reviewer)

    listed = client.get(reverse("issuing:issuance_list")).text
    answers = [
        client.get(issued.get_absolute_url()),
        client.post(reverse("issuing:issuance_end", args=[issued.pk]), {"reason": "Mine."}),
        client.get(reverse("issuing:agent_panel", args=[issued.agent.pk])),
    ]

    assert issued.label not in listed
    assert {one.status_code for one in answers} == {404}
    issued.refresh_from_db()
    assert issued.state == IssuanceState.ACTIVE


def test_what_is_over_cannot_be_ended_again(as_steward, issued):
    address = reverse("issuing:issuance_end", args=[issued.pk])
    as_steward.post(address, {"reason": "Not needed."})

    assert as_steward.post(address, {"reason": "Again."}).status_code == 403


def test_the_page_of_the_agent_loads_the_panel(as_steward, issued, htmx):
    panel = reverse("issuing:agent_panel", args=[issued.agent.pk])

    page = as_steward.get(issued.agent.get_absolute_url()).text
    region = as_steward.get(panel, headers=htmx("agent-issued")).text

    assert f'hx-get="{panel}"' in page
    assert "1 may still work" in region
    assert "<html" not in region


def test_identity_and_connection_lead_to_what_was_issued(as_steward, issued):
    identity = as_steward.get(issued.identity.get_absolute_url()).text
    connection = as_steward.get(issued.connection.get_absolute_url()).text

    assert f"?identity={issued.identity.pk}" in identity
    assert f"?connection={issued.connection.pk}" in connection


def test_a_longer_list_costs_no_more_queries(as_steward, django_assert_max_num_queries, issued):
    address = reverse("issuing:issuance_list")
    panel = reverse("issuing:agent_panel", args=[issued.agent.pk])
    as_steward.get(address)
    for _ in range(8):
        binding = BindingFactory(agent=issued.agent)
        IssuanceFactory(client=issued.client, binding=binding)

    with django_assert_max_num_queries(7):
        as_steward.get(address)
    with django_assert_max_num_queries(9):
        as_steward.get(panel)
