import pytest
from django.urls import reverse

from apps.reviews.models import Campaign
from apps.reviews.states import CampaignState
from tests.factories.grants import GrantFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def running():
    return ReviewItemFactory(campaign__name="Quarterly write access").campaign


@pytest.fixture
def new(running):
    """A write grant that came while the campaign runs, and a read grant beside it."""
    return GrantFactory(label="billing:refund"), GrantFactory(label="billing:look", read=True)


def test_new_access_is_shown_while_the_campaign_runs_with_a_link_to_the_list(
    as_steward, running, new, htmx
):
    url = reverse("reviews:campaign_beyond", args=[running.pk])

    page = as_steward.get(running.get_absolute_url()).text
    told = as_steward.get(url, headers=htmx("beyond-told")).text
    listed = as_steward.get(url).text

    assert f'hx-get="{url}"' in page
    assert f'<a href="{url}">2 new</a>' in told
    assert "1 with write or admin access" in told
    assert listed.index("billing:refund") < listed.index("billing:look")


def test_where_nothing_is_new_nothing_is_said(as_steward, running, htmx):
    url = reverse("reviews:campaign_beyond", args=[running.pk])

    assert "new" not in as_steward.get(url, headers=htmx("beyond-told")).text
    assert "Nothing is new" in as_steward.get(url).text


def test_a_small_campaign_asks_about_what_is_new_and_nothing_else(
    as_steward, running, new, django_capture_on_commit_callbacks
):
    started = as_steward.post(reverse("reviews:beyond_start", args=[running.pk]))
    small = Campaign.objects.exclude(pk=running.pk).get()
    with django_capture_on_commit_callbacks(execute=True):
        as_steward.post(reverse("reviews:campaign_stage", args=[small.pk]))

    small.refresh_from_db()
    assert started.url == small.get_absolute_url()
    assert small.name == "New beside Quarterly write access"
    assert small.state == CampaignState.STAGED
    assert {item.grant for item in small.items.all()} == set(new)
    assert running.items.count() == 1
    page = as_steward.get(small.get_absolute_url()).text
    assert "access that “Quarterly write access” did not freeze" in page
    beside = as_steward.get(reverse("reviews:campaign_beyond", args=[running.pk])).text
    assert small.get_absolute_url() in beside


def test_no_small_campaign_is_made_where_nothing_is_new(as_steward, running):
    answer = as_steward.post(reverse("reviews:beyond_start", args=[running.pk]))

    assert answer.status_code == 422
    assert "Nothing is new" in answer.text
    assert Campaign.objects.count() == 1


def test_before_launch_nothing_is_new(as_steward):
    staged = CampaignFactory(staged=True)

    answer = as_steward.get(reverse("reviews:beyond_start", args=[staged.pk]))

    assert answer.status_code == 403
