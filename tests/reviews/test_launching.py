from datetime import datetime, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.notices.models import Notice
from apps.reviews.recurrence import end_of_day
from apps.reviews.services.campaigns import campaign_launch, campaign_remind
from apps.reviews.states import CampaignState, ItemState, NoteKind
from tests.factories.accounts import UserFactory
from tests.factories.reviews import (
    CampaignFactory,
    ItemNoteFactory,
    ReviewItemFactory,
    TemplateFactory,
)

pytestmark = pytest.mark.django_db

DAY = timedelta(days=1)


@pytest.fixture
def staged():
    """A staged campaign of one item, whose planned deadline has passed."""
    campaign = CampaignFactory(
        staged=True,
        population_count=1,
        deadline_at=timezone.now() - DAY,
        template=TemplateFactory(days_to_decide=9),
        time_zone="Europe/Vienna",
    )
    return ReviewItemFactory(campaign=campaign).campaign


def test_who_launches_sees_a_deadline_that_has_passed_and_is_offered_another(as_steward, staged):
    page = as_steward.get(staged.get_absolute_url()).text
    dialog = as_steward.get(reverse("reviews:campaign_launch", args=[staged.pk])).text

    offered = timezone.localdate(timezone=timezone.get_fixed_timezone(60)) + 9 * DAY
    assert "The planned deadline has passed" in page
    assert "The planned deadline has passed" in dialog
    assert f'value="{offered}"' in dialog
    assert "The end of that day in Europe/Vienna." in dialog


def test_launching_moves_the_deadline_and_records_it(as_steward, staged):
    day = timezone.localdate() + 20 * DAY
    before = staged.deadline_at

    as_steward.post(
        reverse("reviews:campaign_launch", args=[staged.pk]), {"new_deadline": str(day)}
    )

    staged.refresh_from_db()
    assert staged.state == CampaignState.RUNNING
    assert staged.deadline_at == end_of_day(day, "Europe/Vienna")
    changes = AuditEntry.objects.get(verb=Verb.CAMPAIGN_LAUNCHED).changes
    was, now = map(datetime.fromisoformat, changes["deadline_at"])
    assert (was.date(), now) == (before.date(), staged.deadline_at)


def test_a_deadline_that_stands_is_kept_to_the_second_and_not_recorded_as_moved(steward, staged):
    planned = end_of_day(timezone.localdate() + 5 * DAY, "Europe/Vienna")
    staged.deadline_at = planned
    staged.save()

    campaign_launch(
        campaign_id=staged.pk,
        actor=Person(steward),
        new_deadline=timezone.localdate() + 5 * DAY,
    )

    staged.refresh_from_db()
    assert staged.deadline_at == planned
    assert "deadline_at" not in AuditEntry.objects.get(verb=Verb.CAMPAIGN_LAUNCHED).changes


@pytest.mark.parametrize("days", [-1, 4000])
def test_no_deadline_lies_in_the_past_or_beyond_a_year(as_steward, staged, days):
    day = timezone.localdate() + days * DAY

    answer = as_steward.post(
        reverse("reviews:campaign_launch", args=[staged.pk]), {"new_deadline": str(day)}
    )

    staged.refresh_from_db()
    assert answer.status_code == 422
    assert "The deadline" in answer.text
    assert staged.state == CampaignState.STAGED


def test_the_launch_asks_why_only_where_much_ends_at_the_fallback(as_steward, staged):
    url = reverse("reviews:campaign_launch", args=[staged.pk])
    few = as_steward.get(url).text
    staged.fallback_count = 1
    staged.save()

    many = as_steward.get(url).text

    assert "Why so much ends at the fallback" not in few
    assert "Why so much ends at the fallback" in many


@pytest.fixture
def running():
    """One open item with a reviewer and an attester, and one that is decided."""
    item = ReviewItemFactory()
    ReviewItemFactory(campaign=item.campaign, state=ItemState.DECIDED)
    return item


def reminded(campaign):
    return {
        notice.recipient: notice
        for notice in Notice.objects.about(campaign).filter(kind="review-reminder")
    }


def test_only_people_with_something_open_are_reminded(steward, running):
    count = campaign_remind(
        campaign_id=running.campaign_id, words="We close on Friday.", actor=Person(steward)
    )

    mails = reminded(running.campaign)
    assert count == 2
    assert set(mails) == {running.reviewer, running.attester}
    assert mails[running.reviewer].subject.startswith("1 item to decide: ")
    assert mails[running.attester].subject.startswith("1 need to attest: ")
    assert reverse("reviews:bench", args=[running.campaign_id]) in mails[running.reviewer].body
    asked = reverse("reviews:bench_owner", args=[running.campaign_id])
    assert asked in mails[running.attester].body
    assert "The steward writes: We close on Friday." in mails[running.reviewer].body
    entry = AuditEntry.objects.get(verb=Verb.CAMPAIGN_REMINDED)
    assert (entry.changes, entry.reason) == ({"people": [None, 2]}, "We close on Friday.")


def test_nobody_is_reminded_twice_on_one_day_and_nothing_is_recorded(steward, running):
    campaign_remind(campaign_id=running.campaign_id, actor=Person(steward))

    with pytest.raises(DomainError, match="was reminded today already"):
        campaign_remind(campaign_id=running.campaign_id, actor=Person(steward))

    assert len(reminded(running.campaign)) == 2
    assert AuditEntry.objects.filter(verb=Verb.CAMPAIGN_REMINDED).count() == 1


@pytest.mark.django_db(transaction=True)
def test_who_was_reminded_gets_no_second_mail_but_somebody_new_does(steward, running):
    ItemNoteFactory(item=running, kind=NoteKind.ATTESTATION, author=running.attester)
    campaign_remind(campaign_id=running.campaign_id, actor=Person(steward))
    new = ReviewItemFactory(campaign=running.campaign, attester=None, reviewer=UserFactory())

    count = campaign_remind(campaign_id=running.campaign_id, actor=Person(steward))

    assert count == 1
    assert set(reminded(running.campaign)) == {running.reviewer, new.reviewer}


def test_the_reminder_says_beforehand_who_gets_it(as_steward, running):
    url = reverse("reviews:campaign_remind", args=[running.campaign_id])

    before = as_steward.get(url).text
    as_steward.post(url, {"words": ""})
    after = as_steward.get(url).text

    assert f"{running.reviewer} (1 item to decide)" in before
    assert f"{running.attester} (1 need to attest)" in before
    assert "Everybody with something open was reminded today" in after
