from datetime import timedelta

import pytest
from django.core.exceptions import PermissionDenied
from django.utils import timezone

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.notices.models import Notice
from apps.reviews.choices import Chosen
from apps.reviews.models import Assignment, Decision, Draft, ItemNote
from apps.reviews.services.drafts import StaleDraft
from apps.reviews.services.items import (
    draft_clear,
    draft_save,
    drafts_revoke,
    item_note_add,
    item_reassign,
    item_reroute,
    items_hand_over,
    items_submit,
)
from apps.reviews.states import FoundBy, ItemState, NoteKind, Outcome
from tests.factories.accounts import UserFactory
from tests.factories.grants import GrantFactory
from tests.factories.inventory import BindingFactory
from tests.factories.reviews import (
    CampaignFactory,
    DraftFactory,
    ItemNoteFactory,
    ReviewItemFactory,
)

pytestmark = pytest.mark.django_db

WHY = "It sets the priority of tickets."


def soon(days=30):
    return timezone.localdate() + timedelta(days=days)


def by(item):
    return Person(item.reviewer)


def keeping(**changes):
    return Chosen(Outcome.KEEP, **{"until": soon(), "reason": WHY, **changes})


def submit(item):
    [answer] = items_submit(campaign_id=item.campaign_id, actor=by(item))
    return answer


def test_a_draft_is_private_and_writes_no_entry():
    item = ReviewItemFactory()

    draft = draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=by(item))

    assert (draft.outcome, draft.until, draft.reason, draft.version) == ("keep", soon(), WHY, 1)
    assert not AuditEntry.objects.exists()
    assert not Decision.objects.exists()


def test_saving_the_same_draft_twice_changes_nothing():
    item = ReviewItemFactory()

    for _ in range(2):
        draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=by(item))

    assert Draft.objects.get().version == 1


def test_a_second_tab_is_told_that_its_draft_is_stale_and_changes_nothing():
    item = ReviewItemFactory()
    draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=by(item))

    with pytest.raises(StaleDraft, match="another tab"):
        draft_save(
            item_id=item.pk, chosen=Chosen(Outcome.REVOKE, reason=WHY), version=0, actor=by(item)
        )

    assert Draft.objects.get().outcome == "keep"


def test_undo_takes_a_draft_away_but_never_one_changed_elsewhere():
    item = ReviewItemFactory()
    draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=by(item))

    with pytest.raises(StaleDraft):
        draft_clear(item_id=item.pk, version=7, actor=by(item))
    draft_clear(item_id=item.pk, version=1, actor=by(item))
    draft_clear(item_id=item.pk, version=1, actor=by(item))

    assert not Draft.objects.exists()


def test_only_the_reviewer_drafts():
    item = ReviewItemFactory()

    with pytest.raises(PermissionDenied, match="someone else"):
        draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=Person(UserFactory()))


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


def test_ones_own_cannot_even_be_drafted_but_can_be_passed_on():
    item = ReviewItemFactory()
    item.agent.owner = item.reviewer
    item.agent.save()

    with pytest.raises(PermissionDenied, match="You own this agent"):
        draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=by(item))
    item_reroute(item_id=item.pk, actor=by(item))

    item.refresh_from_db()
    assert item.reviewer == item.campaign.fallback_reviewer


def test_a_campaign_that_is_over_takes_no_decision():
    item = ReviewItemFactory(campaign=CampaignFactory(closed=True))
    DraftFactory(item=item)

    assert submit(item).why == "The campaign is closed: nothing is decided in it now."


def test_several_are_revoked_with_one_reason_and_stay_drafts():
    first = ReviewItemFactory()
    second = ReviewItemFactory(campaign=first.campaign, reviewer=first.reviewer)
    stranger = ReviewItemFactory(campaign=first.campaign)

    count = drafts_revoke(
        campaign_id=first.campaign_id,
        item_ids=[first.pk, second.pk, stranger.pk],
        reason=WHY,
        hits="",
        actor=by(first),
    )

    assert count == 2
    assert set(Draft.objects.values_list("item", "outcome")) == {
        (first.pk, "revoke"),
        (second.pk, "revoke"),
    }


def test_an_item_is_reassigned_at_most_twice_with_mail_and_entry(steward):
    item = ReviewItemFactory(reassigned_count=1)
    person, another = UserFactory.create_batch(2)
    item_reassign(item_id=item.pk, to_user_id=person.pk, reason=WHY, actor=Person(steward))

    with pytest.raises(PermissionDenied, match="reassigned twice"):
        item_reassign(item_id=item.pk, to_user_id=another.pk, reason=WHY, actor=Person(steward))

    item.refresh_from_db()
    assert (item.reviewer, item.reassigned_count) == (person, 2)
    assert Assignment.objects.get().reason == WHY
    assert Notice.objects.get().recipient == person
    assert AuditEntry.objects.get().verb == "reviews.reviewitem.reassigned"


def test_nobody_is_given_their_own_to_judge(steward):
    item = ReviewItemFactory()

    with pytest.raises(DomainError, match="nobody judges their own"):
        item_reassign(
            item_id=item.pk, to_user_id=item.agent.owner.pk, reason=WHY, actor=Person(steward)
        )


def test_a_stranger_may_not_reassign():
    item = ReviewItemFactory()

    with pytest.raises(PermissionDenied, match="may reassign"):
        item_reassign(
            item_id=item.pk, to_user_id=UserFactory().pk, reason=WHY, actor=Person(UserFactory())
        )


def test_handing_over_takes_open_items_and_attestations_but_no_reassignment(system):
    item = ReviewItemFactory()
    attested = ReviewItemFactory(campaign=item.campaign, attester=item.reviewer)
    leaving, taking = item.reviewer, UserFactory()

    count = items_hand_over(
        from_user_id=leaving.pk, to_user_id=taking.pk, reason="They left.", actor=system
    )

    item.refresh_from_db()
    attested.refresh_from_db()
    assert count == 1
    assert (item.reviewer, item.found_by, item.reassigned_count) == (taking, FoundBy.TAKEOVER, 0)
    assert attested.attester == taking


def test_what_the_successor_may_not_judge_goes_to_the_fallback(system):
    item = ReviewItemFactory()

    items_hand_over(
        from_user_id=item.reviewer.pk,
        to_user_id=item.agent.owner.pk,
        reason="They left.",
        actor=system,
    )

    item.refresh_from_db()
    assert item.reviewer == item.campaign.fallback_reviewer


def test_a_question_is_mailed_to_the_owner():
    item = ReviewItemFactory()

    question = item_note_add(
        item_id=item.pk, kind=NoteKind.QUESTION, text="Still needed?", actor=by(item)
    )

    assert question.addressee == item.agent.owner
    assert Notice.objects.get().recipient == item.agent.owner


def test_the_owners_answer_is_kept_beside_the_item_and_mailed_to_whoever_asked():
    item = ReviewItemFactory()
    question = ItemNoteFactory(item=item, kind=NoteKind.QUESTION, author=item.reviewer)

    answer = item_note_add(
        item_id=item.pk,
        kind=NoteKind.ANSWER,
        text="Until March.",
        answers_id=question.pk,
        actor=Person(item.agent.owner),
    )

    assert (answer.addressee, answer.answers) == (item.reviewer, question)
    assert Notice.objects.get().recipient == item.reviewer


def test_only_the_owner_attests_and_in_more_than_a_word():
    item = ReviewItemFactory()

    with pytest.raises(PermissionDenied, match="Only the agent's owner"):
        item_note_add(item_id=item.pk, kind=NoteKind.ATTESTATION, text=WHY, actor=by(item))
    with pytest.raises(DomainError, match="at least 10"):
        item_note_add(
            item_id=item.pk, kind=NoteKind.ATTESTATION, text="Yes.", actor=Person(item.attester)
        )
    item_note_add(item_id=item.pk, kind=NoteKind.ATTESTATION, text=WHY, actor=Person(item.attester))

    assert ItemNote.objects.get().text == WHY


def test_not_mine_proposes_somebody_to_whoever_runs_the_campaign():
    item = ReviewItemFactory()
    proposed = UserFactory()

    note = item_note_add(
        item_id=item.pk,
        kind=NoteKind.NOT_MINE,
        text="The helpdesk owns this.",
        proposed_id=proposed.pk,
        actor=by(item),
    )

    item.refresh_from_db()
    assert note.addressee == proposed
    assert Notice.objects.get().recipient == item.campaign.run_by
    assert item.reviewer != proposed


def test_the_owner_of_another_agent_behind_a_shared_identity_sees_and_comments():
    item = ReviewItemFactory()
    other = BindingFactory(identity=item.grant.identity).agent.owner

    seen = type(item).objects.visible_to(Person(other))
    item_note_add(item_id=item.pk, kind=NoteKind.COMMENT, text="We use it.", actor=Person(other))

    assert list(seen) == [item]
    assert ItemNote.objects.get().author == other


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
