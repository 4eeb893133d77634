from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import System
from apps.reviews.selectors.progress import burn_down, by_reviewer
from apps.reviews.services.reconciling import campaign_reconcile
from apps.reviews.states import ItemState
from tests.factories.grants import GrantFactory
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)
LEFT_OUT = (ItemState.EXCLUDED, ItemState.CARRIED)


def item_of(campaign, **values):
    return ReviewItemFactory(campaign=campaign, frozen={"content_sha256": ""}, **values)


@pytest.fixture
def campaign():
    """Launched three days ago: four asked about, of which one is decided and one gone."""
    campaign = CampaignFactory(
        running=True, population_count=6, launched_at=timezone.now() - 3 * DAY
    )
    for state in LEFT_OUT:
        item_of(campaign, state=state, disposition=state)
    old = item_of(campaign, state=ItemState.SUPERSEDED)
    DecisionFactory(item=old)
    item_of(campaign, supersedes=old)
    item_of(campaign)
    decided = item_of(campaign, state=ItemState.DECIDED)
    DecisionFactory(item=decided, decided_at=timezone.now() - 2 * DAY)
    item_of(campaign, grant=GrantFactory(gone_at=timezone.now()))
    campaign_reconcile(campaign_id=campaign.pk, actor=System("test"))
    return campaign


def test_the_burn_down_ends_at_what_is_open_now(campaign):
    chart = burn_down(campaign)

    opened = chart["series"][0]["values"]
    assert chart["title"] == "Open items, of 4 asked about"
    assert opened == [4, 3, 3, 2]
    assert opened[-1] == campaign.items.waiting().count()


def test_a_long_campaign_is_drawn_whole(campaign):
    campaign.launched_at = timezone.now() - 150 * DAY

    chart = burn_down(campaign)

    assert len(chart["labels"]) <= 61
    assert chart["series"][0]["values"][0] == 4
    assert chart["series"][0]["values"][-1] == 2


def test_late_is_said_only_while_something_is_open_near_the_deadline(campaign):
    assert not any(part.is_late for part in by_reviewer(campaign))

    campaign.deadline_at = timezone.now() + DAY / 4

    late = {part.name for part in by_reviewer(campaign) if part.is_late}
    assert late == {str(item.reviewer) for item in campaign.items.waiting()}
    campaign.state = "cancelled"
    assert not any(part.is_late for part in by_reviewer(campaign))


def test_each_figure_of_the_page_leads_to_as_many_rows_as_it_counts(as_steward, campaign):
    items = reverse("reviews:campaign_items", args=[campaign.pk])

    page = as_steward.get(campaign.get_absolute_url()).text

    for query, count in (("state=open&amp;state=decided", 3), ("found_by=manager", 4)):
        assert f'href="{items}?{query}">{count}</a>' in page
        rows = as_steward.get(f"{items}?{query.replace('&amp;', '&')}").context["listing"]
        assert rows.count.value == count
