from datetime import date, timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from apps.reviews.models import Campaign, Template
from apps.reviews.tables.templates import TemplateTable
from tests.core.indexes import assert_sorts_are_indexed
from tests.factories.accounts import UserFactory
from tests.factories.reviews import TemplateFactory

pytestmark = pytest.mark.django_db


def filled(steward, **values):
    return {
        "name": "Weekly card data access",
        "purpose": "Only what card data needs.",
        "subjects": ["grant"],
        "levels": ["write", "admin"],
        "tags": "CDE, PCI",
        "fallback_reviewer": steward.pk,
        "run_by": steward.pk,
        "days_to_decide": 5,
        "time_zone": "Europe/Vienna",
        "no_answer": "standard",
        "instructions": "**Read** first. <script>alert(1)</script>",
        "recurrence": "FREQ=WEEKLY",
        "starts_on": "2026-01-05",
        "frequency_reason": "The risk analysis asks for a week.",
        "stages_itself": "on",
        **values,
    }


def test_a_steward_makes_a_template_and_its_page_says_it(as_steward, steward):
    done = as_steward.post(reverse("reviews:template_new"), filled(steward))

    template = Template.objects.get()
    assert done.url == template.get_absolute_url()
    assert template.scope["tags"] == ["CDE", "PCI"]
    assert template.starts_on == date(2026, 1, 5)
    page = as_steward.get(template.get_absolute_url()).text
    assert "<strong>Read</strong> first." in page
    assert "<script>alert" not in page
    assert "systems tagged CDE, PCI" in page


def test_instructions_are_shown_as_they_are_written_and_no_html_of_theirs(as_steward):
    page = as_steward.post(
        reverse("reviews:instructions_preview"), {"instructions": "**Read** <img src=x>"}
    )

    assert "<strong>Read</strong> &lt;img src=x&gt;" in page.text
    assert not Template.objects.exists()


def test_a_recurrence_without_its_reason_comes_back_on_the_form(as_steward, steward):
    refused = as_steward.post(reverse("reviews:template_new"), filled(steward, frequency_reason=""))

    assert refused.status_code == 422
    assert "targeted risk analysis" in refused.text
    assert not Template.objects.exists()


def test_a_recurrence_that_never_comes_round_is_refused_beside_its_field(as_steward, steward):
    never = "FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=30"

    refused = as_steward.post(reverse("reviews:template_new"), filled(steward, recurrence=never))

    assert refused.status_code == 422
    assert refused.context["form"].errors == {
        "recurrence": ["This recurrence does not come round within three years."]
    }
    assert not Template.objects.exists()


def test_the_form_shows_what_the_template_says_and_saves_it_again(as_steward, steward):
    as_steward.post(reverse("reviews:template_new"), filled(steward))
    template = Template.objects.get()
    url = reverse("reviews:template_change", args=[template.pk])

    shown = as_steward.get(url)
    as_steward.post(url, filled(steward, days_to_decide=9))

    assert shown.context["form"]["tags"].value() == "CDE, PCI"
    template.refresh_from_db()
    assert template.days_to_decide == 9


def test_a_template_is_started_by_hand_and_holds_the_due_occurrence(as_steward, steward):
    template = TemplateFactory(
        monthly=True, run_by=steward, starts_on=timezone.localdate() - timedelta(days=100)
    )

    as_steward.post(reverse("reviews:template_start", args=[template.pk]), {"name": ""})

    campaign = Campaign.objects.get()
    assert campaign.template == template
    assert campaign.occurrence_at is not None
    assert campaign.occurrence_at <= timezone.now()


def test_a_retired_template_says_so_and_starts_nothing(as_steward):
    template = TemplateFactory()
    as_steward.post(
        reverse("reviews:template_retire", args=[template.pk]), {"reason": "Another replaced it."}
    )

    page = as_steward.get(template.get_absolute_url()).text
    refused = as_steward.get(reverse("reviews:template_start", args=[template.pk]))

    assert "No more campaigns are made from it" in page
    assert refused.status_code == 403


def test_the_four_ready_ones_are_offered_until_they_are_there(as_steward):
    before = as_steward.get(reverse("reviews:template_list")).text
    as_steward.post(reverse("reviews:templates_ready"))
    after = as_steward.get(reverse("reviews:template_list")).text

    assert "Make the four ready ones" in before
    assert "Make the four ready ones" not in after
    assert Template.objects.count() == 4


def test_the_calendar_shows_what_was_missed(as_steward):
    TemplateFactory(monthly=True, run_by=UserFactory(steward=True))

    page = as_steward.get(reverse("reviews:calendar"))
    missed = as_steward.get(reverse("reviews:calendar"), {"state": "missed"})

    counts = {state: count for state, _, count in page.context["counts"]}
    assert counts["missed"] >= 5
    assert counts["due"] == 1
    assert "No campaign was made before the next was due." in missed.text


def test_every_sort_of_the_list_has_its_index():
    assert_sorts_are_indexed(TemplateTable)


def test_the_calendar_costs_the_same_however_many_templates(
    as_steward, django_assert_max_num_queries
):
    TemplateFactory.create_batch(6, monthly=True)

    with django_assert_max_num_queries(8):
        as_steward.get(reverse("reviews:calendar"))
