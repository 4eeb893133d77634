import pytest
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.reviews.choices import Chosen
from apps.reviews.models import Assignment, Decision, Draft
from apps.reviews.services.items import draft_save, item_reassign, items_submit
from apps.reviews.states import FoundBy, ItemState, Outcome
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory
from tests.factories.reviews import CampaignFactory, DraftFactory, ReviewItemFactory
from tests.reviews.choosing import WHY, by, keeping, soon

pytestmark = pytest.mark.django_db


def submit(item):
    [answer] = items_submit(campaign_id=item.campaign_id, actor=by(item))
    return answer


def test_submitting_decides_the_item_with_one_entry_and_leaves_the_grant_alone():
    item = ReviewItemFactory(design_digest="a" * 64, access_digest="b" * 64)
    draft_save(
        item_id=item.pk, chosen=Chosen(Outcome.REVOKE, reason=WHY), version=0, actor=by(item)
    )

    answer = submit(item)

    item.refresh_from_db()
    item.grant.refresh_from_db()
    decision = Decision.objects.get()
    assert answer.counts
    assert (item.state, item.grant.state) == (ItemState.DECIDED, "active")
    assert (decision.outcome, decision.reason, decision.decided_by) == (
        "revoke",
        WHY,
        item.reviewer,
    )
    assert (decision.design_digest, decision.access_digest) == ("a" * 64, "b" * 64)
    entry = AuditEntry.objects.get()
    assert (entry.verb, entry.reason) == ("reviews.reviewitem.decided", WHY)
    assert entry.changes == {"state": ["open", "decided"], "outcome": [None, "revoke"]}
    assert not Draft.objects.exists()


def test_a_double_submit_answers_the_same_and_decides_once():
    draft = DraftFactory()
    item = draft.item

    first = items_submit(campaign_id=item.campaign_id, item_ids=[item.pk], actor=by(item))
    second = items_submit(campaign_id=item.campaign_id, item_ids=[item.pk], actor=by(item))

    assert [answer.counts for answer in [*first, *second]] == [True, True]
    assert second[0].why == "You decided this before."
    assert Decision.objects.count() == 1


@pytest.mark.parametrize(
    ("chosen", "needs"),
    [
        (keeping(reason="ok"), "a reason of at least 10 characters"),
        (keeping(until=None), "a date until which it is kept"),
        (keeping(until=soon(0)), "a date that is still to come"),
        (keeping(until=soon(91)), "a date within 90 days"),
        (Chosen(Outcome.REVOKE), "a reason"),
        (Chosen(Outcome.ABSTAIN), "a reason"),
        (Chosen(Outcome.ROTATE, reason=WHY), "a choice that fits"),
        (Chosen(Outcome.NARROW, reason=WHY), "what to narrow it to"),
        (Chosen(Outcome.NARROW, target={"level": "write"}, reason=WHY), "a level below"),
        (Chosen(Outcome.NARROW, target={"actions": ["a", "b"]}, reason=WHY), "fewer actions"),
    ],
)
def test_a_draft_that_is_not_whole_stays_a_draft_and_says_what_it_needs(chosen, needs):
    frozen = {"statements": [{"effect": "allow", "actions": ["a", "b"]}]}
    item = ReviewItemFactory(frozen=frozen)
    draft_save(item_id=item.pk, chosen=chosen, version=0, actor=by(item))

    answer = submit(item)

    assert not answer.counts
    assert needs in answer.why
    assert Draft.objects.exists()
    assert not Decision.objects.exists()


@pytest.mark.parametrize("target", [{"level": "read"}, {"actions": ["a"]}])
def test_a_narrowing_to_something_concrete_counts(target):
    frozen = {"statements": [{"effect": "allow", "actions": ["a", "b"]}]}
    item = ReviewItemFactory(frozen=frozen)
    draft_save(
        item_id=item.pk,
        chosen=Chosen(Outcome.NARROW, target=target, reason=WHY),
        version=0,
        actor=by(item),
    )

    assert submit(item).counts
    assert Decision.objects.get().target == target


def test_reading_may_be_kept_without_a_reason():
    item = ReviewItemFactory(grant=GrantFactory(read=True))
    draft_save(item_id=item.pk, chosen=Chosen(Outcome.KEEP), version=0, actor=by(item))

    assert submit(item).counts


def test_on_a_shared_identity_a_removal_says_whom_it_hits():
    item = ReviewItemFactory()
    BindingFactory(identity=item.grant.identity)
    draft_save(
        item_id=item.pk, chosen=Chosen(Outcome.REVOKE, reason=WHY), version=0, actor=by(item)
    )
    refused = submit(item)
    draft_save(
        item_id=item.pk,
        chosen=Chosen(Outcome.REVOKE, reason=WHY, hits="split"),
        version=1,
        actor=by(item),
    )

    assert "whom it hits, since 2 agents share it" in refused.why
    assert submit(item).counts
    assert Decision.objects.get().hits == "split"


def test_what_was_reassigned_meanwhile_is_refused_and_the_words_are_given_back():
    draft = DraftFactory()
    item, old = draft.item, draft.reviewer
    new = UserFactory(display_name="Head of support")
    item_reassign(item_id=item.pk, to_user_id=new.pk, reason=WHY, actor=Person(old))

    [answer] = items_submit(campaign_id=item.campaign_id, actor=Person(old))

    assert answer.why == "It was reassigned to Head of support meanwhile."
    assert answer.typed == draft.reason
    assert not Decision.objects.exists()


def test_a_subject_that_is_gone_voids_its_item_and_the_others_count():
    campaign = CampaignFactory(running=True)
    reviewer = UserFactory()
    gone, there = (ReviewItemFactory(campaign=campaign, reviewer=reviewer) for _ in range(2))
    for item in (gone, there):
        DraftFactory(item=item, reviewer=reviewer)
    gone.grant.gone_at = timezone.now()
    gone.grant.save()

    answers = items_submit(campaign_id=campaign.pk, actor=Person(reviewer))

    gone.refresh_from_db()
    there.refresh_from_db()
    assert [answer.counts for answer in answers] == [False, True]
    assert (gone.state, there.state) == (ItemState.VOID, ItemState.DECIDED)


def test_a_permission_that_changed_since_staging_is_not_certified():
    item = ReviewItemFactory(frozen={"content_sha256": "old"}, grant__content_sha256="new")
    DraftFactory(item=item)

    answer = submit(item)

    item.refresh_from_db()
    assert "changed since it was staged" in answer.why
    assert item.state == ItemState.OPEN


def test_ones_own_is_refused_and_rerouted_to_the_fallback():
    item = ReviewItemFactory()
    DraftFactory(item=item)
    item.grant.requested_by = item.reviewer
    item.grant.save()
    fallback = item.campaign.fallback_reviewer

    answer = submit(item)

    item.refresh_from_db()
    assert answer.why == "You asked for this access, so someone else must review it."
    assert (item.reviewer, item.found_by) == (fallback, FoundBy.SELF_REVIEW)
    assert Assignment.objects.get().reason == answer.why


def test_a_campaign_that_is_over_takes_no_decision():
    item = ReviewItemFactory(campaign=CampaignFactory(closed=True))
    DraftFactory(item=item)

    assert submit(item).why == "The campaign is closed: nothing is decided in it now."


def test_submitting_takes_the_same_number_of_queries_for_two_as_for_twenty(
    django_assert_max_num_queries,
):
    campaign = CampaignFactory(running=True)
    reviewer = UserFactory()
    for _ in range(20):
        DraftFactory(item=ReviewItemFactory(campaign=campaign, reviewer=reviewer))

    with django_assert_max_num_queries(22):
        answers = items_submit(campaign_id=campaign.pk, actor=Person(reviewer))

    assert all(answer.counts for answer in answers)
