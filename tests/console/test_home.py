import pytest
from django.urls import reverse
from django.utils import timezone

from apps.reviews.states import Disposition
from tests.factories.findings import FindingFactory
from tests.factories.inventory import AgentFactory, BindingFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


def test_an_auditors_home_leads_to_the_items_each_figure_counts(as_auditor):
    campaign = CampaignFactory(closed=True, population_count=3)
    kept = ReviewItemFactory(campaign=campaign, disposition=Disposition.KEPT)
    unanswered = [
        ReviewItemFactory(campaign=campaign, disposition=disposition)
        for disposition in (Disposition.UNCERTIFIED, Disposition.WITHDRAWN)
    ]
    items = reverse("reviews:campaign_items", args=[campaign.pk])

    home = as_auditor.get(reverse("console:home")).text

    assert f'<a href="{items}?disposition=kept">1</a>' in home
    query = "disposition=uncertified&disposition=suspended&disposition=withdrawn"
    assert f'<a href="{items}?{query.replace("&", "&amp;")}">2</a>' in home
    listed = as_auditor.get(f"{items}?{query}").text
    assert all(item.label in listed for item in unanswered)
    assert kept.label not in listed


def test_a_fresh_install_says_where_to_begin_and_claims_nothing(as_steward):
    home = as_steward.get(reverse("console:home")).text

    assert "Begin here" in home
    assert reverse("connectors:sync_upload") in home
    assert "nothing has been read yet" in home


def test_once_something_is_known_home_no_longer_says_where_to_begin(as_steward):
    AgentFactory()

    home = as_steward.get(reverse("console:home")).text

    assert "Begin here" not in home
    assert "nothing has been read yet" not in home


def test_an_empty_list_leads_those_who_may_to_where_it_is_filled(as_steward, client, reviewer):
    listed = reverse("inventory:credential_list")
    upload = reverse("connectors:sync_upload")

    for_steward = as_steward.get(listed).text
    sign_in(client, reviewer)
    for_reviewer = client.get(listed).text

    assert upload in for_steward
    assert upload not in for_reviewer


@pytest.mark.parametrize("who", ["steward", "reviewer"])
def test_a_count_in_the_navigation_says_what_it_counts(client, request, who):
    person = request.getfixturevalue(who)
    ReviewItemFactory(reviewer=person)
    sign_in(client, person)

    counts = client.get(reverse("console:nav_counts")).text

    assert '1<span class="visually-hidden"> to decide</span>' in counts


def test_the_fifth_question_counts_who_shares_what_cannot_be_told_apart(as_steward):
    one = BindingFactory(agent__trail_connected=True)
    other = BindingFactory(agent__trail_connected=True, identity=one.identity)
    over = BindingFactory(
        agent__trail_connected=True, identity=one.identity, ended_at=timezone.now()
    )
    FindingFactory(
        rule="identity-attribution-lost", subject_type="inventory.identity",
        subject_id=one.identity_id, subject_label="shared", agent=None,
    )  # fmt: skip

    question = as_steward.get(reverse("console:home")).context["questions"][4]
    page = as_steward.get(question.href).text

    assert question.count.value == 2
    assert one.agent.name in page
    assert other.agent.name in page
    assert over.agent.name not in page


@pytest.mark.parametrize("rule", ["identity-unexplained", "agent-unconfirmed"])
def test_the_fifth_question_counts_whose_activity_is_not_explained(as_steward, rule):
    told = AgentFactory(name="told-all", trail_connected=True)
    silent = AgentFactory(name="not-connected")
    odd = AgentFactory(name="odd-one", trail_connected=True)
    FindingFactory(rule=rule, agent=odd)
    FindingFactory(rule="credential-shared", agent=told)

    question = as_steward.get(reverse("console:home")).context["questions"][4]
    page = as_steward.get(question.href).text

    assert question.count.value == 2
    assert silent.name in page
    assert odd.name in page
    assert told.name not in page
    assert reverse("activity:reconstruction_detail", args=[odd.pk]) in page
