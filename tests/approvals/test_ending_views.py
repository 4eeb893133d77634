"""Pages on which one sees when access ends, asks that it goes on, or gives it back."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.approvals import tasks
from apps.approvals.models import AccessRequest
from apps.approvals.states import RequestKind
from apps.grants.models import Grant
from apps.remediation.models import Order
from tests.factories.accounts import UserFactory
from tests.factories.approvals import AccessRequestFactory, ProposalFactory
from tests.factories.grants import GrantFactory, GrantStatementFactory
from tests.factories.remediation import OrderFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

WORDS = "The season begins next month."


@pytest.fixture
def as_person(client):
    def signed_in(person):
        sign_in(client, person)
        return client

    return signed_in


def panel(client, grant):
    return client.get(reverse("approvals:ends_panel", args=[grant.pk])).text


def renew_url(request):
    return reverse("approvals:request_renew", args=[request.pk])


def test_the_pages_of_request_and_grant_say_when_it_ends_and_who_was_told(
    company, policy, as_person
):
    request = company.place(days=30, days_ago=20)
    tasks.tell_of_ends()

    client = as_person(company.owner)
    for shown in (client.get(request.get_absolute_url()).text, panel(client, request.grant)):
        assert f"{request.access_ends_at:%-d %b %Y, %H:%M:%S}" in shown
        assert "Owner, " in shown
        assert "Ends in 10 days" in shown
        assert renew_url(request) in shown
    assert (
        reverse("approvals:ends_panel", args=[request.grant_id])
        in client.get(request.grant.get_absolute_url()).text
    )


def test_an_open_removal_is_told_on_the_grants_page_and_the_requests(company, policy, as_person):
    request = company.place(days=30, days_ago=31)
    tasks.end_access()
    order = Order.objects.get()

    client = as_person(company.owner)

    for shown in (client.get(request.get_absolute_url()).text, panel(client, request.grant)):
        assert order.get_absolute_url() in shown
        assert "Until that is seen, the access is in force." in shown


def test_a_grant_without_an_end_says_so_and_tells_of_its_removal(as_steward):
    order = OrderFactory(waiting=True)

    shown = panel(as_steward, order.grant)

    assert "No end is set." in shown
    assert order.get_absolute_url() in shown


def test_the_renewal_comes_filled_in_but_for_the_reason(company, policy, as_person):
    request = company.place(days=20, resources=["customer-1"])

    form = as_person(company.owner).get(renew_url(request)).text

    assert f'value="{company.write.key}"' in form
    assert "checked" in form
    assert "customer-1</textarea>" in form
    assert 'value="20"' in form
    assert request.reason not in form


def test_asking_for_the_renewal_leads_to_a_request_of_its_own(company, policy, as_person):
    request = company.place(days=20)
    client = as_person(company.owner)
    data = {
        "actions": request.actions,
        "resources": "*",
        "task": request.task_id,
        "days": 30,
        "reason": WORDS,
    }

    without = client.post(renew_url(request), {**data, "reason": ""})
    answer = client.post(renew_url(request), data)

    renewal = AccessRequest.objects.get(kind=RequestKind.RENEWAL)
    assert (without.status_code, answer["Location"]) == (422, renewal.get_absolute_url())
    assert (renewal.renews, renewal.reason) == (request, WORDS)
    shown = client.get(request.get_absolute_url()).text
    assert renewal.get_absolute_url() in shown
    assert renew_url(request) not in shown
    told = as_person(company.manager).get(renewal.get_absolute_url()).text
    assert f"request {request.pk}" in told
    assert "How it is used" in told
    assert "<div>Not known.</div>" in told


def test_a_grant_to_which_no_request_led_is_renewed_for_the_agent_that_holds_it(
    company, policy, as_person
):
    grant = GrantFactory(
        identity=company.identity,
        service="customers",
        expires_at=timezone.now() + timedelta(days=9),
    )
    GrantStatementFactory(grant=grant, actions=[company.write.key])
    url = reverse("approvals:grant_renew", args=[grant.pk])
    client = as_person(company.owner)

    assert url in panel(client, grant)
    client.post(
        url,
        {
            "actions": [company.write.key],
            "resources": "*",
            "task": company.task.pk,
            "days": 30,
            "reason": WORDS,
        },
    )

    renewal = AccessRequest.objects.get()
    assert (renewal.agent, renewal.grant, renewal.renews) == (company.agent, grant, None)
    assert renewal.get_absolute_url() in panel(client, grant)


def test_a_grant_of_no_agent_says_why_nobody_renews_it(as_steward):
    grant = GrantFactory(expires_at=timezone.now() + timedelta(days=9))

    assert "No agent that you answer for acts as its identity." in panel(as_steward, grant)
    answer = as_steward.get(reverse("approvals:grant_renew", args=[grant.pk]))
    assert answer.status_code == 403


def test_over_it_says_since_when_and_offers_no_renewal(company, policy, as_person):
    request = company.place(days=30, days_ago=31)
    Grant.objects.update(gone_at=timezone.now())
    tasks.end_access()

    shown = as_person(company.owner).get(request.get_absolute_url()).text

    assert "Over since" in shown
    assert "Ask for it anew." in shown
    assert as_person(company.owner).get(renew_url(request)).status_code == 403


@pytest.fixture
def proposal(company, policy):
    return ProposalFactory(request=company.place(days=60, days_ago=31))


def test_a_proposal_stands_with_the_measured_use_where_it_is_known(proposal, company, as_person):
    client = as_person(company.owner)
    url = proposal.request.get_absolute_url()

    assert "not known, no source tells" in client.get(url).text
    used = timezone.now() - timedelta(days=40)
    Grant.objects.update(use_is_known=True, last_used_at=used)
    for shown in (client.get(url).text, panel(client, proposal.request.grant)):
        assert f"{used:%-d %b %Y, %H:%M:%S}" in shown
        assert "as its source tells" in shown
        assert "Order its removal…" in shown


def test_an_approver_reads_the_proposal_and_not_its_acts(proposal, company, as_person):
    shown = as_person(company.manager).get(proposal.request.get_absolute_url()).text

    assert "Proposed" in shown
    assert "Order its removal…" not in shown
    assert "an owner of the agent, or a steward answers." in shown


@pytest.mark.parametrize(("act", "state"), [("keep", "kept"), ("order", "ordered")])
def test_a_word_on_it_is_said_in_a_dialog(proposal, as_person, htmx, act, state):
    url = reverse(f"approvals:proposal_{act}", args=[proposal.pk])
    client = as_person(proposal.request.agent.owner)

    short = client.post(url, {"reason": "no"}, headers=htmx("dialog"))
    done = client.post(url, {"reason": WORDS}, headers=htmx("dialog"))

    proposal.refresh_from_db()
    assert (short.status_code, done.status_code, proposal.state) == (422, 204, state)
    assert Order.objects.count() == (act == "order")


def test_those_who_may_answer_find_it_on_home_and_under_its_tab(proposal, company, as_person):
    tab = reverse("approvals:request_tab", args=["unused"])
    AccessRequestFactory(in_place=True, agent=company.agent, asked_by=company.owner)

    def found(person):
        client = as_person(person)
        home = client.get(reverse("console:home")).text
        listed = client.get(tab).text
        return [
            "1 approved access to keep or remove" in home,
            proposal.request.get_absolute_url() in listed,
        ]

    assert found(company.owner) == [True, True]
    assert found(company.steward) == [True, True]
    assert found(company.manager) == [False, False]
    Grant.objects.update(use_is_known=True, last_used_at=timezone.now())
    tasks.propose_removals()
    assert found(company.owner) == [False, False]


def test_the_panel_costs_the_same_however_much_was_told(
    company, policy, as_person, django_assert_max_num_queries
):
    request = company.place(days=30, days_ago=29)
    for at in range(5):
        OrderFactory(grant=request.grant, waiting=True, kind="narrow", label=f"Part {at}")
    tasks.tell_of_ends()
    client = as_person(UserFactory(steward=True))
    panel(client, request.grant)

    with django_assert_max_num_queries(14):
        panel(client, request.grant)
