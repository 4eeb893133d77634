import pytest
from django.core.exceptions import PermissionDenied

from apps.audit.models import AuditEntry
from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.notices.models import Notice
from apps.reviews.models import Assignment
from apps.reviews.services.items import draft_save, item_reassign, item_reroute, items_hand_over
from apps.reviews.states import FoundBy
from tests.factories.accounts import UserFactory
from tests.factories.reviews import ReviewItemFactory
from tests.reviews.choosing import WHY, by, keeping

pytestmark = pytest.mark.django_db


def test_ones_own_cannot_even_be_drafted_but_can_be_passed_on():
    item = ReviewItemFactory()
    item.agent.owner = item.reviewer
    item.agent.save()

    with pytest.raises(PermissionDenied, match="You own this agent"):
        draft_save(item_id=item.pk, chosen=keeping(), version=0, actor=by(item))
    item_reroute(item_id=item.pk, actor=by(item))

    item.refresh_from_db()
    assert item.reviewer == item.campaign.fallback_reviewer


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
