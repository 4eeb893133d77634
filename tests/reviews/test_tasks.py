"""What the clock does to reviews, from the task to the record."""

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.grants.models import AgentFingerprint
from apps.remediation.states import OrderState
from apps.reviews import tasks
from apps.reviews.models import Campaign
from apps.reviews.states import CampaignState, ItemState
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.remediation import OrderFactory
from tests.factories.reviews import CampaignFactory, ReviewItemFactory, TemplateFactory

pytestmark = pytest.mark.django_db


def test_a_template_nobody_can_run_does_not_hold_the_others_up(caplog):
    TemplateFactory(monthly=True, run_by=UserFactory(nobody=True))
    due = TemplateFactory(monthly=True)
    GrantFactory()

    with caplog.at_level(logging.WARNING):
        assert tasks.run_schedule() == 1

    assert Campaign.objects.get().template == due
    assert "could not be run" in caplog.text


def test_the_schedule_is_recorded_as_the_work_of_the_system():
    TemplateFactory(monthly=True)
    GrantFactory()

    tasks.run_schedule()

    entry = AuditEntry.objects.get(verb=Verb.CAMPAIGN_CREATED)
    assert (entry.actor, entry.actor_label) == (None, "reviews.run_schedule")


def test_a_campaign_ends_when_its_deadline_has_passed_and_not_before():
    passed = CampaignFactory(running=True, deadline_at=timezone.now() - timedelta(minutes=1))
    ahead = CampaignFactory(running=True)

    assert tasks.close_due_campaigns() == 1
    assert tasks.close_due_campaigns() == 0

    passed.refresh_from_db()
    ahead.refresh_from_db()
    assert (passed.state, ahead.state) == (CampaignState.DECIDED, CampaignState.RUNNING)


def test_one_campaign_that_cannot_follow_does_not_hold_the_others_up(caplog):
    nobody = UserFactory(nobody=True)
    people = {"campaign__fallback_reviewer": nobody, "campaign__run_by": nobody}
    stuck = ReviewItemFactory(
        frozen={"content_sha256": ""},
        design_digest="a" * 64,
        agent__team__manager=nobody,
        **people,
    )
    AgentFingerprint.objects.create(agent=stuck.agent, kind="design", digest="b" * 64, parts={})
    gone = ReviewItemFactory(grant=GrantFactory(gone_at=timezone.now()), **people)

    with caplog.at_level(logging.WARNING):
        assert tasks.reconcile_running() == 1

    gone.refresh_from_db()
    stuck.refresh_from_db()
    assert (gone.state, stuck.state) == (ItemState.VOID, ItemState.OPEN)
    assert "Nobody may decide" in caplog.text


def test_campaigns_wait_for_their_last_order_and_go_back_when_one_is_open_again():
    waits = CampaignFactory(state=CampaignState.REMEDIATING)
    OrderFactory(waiting=True, campaign_id=waits.pk)
    settled = CampaignFactory(state=CampaignState.REMEDIATING)
    OrderFactory(state=OrderState.NOT_APPLICABLE, campaign_id=settled.pk)
    reopened = CampaignFactory(state=CampaignState.VERIFYING)
    OrderFactory(waiting=True, campaign_id=reopened.pk)

    assert tasks.settle_orders() == 2
    assert tasks.settle_orders() == 0

    for campaign in (waits, settled, reopened):
        campaign.refresh_from_db()
    assert waits.state == reopened.state == CampaignState.REMEDIATING
    assert settled.state == CampaignState.VERIFYING
