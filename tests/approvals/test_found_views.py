"""Pages on which one sees that no request explains access, and what to do about it."""

import pytest
from django.urls import reverse

from apps.approvals.models import AccessRequest
from apps.findings.models import Finding
from apps.findings.services import findings_recheck
from apps.remediation.models import Order
from tests.approvals.conftest import PATTERN, brought
from tests.factories.approvals import AccessRequestFactory, PolicyFactory
from tests.factories.grants import GrantFactory, PermissionFactory
from tests.factories.inventory import AgentFactory, BindingFactory, TaskFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

WORDS = "It tests what it proposes by running it."
TRY = "/approvals/policies/try/"


@pytest.fixture
def as_person(client):
    def signed_in(person):
        sign_in(client, person)
        return client

    return signed_in


def panel(client, grant):
    return client.get(reverse("approvals:about_panel", args=["grant", grant.pk])).text


def ask_url(grant):
    return reverse("approvals:found_ask", args=[grant.pk])


def remove_url(grant):
    return reverse("approvals:found_remove", args=[grant.pk])


class TestTheWaysOut:
    def test_the_pages_of_finding_and_grant_lead_to_both(self, company, found, as_person, system):
        findings_recheck(actor=system, rules=["grant-unrequested"])
        client = as_person(company.owner)

        shown = panel(client, found)

        about = reverse("approvals:about_panel", args=["grant", found.pk])
        for page in (Finding.objects.get(), found):
            assert about in client.get(page.get_absolute_url()).text
        assert "No request explains it" in shown
        assert ask_url(found) in shown
        assert remove_url(found) in shown

    def test_an_auditor_reads_why_not(self, found, as_auditor):
        shown = panel(as_auditor, found)

        assert ask_url(found) not in shown
        assert remove_url(found) not in shown
        assert "An auditor reads and exports" in shown

    def test_what_is_explained_or_for_reading_offers_nothing(self, company, found, as_person):
        AccessRequestFactory(in_place=True, grant=found, identity=found.identity)
        reading = GrantFactory(identity=company.identity, read=True)
        client = as_person(company.owner)

        for grant in (found, reading):
            assert ask_url(grant) not in panel(client, grant)
            assert remove_url(grant) not in panel(client, grant)

    def test_where_no_agent_acts_as_it_only_its_removal_is_offered(self, readings, as_steward):
        grant = brought(readings[1])

        shown = panel(as_steward, grant)

        assert ask_url(grant) not in shown
        assert "No agent that you answer for acts as its identity." in shown
        assert remove_url(grant) in shown

    def test_the_systems_owner_reaches_the_removal_alone(self, company, found, as_person, htmx):
        client = as_person(company.system_owner)

        shown = panel(client, found)
        client.post(remove_url(found), {"reason": WORDS}, headers=htmx("dialog"))

        assert ask_url(found) not in shown
        assert remove_url(found) in shown
        assert Order.objects.get().decided_by == company.system_owner

    def test_the_panel_costs_the_same_however_much_there_is(
        self, company, found, as_person, django_assert_max_num_queries
    ):
        client = as_person(company.owner)
        for _ in range(5):
            AccessRequestFactory(identity=found.identity, agent=company.agent)
            BindingFactory(
                identity=found.identity, agent=AgentFactory(active=True, owner=company.owner)
            )
        panel(client, found)

        with django_assert_max_num_queries(16):
            panel(client, found)


class TestAsking:
    def test_the_form_comes_filled_in_but_for_the_reason(self, company, policy, found, as_person):
        form = as_person(company.owner).get(ask_url(found)).text

        assert f'value="{PATTERN}"' in form
        assert "customer/1\ncustomer/2</textarea>" in form
        assert 'value="90"' in form
        assert "1 of Team manager: Manager" in " ".join(form.split())

    def test_it_leads_to_a_request_that_says_that_it_is_there(
        self, company, policy, found, as_person
    ):
        client = as_person(company.owner)
        data = {
            "actions": [PATTERN],
            "resources": "customer/1",
            "task": company.task.pk,
            "days": 30,
            "reason": WORDS,
        }

        without = client.post(ask_url(found), {**data, "reason": ""})
        answer = client.post(ask_url(found), data)

        request = AccessRequest.objects.get()
        assert (without.status_code, answer["Location"]) == (422, request.get_absolute_url())
        assert (request.kind, request.grant, request.actions) == ("found", found, [PATTERN])
        told = as_person(company.manager).get(request.get_absolute_url()).text
        assert "It is there already, and nobody had asked for it" in told
        assert PATTERN in told
        assert "as its source writes it" in told

    def test_of_several_agents_the_asker_chooses(self, company, policy, found, as_person):
        other = AgentFactory(name="second-agent", active=True, owner=company.owner)
        BindingFactory(identity=found.identity, agent=other)
        task = TaskFactory(agent=other)
        client = as_person(company.owner)
        url = f"{ask_url(found)}?agent={other.pk}"

        assert url in client.get(ask_url(found)).text
        client.post(
            url,
            {
                "actions": [PATTERN],
                "resources": "customer/1",
                "task": task.pk,
                "days": 30,
                "reason": WORDS,
            },
        )

        assert AccessRequest.objects.get().agent == other

    def test_its_removal_is_ordered_in_a_dialog(self, company, found, as_person, htmx):
        client = as_person(company.owner)

        short = client.post(remove_url(found), {"reason": "no"}, headers=htmx("dialog"))
        done = client.post(remove_url(found), {"reason": WORDS}, headers=htmx("dialog"))

        assert (short.status_code, done.status_code) == (422, 204)
        assert Order.objects.get().grant == found
        assert "Its removal is ordered already." in panel(client, found)


class TestWhoWouldBeAsked:
    def ask(self, company):
        pks = [company.agent.pk, company.identity.pk, company.write.pk]
        return reverse("approvals:ask_permission", args=pks)

    def test_the_form_says_beforehand_which_policy_applies_and_who_is_asked(
        self, company, policy, as_person
    ):
        shown = " ".join(as_person(company.owner).get(self.ask(company)).text.split())

        assert policy.get_absolute_url() in shown
        assert "1 of Team manager: Manager" in shown

    def test_whoever_asks_is_not_asked(self, company, policy, as_person):
        shown = as_person(company.manager).get(self.ask(company)).text

        assert "nobody who may" in shown
        assert "Not enough different people may approve it" in shown

    def test_what_is_ticked_besides_may_meet_another_policy(self, company, policy, as_person, htmx):
        also = PermissionFactory(key="customers:Refund", level="write", tags=["spends"])
        strict = PolicyFactory(name="Money", position=0, match={"tags": ["spends"]})
        client = as_person(company.owner)

        before = client.get(self.ask(company)).text
        after = client.get(
            self.ask(company),
            {"actions": [company.write.key, also.key]},
            headers=htmx("who-would-be-asked"),
        ).text

        assert strict.get_absolute_url() not in before
        assert strict.get_absolute_url() in after
        assert "<form" not in after


class TestTryingIt:
    def test_the_catalogue_is_searched_by_words(self, company, policy, as_steward, htmx):
        data = {"agent": company.agent.pk, "system": company.system.pk}

        everything = as_steward.get(TRY, {**data, "q": ""}).text
        shown = as_steward.get(TRY, {**data, "q": "update"}, headers=htmx("permissions-found")).text
        nothing = as_steward.get(TRY, {**data, "q": "unheard of"}).text

        assert company.read.key in everything
        assert company.write.key in shown
        assert company.read.key not in shown
        assert "permission=customers%3AUpdate" in shown
        assert "Nothing matches" in nothing

    def test_it_asks_for_an_agent_and_a_system_first(self, as_steward):
        assert "Choose an agent and a system" in as_steward.get(TRY).text

    def test_the_search_costs_the_same_however_many_match(
        self, company, policy, as_steward, django_assert_max_num_queries
    ):
        data = {
            "agent": company.agent.pk,
            "system": company.system.pk,
            "permission": "customers:Get",
        }
        for _ in range(20):
            PermissionFactory()
        as_steward.get(TRY, data)

        with django_assert_max_num_queries(24):
            as_steward.get(TRY, data)
