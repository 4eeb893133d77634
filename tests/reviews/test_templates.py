"""Templates by their services: made, changed, and retired on the record."""

from dataclasses import replace
from datetime import UTC, date, datetime

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.findings.rules import rule_choices
from apps.reviews.models import Campaign, Template
from apps.reviews.ready_templates import READY
from apps.reviews.recurrence import in_words
from apps.reviews.scope import Scope
from apps.reviews.services.campaigns import campaign_create_from_template
from apps.reviews.services.templates import (
    TemplateContent,
    template_change,
    template_create,
    template_retire,
)
from tests.factories.accounts import UserFactory
from tests.factories.reviews import TemplateFactory


@pytest.fixture
def content(steward):
    return TemplateContent(
        name="Card data",
        fallback_reviewer=steward,
        run_by=steward,
        scope=Scope(levels=("write",), tags=("CDE",)),
        recurrence="FREQ=MONTHLY",
        starts_on=date(2026, 1, 1),
        frequency_reason="The risk analysis asks for a month.",
    )


def entries(template, verb):
    return AuditEntry.objects.filter(target_id=template.pk, verb=verb)


def test_a_template_is_made_on_the_record(content, steward):
    template = template_create(content=content, actor=Person(steward))

    entry = entries(template, Verb.TEMPLATE_CREATED).get()
    assert entry.actor == steward
    assert entry.changes["scope"][1]["tags"] == ["CDE"]


def test_a_change_names_what_changed_and_nothing_else(content, steward):
    template = template_create(content=content, actor=Person(steward))

    template_change(
        template_id=template.pk, content=replace(content, days_to_decide=7), actor=Person(steward)
    )

    entry = entries(template, Verb.TEMPLATE_CHANGED).get()
    assert entry.changes == {"days_to_decide": [14, 7]}


def test_saving_what_it_says_already_records_nothing(content, steward):
    template = template_create(content=content, actor=Person(steward))

    template_change(template_id=template.pk, content=content, actor=Person(steward))

    assert not entries(template, Verb.TEMPLATE_CHANGED).exists()


def test_retiring_takes_a_reason_and_ends_it(content, steward):
    template = template_create(content=content, actor=Person(steward))

    with pytest.raises(DomainError, match="Say why"):
        template_retire(template_id=template.pk, reason=" ", actor=Person(steward))
    template_retire(
        template_id=template.pk, reason="Another took its place.", actor=Person(steward)
    )

    assert entries(template, Verb.TEMPLATE_RETIRED).get().reason == "Another took its place."
    with pytest.raises(PermissionDenied, match="retired"):
        template_change(template_id=template.pk, content=content, actor=Person(steward))
    with pytest.raises(DomainError, match="retired"):
        campaign_create_from_template(template_id=template.pk, actor=Person(steward))


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"name": " "}, "needs a name"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"scope": Scope(subjects=())}, "what it asks about"),
        ({"starts_on": None}, "when it starts"),
        ({"frequency_reason": ""}, "7.2.5.1"),
        ({"launches_itself": True}, "stages itself"),
        ({"recurrence": "FREQ=HOURLY"}, "starts with FREQ"),
    ],
)
def test_what_could_never_run_is_refused_in_words(content, steward, values, said):
    with pytest.raises(DomainError, match=said):
        template_create(content=replace(content, **values), actor=Person(steward))

    assert not Template.objects.exists()


def test_who_may_not_decide_cannot_be_its_fallback(content, steward):
    nobody = UserFactory(nobody=True, display_name="The newcomer")

    with pytest.raises(DomainError, match="The newcomer is not active, or may not decide"):
        template_create(content=replace(content, fallback_reviewer=nobody), actor=Person(steward))


def test_only_a_steward_makes_templates(content, reviewer):
    with pytest.raises(PermissionDenied, match="Only a steward"):
        template_create(content=content, actor=Person(reviewer))


def test_the_ready_ones_ask_for_what_they_are_named_after():
    scopes = {ready["name"]: ready["scope"] for ready in READY}

    assert scopes["Quarterly write access"].levels == ("write", "admin")
    assert scopes["Monthly admin access"].levels == ("admin",)
    assert scopes["Long-lived credentials"].subjects == ("credential",)
    assert scopes["All access in scope"].levels == ()
    keys = {key for key, _ in rule_choices()}
    assert set(scopes["Long-lived credentials"].findings) <= keys


def test_an_occurrence_two_people_start_at_once_is_made_once(steward):
    template = TemplateFactory(monthly=True, run_by=steward)
    occurrence = datetime(2026, 11, 1, tzinfo=UTC)
    campaign_create_from_template(
        template_id=template.pk, occurrence_at=occurrence, actor=Person(steward)
    )

    with pytest.raises(DomainError, match="just started this occurrence"):
        campaign_create_from_template(
            template_id=template.pk, occurrence_at=occurrence, actor=Person(steward)
        )

    assert Campaign.objects.get().deadline_at > timezone.now()


@pytest.mark.parametrize(
    ("rule", "said"),
    [
        ("FREQ=MONTHLY;INTERVAL=3;BYMONTHDAY=1", "every 3 months on day 1"),
        ("FREQ=MONTHLY;BYMONTHDAY=1,-1", "every month on day 1 and the last day"),
        ("FREQ=WEEKLY;BYDAY=MO,WE,FR", "every week on Monday, Wednesday and Friday"),
        ("FREQ=MONTHLY;BYDAY=2TU", "FREQ=MONTHLY;BYDAY=2TU"),
        ("FREQ=YEARLY;BYMONTH=3", "FREQ=YEARLY;BYMONTH=3"),
    ],
)
def test_a_recurrence_is_read_in_words_where_they_say_all_of_it(rule, said):
    assert in_words(rule) == said
