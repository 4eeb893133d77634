import pytest
from django.core.exceptions import PermissionDenied

from apps.core.actors import Person
from apps.core.errors import DomainError
from apps.notices.models import Notice
from apps.reviews.models import ItemNote
from apps.reviews.services.assignments import item_reassign
from apps.reviews.services.items import item_note_add
from apps.reviews.states import NoteKind
from tests.factories.accounts import UserFactory
from tests.factories.inventory import BindingFactory
from tests.factories.reviews import CampaignFactory, ItemNoteFactory, ReviewItemFactory
from tests.reviews.choosing import WHY, by

pytestmark = pytest.mark.django_db


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


def test_what_is_written_about_single_items_stands_in_the_campaigns_contact_log(as_steward):
    campaign, other = CampaignFactory(running=True), UserFactory()
    unsure, asked, foreign, given = ReviewItemFactory.create_batch(4, campaign=campaign)
    question = ItemNoteFactory(item=asked, kind=NoteKind.QUESTION, author=asked.reviewer)
    item_note_add(item_id=unsure.pk, kind=NoteKind.QUESTION, text="Needed?", actor=by(unsure))
    item_note_add(
        item_id=asked.pk,
        kind=NoteKind.ANSWER,
        text="Until March.",
        answers_id=question.pk,
        actor=Person(asked.agent.owner),
    )
    item_note_add(item_id=foreign.pk, kind=NoteKind.NOT_MINE, text=WHY, actor=by(foreign))
    item_reassign(item_id=given.pk, to_user_id=other.pk, reason=WHY, actor=Person(campaign.run_by))

    page = as_steward.get(campaign.get_absolute_url())

    log = [(notice.address, notice.kind) for notice in page.context["notices"]]
    assert log[::-1] == [
        (unsure.agent.owner.email, "review-question"),
        (asked.reviewer.email, "review-answer"),
        (campaign.run_by.email, "review-not-mine"),
        (other.email, "review-reassigned"),
    ]
    assert f"A question about {unsure.label}" in page.text


def test_the_log_of_one_campaign_holds_nothing_of_another(as_steward):
    asked, other = ReviewItemFactory(), ReviewItemFactory()
    item_note_add(item_id=asked.pk, kind=NoteKind.QUESTION, text="Needed?", actor=by(asked))

    page = as_steward.get(other.campaign.get_absolute_url())

    assert list(page.context["notices"]) == []
