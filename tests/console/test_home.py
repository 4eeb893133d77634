import pytest
from django.urls import reverse

from apps.reviews.states import Disposition
from tests.factories.reviews import CampaignFactory, ReviewItemFactory

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
