from datetime import timedelta

import pytest
from django.utils import timezone

from apps.core.actors import System
from apps.grants.models import AgentFingerprint
from apps.reviews.models import ReviewItem
from apps.reviews.services.reconciling import campaign_reconcile
from apps.reviews.states import Disposition, FoundBy, ItemState, Outcome
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

SYSTEM = System("test")
FROZEN = {"content_sha256": ""}


@pytest.fixture
def campaign(db):
    return CampaignFactory(running=True)


def reconcile(campaign):
    return campaign_reconcile(campaign_id=campaign.pk, actor=SYSTEM)


def drift(agent, digest):
    AgentFingerprint.objects.create(agent=agent, kind="design", digest=digest, parts={})


def test_an_item_whose_grant_is_gone_is_void(campaign):
    grant = GrantFactory(gone_at=timezone.now())
    item = ReviewItemFactory(campaign=campaign, grant=grant, frozen=FROZEN)

    assert reconcile(campaign) == 1

    item.refresh_from_db()
    assert (item.state, item.disposition) == (ItemState.VOID, Disposition.VOID)
    assert "nothing left to decide" in item.state_reason


def test_a_design_drift_puts_a_new_item_in_the_place_of_the_old(campaign):
    item = ReviewItemFactory(campaign=campaign, frozen=FROZEN, design_digest="a" * 64)
    drift(item.agent, "b" * 64)

    assert reconcile(campaign) == 1

    item.refresh_from_db()
    assert (item.state, item.disposition) == (ItemState.SUPERSEDED, Disposition.SUPERSEDED)
    new = ReviewItem.objects.get(supersedes=item)
    assert (new.state, new.grant, new.reviewer) == (ItemState.OPEN, item.grant, item.reviewer)
    assert new.design_digest == "b" * 64
    assert new.assignments.get().reason == item.state_reason
    assert reconcile(campaign) == 0


def test_a_grant_changed_in_its_source_is_asked_about_anew(campaign):
    item = ReviewItemFactory(campaign=campaign, frozen=FROZEN)
    item.grant.content_sha256 = "c" * 64
    item.grant.save(update_fields=["content_sha256"])

    reconcile(campaign)

    item.refresh_from_db()
    assert item.state == ItemState.SUPERSEDED
    assert item.state_reason == "The grant was changed in its source after it was frozen."


def test_a_choice_to_keep_does_not_outlive_the_design(campaign):
    item = ReviewItemFactory(
        campaign=campaign, frozen=FROZEN, design_digest="a" * 64, state=ItemState.DECIDED
    )
    DecisionFactory(item=item, outcome=Outcome.KEEP)
    drift(item.agent, "b" * 64)

    assert reconcile(campaign) == 1


def test_a_choice_to_revoke_stands_whatever_the_design(campaign):
    item = ReviewItemFactory(
        campaign=campaign, frozen=FROZEN, design_digest="a" * 64, state=ItemState.DECIDED
    )
    DecisionFactory(item=item, outcome=Outcome.REVOKE)
    drift(item.agent, "b" * 64)

    assert reconcile(campaign) == 0


def test_whom_a_person_assigned_keeps_the_new_item(campaign):
    colleague = UserFactory()
    item = ReviewItemFactory(
        campaign=campaign,
        frozen=FROZEN,
        design_digest="a" * 64,
        reviewer=colleague,
        found_by=FoundBy.REASSIGNED,
        reassigned_count=1,
    )
    drift(item.agent, "b" * 64)

    reconcile(campaign)

    new = ReviewItem.objects.get(supersedes=item)
    assert (new.reviewer, new.found_by, new.reassigned_count) == (
        colleague,
        FoundBy.REASSIGNED,
        1,
    )


def test_a_campaign_that_is_not_running_is_left_alone(db):
    campaign = CampaignFactory(closed=True, closed_at=timezone.now() - timedelta(days=1))
    ReviewItemFactory(campaign=campaign, grant=GrantFactory(gone_at=timezone.now()), frozen=FROZEN)

    assert reconcile(campaign) == 0
