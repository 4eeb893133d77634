"""The page of a campaign: what it says, to whom, and that it follows what happens."""

import pytest
from django.db import connection
from django.urls import reverse

from apps.core.jobs import job_finish
from apps.core.models import Job, JobStatus
from apps.reviews.models import Campaign
from apps.reviews.states import CampaignState, Disposition, ItemState
from tests.factories.reviews import CampaignFactory, ReviewItemFactory
from tests.signing_in import sign_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def closed():
    """A closed campaign of two items, kept and revoked."""
    campaign = CampaignFactory(closed=True, population_count=2)
    for disposition in (Disposition.KEPT, Disposition.REVOKED):
        ReviewItemFactory(campaign=campaign, state=ItemState.FINAL, disposition=disposition)
    return campaign


def page_of(client, campaign, **headers):
    return client.get(campaign.get_absolute_url(), headers=headers)


def test_a_job_that_ends_while_the_page_is_read_is_not_missed(as_steward, htmx):
    campaign = CampaignFactory(state=CampaignState.VERIFYING, population_count=1)
    job = Job.objects.create(
        kind="closing",
        task="reviews.close_campaign",
        subject_type="reviews.campaign",
        subject_id=campaign.pk,
        status=JobStatus.RUNNING,
        channel="task",
    )
    looks = []

    def end_at_the_second_look(execute, sql, params, many, context):
        """The worker is done in between: after the page read one of the two, before the other."""
        if any(f'FROM "{table}"' in sql for table in ("core_job", "reviews_campaign")):
            looks.append(sql)
        if len(looks) == 2:
            looks.append("the job is over")
            job_finish(job)
        return execute(sql, params, many, context)

    with connection.execute_wrapper(end_at_the_second_look):
        page = page_of(as_steward, campaign, **htmx("campaign-summary")).content.decode()

    assert "every 2s" in page


def test_what_stands_below_follows_what_was_drawn_above(as_steward, closed, htmx):
    answer = page_of(as_steward, closed, **htmx("campaign-summary"))

    assert "campaign:drawn" in answer["HX-Trigger"]
    for region in ("campaign-progress", "campaign-record"):
        below = page_of(as_steward, closed, **htmx(region))
        assert 'hx-trigger="campaign:drawn from:body' in below.content.decode()
        assert "HX-Trigger" not in below


def test_a_campaign_whose_orders_are_settled_says_that_it_moves_on(as_steward):
    campaign = CampaignFactory(state=CampaignState.REMEDIATING, population_count=1)

    page = page_of(as_steward, campaign).content.decode()

    assert "Every order is settled. The campaign moves on by itself" in page
    assert "every 2s" in page


def test_whoever_acknowledges_reads_how_the_items_ended(client, closed):
    sign_in(client, closed.items.first().reviewer)

    page = page_of(client, closed).content.decode()

    assert "Kept: 1 · Revoked: 1 · 2 in all" in page


def test_a_form_on_a_page_of_its_own_goes_back_to_its_record(client, closed):
    sign_in(client, closed.items.first().reviewer)
    address = reverse("reviews:campaign_acknowledge", args=[closed.pk])

    page = client.get(address).content.decode()
    answer = client.post(address, {"agreed": "on"})

    assert f'hx-post="{address}"' not in page
    assert answer.headers["Location"] == closed.get_absolute_url()
    assert Campaign.objects.get().state == CampaignState.ACKNOWLEDGED


def test_an_owner_is_led_to_what_is_asked_of_them(client):
    item = ReviewItemFactory()
    sign_in(client, item.attester)

    page = page_of(client, item.campaign).content.decode()

    assert "1 item asks for your word as owner" in page
    assert reverse("reviews:bench_owner", args=[item.campaign.pk]) in page
