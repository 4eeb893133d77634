from io import BytesIO

import pytest
from django.urls import reverse

from apps.approvals.models import AccessRequest
from apps.approvals.states import Choice, NoteKind, RequestState
from apps.inventory.states import AgentState
from tests.factories.accounts import SeatFactory, UserFactory
from tests.factories.approvals import AccessRequestFactory
from tests.factories.grants import PermissionFactory
from tests.factories.inventory import AgentFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db

WORDS = "It needs this for its task."


@pytest.fixture
def as_person(client):
    def signed_in(person):
        sign_in(client, person)
        return client

    return signed_in


def act(client, request, name, **data):
    return client.post(reverse(f"approvals:request_{name}", args=[request.pk]), data)


def page(client, request):
    return client.get(request.get_absolute_url()).text


def _listed(client, tab):
    shown = client.get(reverse("approvals:request_tab", args=[tab])).text
    rows = AccessRequest.objects.order_by("pk")
    return [row.pk for row in rows if f'href="{row.get_absolute_url()}"' in shown]


def asking(company):
    args = [company.agent.pk, company.identity.pk, company.write.pk]
    return reverse("approvals:ask_permission", args=args)


def asked_for(company, **changes):
    return {
        "actions": [company.write.key],
        "resources": "*",
        "task": company.task.pk,
        "reason": "Sets the priority of tickets.",
        "days": 30,
        **changes,
    }


def test_each_tab_shows_a_person_what_is_theirs_there(company, policy, as_person):
    waits = company.submit()
    judged = company.submit(actions=[company.write.key], resources=["one"])
    company.vote(judged, company.manager)

    client = as_person(company.manager)
    listed = {tab: _listed(client, tab) for tab in ("waiting", "asked", "judged", "all")}

    assert listed == {
        "waiting": [waits.pk],
        "asked": [],
        "judged": [judged.pk],
        "all": [waits.pk, judged.pk],
    }


def test_a_tab_that_there_is_not_does_not_exist(as_steward):
    assert as_steward.get("/approvals/show/everything/").status_code == 404


def test_the_catalogue_finds_by_words_and_says_how_many_hold_it(company, as_person):
    ask = reverse("approvals:ask_agent", args=[company.agent.pk])

    found = as_person(company.owner).get(ask, {"q": "customers upd"}).text

    assert company.write.key in found
    assert company.read.key not in found
    assert asking(company) in found


def test_asking_leads_to_the_request(company, policy, as_person):
    answer = as_person(company.owner).post(asking(company), asked_for(company))

    request = AccessRequest.objects.get()
    assert answer["Location"] == request.get_absolute_url()
    assert (request.state, request.asked_by) == (RequestState.PENDING, company.owner)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"reason": "short"}, "at least 10 characters"),
        ({"actions": []}, "Choose at least one permission."),
        ({"task": ""}, "This field is required."),
        ({"days": ""}, "This field is required."),
        ({"days": 91}, "lasts at most 90 days"),
    ],
)
def test_what_is_wrong_with_an_ask_is_said_on_the_form(company, policy, as_person, changes, says):
    answer = as_person(company.owner).post(asking(company), asked_for(company, **changes))

    assert answer.status_code == 422
    assert says in answer.text
    assert not AccessRequest.objects.exists()


def test_asking_twice_for_the_same_joins_the_open_request(company, policy, as_person):
    request = company.submit()

    answer = as_person(company.steward).post(asking(company), asked_for(company))

    assert answer["Location"] == request.get_absolute_url()
    assert AccessRequest.objects.count() == 1
    assert request.notes.get().kind == NoteKind.JOINED


def test_the_dossier_leads_to_asking_or_says_why_not(company, as_person):
    ask = reverse("approvals:ask_agent", args=[company.agent.pk])
    retired = AgentFactory(state=AgentState.RETIRED, owner=company.owner)

    client = as_person(company.owner)
    able = client.get(company.agent.get_absolute_url()).text
    unable = client.get(retired.get_absolute_url()).text

    assert f'href="{ask}"' in able
    assert reverse("approvals:ask_agent", args=[retired.pk]) not in unable
    assert "it is given nothing new" in unable


def test_an_approver_sees_the_choices_and_the_asker_sees_why_not(company, policy, as_person):
    request = company.submit()
    approve = reverse("approvals:request_approve", args=[request.pk])

    for_approver = page(as_person(company.manager), request)
    for_asker = page(as_person(company.owner), request)

    assert approve in for_approver
    assert "Your step: Need." in for_approver
    assert approve not in for_asker
    assert "You asked for this, so someone else must judge it." in for_asker


def test_a_request_does_not_exist_for_a_stranger_and_an_auditor_reads_it(
    company, policy, as_person
):
    request = company.submit()
    address = request.get_absolute_url()

    assert as_person(UserFactory()).get(address).status_code == 404
    auditor = as_person(SeatFactory().user)
    assert "An auditor reads and exports" in auditor.get(address).text
    assert act(auditor, request, "approve").status_code == 403


def test_approving_for_less_takes_the_rest_off_the_table(company, policy, as_person):
    more = PermissionFactory(key="customers:Merge", level="write")
    request = company.submit(actions=[company.write.key, more.key])

    answer = act(
        as_person(company.manager),
        request,
        "approve",
        seen=request.digest,
        reason=WORDS,
        actions=[company.write.key],
        resources="*",
        days=7,
    )

    request.refresh_from_db()
    assert answer["Location"] == request.get_absolute_url()
    assert (request.actions, request.days, request.step_at) == ([company.write.key], 7, 2)
    told = page(as_person(company.system_owner), request)
    assert "taken away by an approver" in told
    assert "asked for: 30" in told


def test_what_was_looked_at_is_what_is_approved(company, policy, as_person):
    request = company.submit()
    data = {"reason": WORDS, "actions": request.actions, "resources": "*", "days": 30}

    answer = act(as_person(company.manager), request, "approve", seen="0" * 64, **data)

    assert answer.status_code == 422
    assert "Look again" in answer.text
    assert not request.votes.exists()


def test_denying_ends_it_with_words_that_the_asker_reads(company, policy, as_person):
    request = company.submit()

    act(
        as_person(company.manager), request, "deny", seen=request.digest, reason="Not by a machine."
    )

    request.refresh_from_db()
    assert request.state == RequestState.DENIED
    assert "Not by a machine." in page(as_person(company.owner), request)


def test_a_question_is_answered_where_it_was_asked(company, policy, as_person):
    request = company.submit()

    act(as_person(company.manager), request, "question", text="Why every day?")
    question = request.notes.get()
    answer = reverse("approvals:request_answer", args=[request.pk, question.pk])
    for_asker = page(as_person(company.owner), request)
    as_person(company.owner).post(answer, {"text": "Tickets come every day."})

    assert answer in for_asker
    told = page(as_person(company.manager), request)
    assert "Why every day?" in told
    assert "Tickets come every day." in told


def test_who_asked_cancels_and_nobody_judges_it_any_more(company, policy, as_person):
    request = company.submit()

    act(as_person(company.owner), request, "cancel", reason="Another agent does it.")

    request.refresh_from_db()
    assert request.state == RequestState.CANCELLED
    assert act(as_person(company.manager), request, "approve").status_code == 403


def test_approved_access_is_put_in_place_with_proof(company, policy, as_person):
    request = company.submit()
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person)
    client = as_person(company.system_owner)
    to_place = reverse("approvals:request_tab", args=["to-place"])

    assert request.get_absolute_url() in client.get(to_place).text
    without = act(client, request, "provision", proof="")
    act(client, request, "provision", file=_file())

    request.refresh_from_db()
    assert without.status_code == 422
    assert "attach a file" in without.text
    assert request.state == RequestState.PROVISIONED
    assert request.proofs.get().file_name == "role.txt"
    assert "In place since" in page(client, request)
    panel = reverse("approvals:about_panel", args=["grant", request.grant_id])
    assert request.get_absolute_url() not in client.get(to_place).text
    assert request.get_absolute_url() in as_person(company.owner).get(panel).text


def _file():
    file = BytesIO(b"customers:Update")
    file.name = "role.txt"
    return file


def test_the_pages_of_what_it_concerns_lead_to_a_request(company, policy, as_person):
    request = company.submit()
    client = as_person(company.steward)

    for what, subject in (("agent", company.agent), ("system", company.system)):
        panel = reverse("approvals:about_panel", args=[what, subject.pk])
        assert panel in client.get(subject.get_absolute_url()).text
        assert request.get_absolute_url() in client.get(panel).text
    assert client.get(reverse("approvals:about_panel", args=["team", 1])).status_code == 404


def test_home_and_the_navigation_count_what_waits_for_the_approver_alone(
    company, policy, as_person
):
    company.submit()

    def told(person):
        client = as_person(person)
        counts = client.get(reverse("console:nav_counts")).text
        return [
            "1 request to approve or deny" in client.get(reverse("console:home")).text,
            '1<span class="visually-hidden"> to approve or deny</span>' in counts,
        ]

    assert told(company.manager) == [True, True]
    assert told(company.system_owner) == [False, False]


def test_home_asks_the_systems_owner_to_put_in_place_what_is_approved(company, policy, as_person):
    request = company.submit()
    for person in (company.manager, company.system_owner, company.security):
        company.vote(request, person)

    assert "to put in place" in as_person(company.system_owner).get(reverse("console:home")).text
    assert "to put in place" not in as_person(company.owner).get(reverse("console:home")).text


def test_the_list_costs_the_same_however_many_rows(as_steward, django_assert_max_num_queries):
    AccessRequestFactory.create_batch(12, pending=True)

    with django_assert_max_num_queries(8):
        assert as_steward.get(reverse("approvals:request_list")).status_code == 200


def test_a_request_costs_the_same_however_many_judge_and_ask(
    company, policy, as_person, django_assert_max_num_queries
):
    request = company.submit()
    for at in range(6):
        AccessRequestFactory(agent=company.agent, state=RequestState.DENIED, service=f"s{at}")
    company.vote(request, company.manager)
    client = as_person(company.system_owner)
    for at in range(6):
        act(client, request, "question", text=f"And what of {at}?")

    with django_assert_max_num_queries(36):
        assert "And what of 5?" in page(client, request)


def test_a_vote_of_an_earlier_round_is_told_and_no_longer_counts(company, policy, as_person):
    request = company.submit()
    company.vote(request, company.manager, Choice.APPROVE)
    AccessRequest.objects.filter(pk=request.pk).update(round=2, step_at=1)

    told = page(as_person(company.manager), request)

    assert "judged anew (round 2)" in told
    assert "Your step: Need." in told
