import pytest
from django.core.exceptions import PermissionDenied

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.reviews.choices import Chosen
from apps.reviews.models import Decision, Draft
from apps.reviews.services.drafts import StaleDraft
from apps.reviews.services.items import draft_clear, draft_save, drafts_revoke
from apps.reviews.states import Outcome
from tests.factories.accounts import UserFactory
from tests.factories.reviews import ReviewItemFactory
from tests.reviews.choosing import WHY, by, keeping, soon

pytestmark = pytest.mark.django_db


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
