from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.urls import reverse
from django.utils import timezone

from apps.core.actors import Person, System
from apps.core.errors import DomainError
from apps.inventory.models import Source
from apps.notices.models import Notice
from apps.remediation.models import Order
from apps.remediation.services.orders import Proof, order_carried_out, order_confirm
from apps.remediation.states import OrderKind, OrderState
from apps.reviews.models import Campaign, Decision, Hold, ReviewItem
from apps.reviews.services.campaigns import (
    campaign_acknowledge,
    campaign_close,
    campaign_decide,
    hold_decide,
)
from apps.reviews.services.deadline import campaign_decide_due
from apps.reviews.services.reconciling import campaign_follow_orders
from apps.reviews.states import CampaignState, Disposition, HoldState, ItemState, Outcome
from tests.factories.accounts import TeamFactory, UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import SourceFactory
from tests.factories.reviews import CampaignFactory, DecisionFactory, ReviewItemFactory

SYSTEM = System("test")


@pytest.fixture
def campaign(db):
    """A running campaign past its deadline. Its policy holds nothing back."""
    return CampaignFactory(
        running=True,
        deadline_at=timezone.now() - timedelta(minutes=1),
        policy={"mass_change_share": 100, "mass_change_count": 1000},
    )


@pytest.fixture
def end(django_capture_on_commit_callbacks):
    def run(campaign, actor=SYSTEM, **kwargs):
        campaign.population_count = campaign.items.count()
        campaign.save(update_fields=["population_count"])
        with django_capture_on_commit_callbacks(execute=True):
            campaign_decide(campaign_id=campaign.pk, actor=actor, **kwargs)
        campaign.refresh_from_db()
        return campaign

    return run


def item_of(campaign, level="write", **kwargs):
    return ReviewItemFactory(campaign=campaign, grant=GrantFactory(level=level), **kwargs)


def decided(campaign, outcome, **kwargs):
    item = item_of(campaign, state=ItemState.DECIDED)
    return DecisionFactory(item=item, outcome=outcome, **kwargs).item


def ends(item):
    item.refresh_from_db()
    return item.state, item.disposition


def test_silence_never_approves(campaign, end):
    read, write = item_of(campaign, "read"), item_of(campaign, "write")
    admin, abstained = item_of(campaign, "admin"), decided(campaign, Outcome.ABSTAIN)

    end(campaign)

    assert ends(read) == (ItemState.FINAL, Disposition.UNCERTIFIED)
    for item in (write, admin, abstained):
        assert ends(item) == (ItemState.FINAL, Disposition.SUSPENDED)
    orders = Order.objects.of_campaign(campaign.pk)
    assert {order.grant_id for order in orders} == {
        write.grant_id,
        admin.grant_id,
        abstained.grant_id,
    }
    assert {order.kind for order in orders} == {OrderKind.SUSPEND}
    assert campaign.state == CampaignState.REMEDIATING


def test_a_decision_becomes_final_and_orders_what_it_says(campaign, end):
    kept = decided(campaign, Outcome.KEEP)
    narrowed = decided(campaign, Outcome.NARROW, target={"level": "read"})
    revoked = decided(campaign, Outcome.REVOKE, reason="Nothing has used it.")

    end(campaign)

    assert ends(kept) == (ItemState.FINAL, Disposition.KEPT)
    assert ends(narrowed) == (ItemState.FINAL, Disposition.NARROWED)
    assert ends(revoked) == (ItemState.FINAL, Disposition.REVOKED)
    assert kept.order is None
    assert narrowed.order.kind == OrderKind.NARROW
    assert narrowed.order.target == {"level": "read"}
    assert revoked.order.kind == OrderKind.REVOKE
    assert revoked.order.reason == "Nothing has used it."
    assert revoked.order.decided_by == revoked.decision.decided_by
    kept.grant.refresh_from_db()
    assert kept.grant.state == "active"


def test_the_policy_may_order_removal_for_silence(campaign, end):
    Campaign.objects.update(no_answer="revoke")
    item = item_of(campaign)

    end(campaign)

    assert ends(item) == (ItemState.FINAL, Disposition.WITHDRAWN)
    assert item.order.kind == OrderKind.REVOKE


def test_before_the_deadline_it_ends_only_with_a_reason(campaign, end, steward):
    Campaign.objects.update(deadline_at=timezone.now() + timedelta(days=3))
    item_of(campaign, "read")

    with pytest.raises(DomainError, match="Say why the deciding ends early"):
        campaign_decide(campaign_id=campaign.pk, actor=Person(steward))
    end(campaign, Person(steward), early_reason="Everybody has answered.")

    assert campaign.state == CampaignState.VERIFYING
    assert campaign.early_close_reason == "Everybody has answered."


def test_the_deadline_ends_a_campaign_once(campaign):
    now = timezone.now()

    first = campaign_decide_due(campaign_id=campaign.pk, moment=now, actor=SYSTEM)
    second = campaign_decide_due(campaign_id=campaign.pk, moment=now, actor=SYSTEM)

    assert first is not None
    assert second is None


@pytest.fixture
def held(campaign, end):
    """Two of two items would be suspended, more than the policy lets one person do."""
    Campaign.objects.update(policy={"mass_change_share": 10, "mass_change_count": 50})
    item_of(campaign)
    item_of(campaign, "admin")
    end(campaign)
    return Hold.objects.get()


def test_a_large_batch_waits_for_a_second_person(campaign, held):
    assert campaign.state == CampaignState.DECIDED
    assert (held.count, held.share_percent) == (2, 100)
    assert not Order.objects.exists()
    assert {item.state for item in ReviewItem.objects.all()} == {ItemState.OPEN}


def test_a_held_batch_is_announced_to_those_who_may_look_at_it(campaign, end):
    Campaign.objects.update(policy={"mass_change_share": 10, "mass_change_count": 50})
    concerned = item_of(campaign).reviewer
    stranger = TeamFactory().manager
    another = UserFactory(steward=True)

    end(campaign)

    told = {notice.recipient for notice in Notice.objects.filter(kind="review-held")}
    assert {concerned, another} <= told
    assert not {stranger, campaign.run_by} & told


def test_whoever_runs_the_campaign_may_not_release_its_batch(campaign, held):
    with pytest.raises(PermissionDenied, match="You run this campaign"):
        hold_decide(hold_id=held.pk, release=True, reason="Go.", actor=Person(campaign.run_by))

    held.refresh_from_db()
    assert held.state == HoldState.HELD


@pytest.mark.parametrize(
    ("release", "expected"),
    [
        (True, (Disposition.SUSPENDED, 2, CampaignState.REMEDIATING)),
        (False, (Disposition.UNCERTIFIED, 0, CampaignState.VERIFYING)),
    ],
)
def test_a_second_person_releases_or_refuses_the_batch(
    campaign, held, release, expected, django_capture_on_commit_callbacks
):
    with django_capture_on_commit_callbacks(execute=True):
        hold_decide(
            hold_id=held.pk,
            release=release,
            reason="I have looked at each.",
            actor=Person(UserFactory(steward=True)),
        )

    campaign.refresh_from_db()
    (disposition,) = {item.disposition for item in ReviewItem.objects.all()}
    assert (disposition, Order.objects.count(), campaign.state) == expected


def test_an_open_order_keeps_the_campaign_from_closing(campaign, end, steward):
    item = decided(campaign, Outcome.REVOKE)
    end(campaign)

    with pytest.raises(PermissionDenied, match="closes once every order is settled"):
        campaign_close(campaign_id=campaign.pk, actor=Person(steward))
    item.refresh_from_db()
    _settle(item.order)
    campaign_follow_orders(campaign_id=campaign.pk, actor=SYSTEM)

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.VERIFYING


def _settle(order):
    order_carried_out(
        order_id=order.pk, proof=Proof(text="Detached it."), actor=Person(UserFactory(steward=True))
    )
    order_confirm(
        order_id=order.pk,
        proof=Proof(text="It is not listed any more."),
        actor=Person(UserFactory(steward=True)),
    )
    order.refresh_from_db()
    assert order.state == OrderState.CONFIRMED


@pytest.fixture
def closed(campaign, end, steward, django_capture_on_commit_callbacks):
    """Two reads, one gone since and one changed since; closed without a source to read again."""
    decided_items = [item_of(campaign, "read", frozen={"content_sha256": ""}) for _ in range(3)]
    end(campaign)
    gone, changed, _ = (item.grant for item in decided_items)
    gone.gone_at = timezone.now()
    gone.save(update_fields=["gone_at"])
    changed.content_sha256 = "f" * 64
    changed.save(update_fields=["content_sha256"])
    GrantFactory(label="appeared since")
    with django_capture_on_commit_callbacks(execute=True):
        campaign_close(campaign_id=campaign.pk, actor=Person(steward))
    campaign.refresh_from_db()
    return campaign


def test_closing_holds_the_population_against_the_newest_reading(closed):
    assert closed.state == CampaignState.CLOSED
    assert closed.reconciliation["dispositions"] == {"uncertified": 3}
    assert closed.reconciliation["at_close"] == {"changed": 1, "gone": 1, "same": 1}
    assert [new["label"] for new in closed.reconciliation["new"]] == ["appeared since"]
    assert sum(closed.reconciliation["dispositions"].values()) == closed.population_count


def test_the_page_of_a_closed_campaign_shows_what_closing_saw(as_steward, closed):
    items = reverse("reviews:campaign_items", args=[closed.pk])

    page = as_steward.get(closed.get_absolute_url()).text

    assert f'<a class="num" href="{items}?at_close=gone">1</a>' in page
    assert "1 new in its scope, and not in its population" in page
    assert "appeared since" in page
    gone = as_steward.get(f"{items}?at_close=gone").context["listing"]
    assert gone.count.value == 1


def test_dispositions_that_do_not_sum_keep_it_open(
    campaign, end, steward, django_capture_on_commit_callbacks
):
    item_of(campaign, "read")
    end(campaign)
    Campaign.objects.update(population_count=2)

    with django_capture_on_commit_callbacks(execute=True):
        campaign_close(campaign_id=campaign.pk, actor=Person(steward))

    campaign.refresh_from_db()
    assert campaign.state == CampaignState.VERIFYING


def test_a_source_not_read_again_needs_a_reason(campaign, end, steward):
    source = SourceFactory()
    Source.objects.update(read_at=timezone.now() - timedelta(days=3))
    campaign.campaign_sources.create(source=source, moment="staging", age_hours=1, is_stale=False)
    item_of(campaign, "read")
    end(campaign)

    with pytest.raises(DomainError, match=f"Not read again since launch: {source.stream}"):
        campaign_close(campaign_id=campaign.pk, actor=Person(steward))


def test_a_manager_who_did_not_run_it_acknowledges(closed):
    with pytest.raises(PermissionDenied, match="You ran this campaign"):
        campaign_acknowledge(campaign_id=closed.pk, actor=Person(closed.run_by))

    manager = UserFactory(steward=True)
    campaign_acknowledge(campaign_id=closed.pk, actor=Person(manager), comment="Read in full.")

    closed.refresh_from_db()
    assert closed.state == CampaignState.ACKNOWLEDGED
    assert closed.acknowledgement.given_by == manager
    assert "remains appropriate" in closed.acknowledgement.words
    assert not Decision.objects.filter(item__campaign=closed).exists()
