"""A review comes round exactly once, whoever runs the schedule and however often."""

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from threading import Barrier

import pytest
from django.db import connection

from apps.core.actors import Person, System
from apps.core.errors import DomainError
from apps.core.models import Job
from apps.notices.models import Notice
from apps.reviews.models import Campaign, Template
from apps.reviews.recurrence import end_of_day, occurrences, rule_checked
from apps.reviews.selectors.calendar import due_occurrence, occurrences_of
from apps.reviews.services.campaigns import campaign_create_from_template
from apps.reviews.services.schedule import schedule_run, template_run_due
from apps.reviews.services.templates import templates_ensure_ready_ones
from apps.reviews.states import CampaignState
from tests.factories.grants import GrantFactory
from tests.factories.reviews import CampaignFactory, TemplateFactory

SYSTEM = System("reviews.run_schedule")
NOON = datetime(2026, 11, 15, 12, tzinfo=UTC)
FIRST = date(2026, 1, 1)


@pytest.fixture
def monthly(db):
    return TemplateFactory(monthly=True, starts_on=FIRST)


@pytest.mark.django_db(transaction=True)
def test_many_workers_make_one_campaign_of_one_occurrence():
    template = TemplateFactory(monthly=True, starts_on=FIRST)
    GrantFactory()
    barrier = Barrier(4)

    def beat(_number):
        barrier.wait(timeout=10)
        try:
            return template_run_due(template_id=template.pk, moment=NOON, actor=SYSTEM)
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as pool:
        made = [campaign for campaign in pool.map(beat, range(4)) if campaign is not None]

    assert len(made) == 1
    campaign = Campaign.objects.get()
    assert campaign.occurrence_at == datetime(2026, 11, 1, tzinfo=UTC)
    assert campaign.state == CampaignState.STAGED
    assert Job.objects.filter(kind="staging").count() == 1


def test_it_launches_itself_only_if_told_to(monthly, django_capture_on_commit_callbacks):
    GrantFactory()
    Template.objects.update(launches_itself=True)

    with django_capture_on_commit_callbacks(execute=True):
        schedule_run(moment=NOON, actor=SYSTEM)

    # Everything ended at the fallback, which asks for a person's reason.
    campaign = Campaign.objects.get()
    assert campaign.state == CampaignState.STAGED
    assert "fallback's share needs a reason" in Job.objects.get(kind="staging").message
    told = Notice.objects.get(kind="review-staged")
    assert told.recipient == monthly.run_by
    assert "the fallback's share needs a reason" in told.body


def test_who_runs_it_is_told_that_it_came_round_and_waits(
    monthly, django_capture_on_commit_callbacks
):
    GrantFactory()

    with django_capture_on_commit_callbacks(execute=True):
        schedule_run(moment=NOON, actor=SYSTEM)

    told = Notice.objects.get(kind="review-staged")
    assert (told.recipient, told.about_id) == (monthly.run_by, Campaign.objects.get().pk)
    assert "look it over, then launch it" in told.body


def test_who_runs_it_is_told_that_its_staging_failed(monthly, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks(execute=True):
        schedule_run(moment=NOON, actor=SYSTEM)

    assert Campaign.objects.get().state == CampaignState.STAGING_FAILED
    assert "Nothing is in scope" in Notice.objects.get(kind="review-staged").body


def test_a_run_under_way_is_not_overtaken_by_the_next(monthly):
    CampaignFactory(template=monthly, running=True, occurrence_at=datetime(2026, 10, 1, tzinfo=UTC))

    assert schedule_run(moment=NOON, actor=SYSTEM) == 0
    assert Campaign.objects.count() == 1


def test_the_same_occurrence_is_never_run_again(monthly):
    CampaignFactory(template=monthly, closed=True, occurrence_at=datetime(2026, 11, 1, tzinfo=UTC))

    assert schedule_run(moment=NOON, actor=SYSTEM) == 0


def test_only_the_newest_occurrence_is_due(monthly):
    assert due_occurrence(monthly, NOON) == datetime(2026, 11, 1, tzinfo=UTC)


def test_the_calendar_tells_held_late_missed_due_and_coming(monthly):
    september, october = datetime(2026, 9, 1, tzinfo=UTC), datetime(2026, 10, 1, tzinfo=UTC)
    CampaignFactory(
        template=monthly,
        closed=True,
        occurrence_at=september,
        launched_at=september + timedelta(days=1),
    )
    CampaignFactory(
        template=monthly,
        closed=True,
        occurrence_at=october,
        launched_at=october + timedelta(days=9),
    )

    told = occurrences_of(
        monthly, datetime(2026, 7, 15, tzinfo=UTC), datetime(2026, 12, 15, tzinfo=UTC), NOON
    )

    assert [(one.at.month, one.state) for one in told] == [
        (8, "missed"),
        (9, "held"),
        (10, "late"),
        (11, "due"),
        (12, "coming"),
    ]
    assert told[2].why == "It was launched 9 days after it was due."


def test_occurrences_keep_to_the_clock_across_summer_time():
    told = occurrences(
        "FREQ=MONTHLY;BYMONTHDAY=1",
        FIRST,
        "Europe/Vienna",
        datetime(2026, 3, 15, tzinfo=UTC),
        datetime(2026, 4, 15, tzinfo=UTC),
    )

    assert list(told) == [datetime(2026, 3, 31, 22, tzinfo=UTC)]


def test_a_deadline_is_the_end_of_its_day_there():
    assert end_of_day(date(2026, 7, 1), "America/New_York") == datetime(
        2026, 7, 2, 3, 59, 59, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=SECONDLY", "starts with FREQ"),
        ("EVERY MONTH", "is not a part"),
        ("FREQ=MONTHLY;BYHOUR=1,2", "BYHOUR cannot be used"),
        ("FREQ=DAILY;BYMONTH=2", "BYMONTH cannot be used"),
        ("FREQ=MONTHLY;INTERVAL=0", "INTERVAL is a number"),
        ("FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30", "does not come round"),
        ("FREQ=MONTHLY;BYMONTHDAY=x", "cannot be read"),
        ("FREQ=MONTHLY;UNTIL=20200101", "does not come round"),
    ],
)
def test_a_recurrence_that_could_run_away_is_refused(rule, said):
    with pytest.raises(DomainError, match=said):
        rule_checked(rule, FIRST)


@pytest.mark.parametrize(
    "rule",
    [
        "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30",
        "FREQ=MONTHLY;BYMONTH=4,6;BYMONTHDAY=31",
        "FREQ=MONTHLY;BYDAY=MO;BYSETPOS=6",
        "FREQ=YEARLY;INTERVAL=2;BYMONTH=2;BYMONTHDAY=29",
    ],
)
def test_a_day_that_never_comes_is_refused_without_looking_for_it_for_ever(rule):
    begun = time.process_time()

    with pytest.raises(DomainError, match="does not come round"):
        rule_checked(rule, date(2027, 1, 1))

    assert time.process_time() - begun < 0.5


LEAP_DAY = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=29"


@pytest.mark.parametrize("starts_on", [date(2027, 3, 1), date(2028, 2, 29), date(2101, 3, 1)])
def test_a_leap_day_soon_is_accepted(starts_on):
    assert rule_checked(LEAP_DAY, starts_on) == LEAP_DAY


@pytest.mark.parametrize("starts_on", [date(2028, 3, 1), date(2097, 3, 1)])
def test_a_leap_day_years_away_or_that_a_century_lacks_is_refused(starts_on):
    with pytest.raises(DomainError, match="within three years"):
        rule_checked(LEAP_DAY, starts_on)


def test_the_prefix_of_the_rfc_is_accepted():
    assert rule_checked("RRULE:freq=monthly;interval=3", FIRST) == "FREQ=MONTHLY;INTERVAL=3"


def test_four_reviews_are_ready_to_start_from_and_made_once(steward):
    first = templates_ensure_ready_ones(steward=steward, actor=Person(steward))
    second = templates_ensure_ready_ones(steward=steward, actor=Person(steward))

    assert [template.name for template in first] == [
        "Quarterly write access",
        "Monthly admin access",
        "Long-lived credentials",
        "All access in scope",
    ]
    assert second == []
    assert all(template.frequency_reason for template in first)


def test_a_campaign_keeps_its_copy_of_the_template(monthly, steward):
    campaign = campaign_create_from_template(template_id=monthly.pk, actor=Person(steward))

    Template.objects.update(instructions="Changed later.", scope={"subjects": ["credential"]})

    campaign.refresh_from_db()
    assert campaign.instructions == ""
    assert campaign.scope["subjects"] == ["grant"]
