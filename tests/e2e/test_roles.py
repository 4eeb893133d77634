"""The same running campaign, opened as everybody who may, and may not."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import expect

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.inventory.models import SeatSystem
from apps.reviews.models import Decision, ItemNote
from tests.e2e.campaigns import dispositions_on
from tests.factories.accounts import SeatFactory, TeamFactory
from tests.factories.inventory import AgentFactory, SystemFactory
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

pytestmark = [pytest.mark.e2e, pytest.mark.django_db(transaction=True)]

NEEDED = "It closes the tickets that it has answered."


@pytest.fixture
def campaign(steward):
    """Five items: three of one manager, one of them decided, and two of another."""
    made = CampaignFactory(running=True, run_by=steward, population_count=5)
    triage = AgentFactory(active=True, name="support-triage")
    decided = ReviewItemFactory(campaign=made, agent=triage, state="decided")
    DecisionFactory(item=decided)
    ReviewItemFactory.create_batch(2, campaign=made, agent=triage)
    stock = AgentFactory(active=True, name="stock-keeper")
    ReviewItemFactory.create_batch(2, campaign=made, agent=stock)
    return made


def items_of(campaign, agent):
    return campaign.items.filter(agent__name=agent).order_by("pk")


def paths_of(campaign):
    """Pages of the campaign, and of an item of the other manager's."""
    item = items_of(campaign, "stock-keeper").first()
    return {
        "campaign": campaign.get_absolute_url(),
        "items": reverse("reviews:campaign_items", args=[campaign.pk]),
        "item": item.get_absolute_url(),
        "bench": reverse("reviews:bench", args=[campaign.pk]),
        "end": reverse("reviews:campaign_decide", args=[campaign.pk]),
        "export": reverse("evidence:package_create", args=[campaign.pk]),
    }


def statuses(visitor, campaign):
    return {name: visitor.status_of(path) for name, path in paths_of(campaign).items()}


def offered(visitor):
    """What the page of the campaign lets somebody do."""
    known = ("Remind now…", "End early…", "Cancel…", "Export evidence", "Decide your")
    acts = visitor.page.locator("#campaign-summary :is(a.btn, button.btn)").all_inner_texts()
    return [name for name in known if any(act.strip().startswith(name) for act in acts)]


def listed(visitor, campaign):
    visitor.open(paths_of(campaign)["items"])
    return sorted(visitor.page.locator("tbody td:first-child a").all_inner_texts())


def labels(items):
    return sorted(item.label for item in items)


def test_the_steward_who_runs_it_sees_all_of_it_and_may_end_it(visit, steward, campaign):
    visitor = visit(steward)

    visitor.open(campaign.get_absolute_url())

    assert offered(visitor) == ["Remind now…", "End early…", "Cancel…", "Export evidence"]
    assert dispositions_on(visitor) == ({"Not ended yet": 5}, 5)
    reviewers = visitor.page.locator(".card", has_text="By reviewer").locator("td:last-child")
    assert sorted(map(int, reviewers.all_inner_texts())) == [2, 2]
    assert listed(visitor, campaign) == labels(campaign.items.all())
    visitor.open(paths_of(campaign)["item"])
    expect(visitor.page.get_by_text("This item is assigned to someone else.")).to_be_visible()


def test_a_manager_sees_their_own_items_and_decides_them(visit, campaign):
    mine = items_of(campaign, "support-triage")
    visitor = visit(mine[0].reviewer)

    visitor.open(campaign.get_absolute_url())

    assert offered(visitor) == ["Decide your"]
    expect(visitor.page.get_by_text("By reviewer")).to_have_count(0)
    assert statuses(visitor, campaign) == {
        "campaign": 200,
        "items": 200,
        "item": 404,
        "bench": 302,
        "end": 403,
        "export": 403,
    }
    assert listed(visitor, campaign) == labels(mine)
    visitor.open(campaign.get_absolute_url())
    visitor.follow("Decide your 2")
    expect(visitor.page.locator("[data-item]")).to_have_count(3)
    expect(visitor.page.locator("form.choice")).to_have_count(2)


def test_a_manager_without_items_finds_nothing(visit, campaign):
    visitor = visit(TeamFactory().manager)

    visitor.open("/reviews/")

    expect(visitor.page.get_by_text("No reviews yet")).to_be_visible()
    assert statuses(visitor, campaign) == {
        "campaign": 404,
        "items": 404,
        "item": 404,
        "bench": 404,
        "end": 403,
        "export": 403,
    }


def test_an_auditor_reads_all_of_it_and_changes_nothing(visit, auditor, campaign):
    visitor = visit(auditor)

    visitor.open(campaign.get_absolute_url())

    assert offered(visitor) == ["Remind now…", "End early…", "Export evidence"]
    expect(visitor.page.locator("#campaign-summary a.btn")).to_have_count(0)
    expect(visitor.page.get_by_text("Only a steward runs reviews.").first).to_be_visible()
    assert dispositions_on(visitor) == ({"Not ended yet": 5}, 5)
    assert listed(visitor, campaign) == labels(campaign.items.all())
    assert statuses(visitor, campaign) == {
        "campaign": 200,
        "items": 200,
        "item": 200,
        "bench": 403,
        "end": 403,
        "export": 200,
    }
    told = AuditEntry.objects.filter(verb=Verb.PAGE_OPENED, actor=auditor)
    assert told.filter(changes__page=[None, campaign.get_absolute_url()]).exists()


def test_an_auditor_of_another_system_sees_that_it_was_held_and_no_item(visit, campaign):
    seat = SeatFactory(limited_to_systems=True)
    SeatSystem.objects.create(seat=seat, system=SystemFactory())
    visitor = visit(seat.user)

    visitor.open(campaign.get_absolute_url())

    assert offered(visitor) == []
    expect(visitor.page.get_by_text("How items ended")).to_have_count(0)
    assert listed(visitor, campaign) == []
    assert statuses(visitor, campaign)["item"] == 404


@pytest.mark.parametrize(
    ("seat", "status"),
    [({"period_until": -90}, 404), ({"ends_on": -1}, 403)],
    ids=["another period", "an ended seat"],
)
def test_an_auditor_out_of_their_seat_finds_nothing(visit, campaign, seat, status):
    today = timezone.localdate()
    dates = {name: today + timedelta(days=days) for name, days in seat.items()}
    visitor = visit(SeatFactory(**dates).user)

    found = statuses(visitor, campaign)

    assert [found[page] for page in ("campaign", "items", "item")] == [status] * 3


def test_the_owner_attests_the_need_and_decides_nothing(visit, campaign):
    mine = items_of(campaign, "support-triage")
    visitor = visit(mine[0].attester)

    visitor.open(campaign.get_absolute_url())
    assert offered(visitor) == []
    visitor.follow("2 items ask for your word as owner")
    page = visitor.page
    page.get_by_role("link", name="Attest the need").first.click()
    page.get_by_label("Why the agent needs this").fill(NEEDED)
    page.locator("#dialog").get_by_role("button", name="Attest").click()
    expect(page.locator("#dialog")).to_be_hidden()
    visitor.open(paths_of(campaign)["bench"])

    expect(page.get_by_role("heading", level=1)).to_have_text("Nothing waits for you")
    note = ItemNote.objects.get(kind="attestation")
    assert (note.text, note.author) == (NEEDED, mine[0].attester)
    assert Decision.objects.count() == 1
    assert statuses(visitor, campaign)["item"] == 404
