"""What people write beside an item: questions, answers, attestations, comments."""

from collections.abc import Callable

from django.db import transaction

from apps.accounts.models import User
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.links import public_url
from apps.core.policies import Verdict, enforce
from apps.notices.services import notice_send
from apps.reviews.choices import SHORTEST_REASON
from apps.reviews.models import ItemNote, ReviewItem
from apps.reviews.policies.items import (
    can_answer,
    can_ask,
    can_attest,
    can_comment,
    can_disown,
    owner_of,
)
from apps.reviews.states import NoteKind

MAY: dict[str, Callable[[Actor, ReviewItem], Verdict]] = {
    NoteKind.QUESTION: can_ask,
    NoteKind.ANSWER: can_answer,
    NoteKind.ATTESTATION: can_attest,
    NoteKind.COMMENT: can_comment,
    NoteKind.NOT_MINE: can_disown,
}
# Kinds that decide something for others, and so say more than a word.
WEIGHTY = {NoteKind.ATTESTATION, NoteKind.NOT_MINE}


@transaction.atomic
def item_note_add(
    *,
    item_id: int,
    kind: NoteKind,
    text: str,
    actor: Person,
    proposed_id: int | None = None,
    answers_id: int | None = None,
) -> ItemNote:
    """Write beside an item, for good. Questions, answers, and “not mine” are mailed.

    `proposed_id` is who should decide instead, for “not mine”; `answers_id` the question answered.
    """
    text = text.strip()
    if not text:
        raise DomainError("Write something first.")
    if kind in WEIGHTY and len(text) < SHORTEST_REASON:
        raise DomainError(f"Say it in at least {SHORTEST_REASON} characters.")
    item = ReviewItem.objects.with_subject().locked(item_id)
    enforce(MAY[kind](actor, item))
    question = _question(item, answers_id) if kind == NoteKind.ANSWER else None
    note = ItemNote.objects.create(
        item=item,
        kind=kind,
        text=text,
        author=actor.user,
        addressee=_addressee(item, kind, question, proposed_id),
        answers=question,
    )
    record(
        actor=actor,
        verb=Verb.ITEM_NOTED,
        target=item,
        changes={"note": (None, NoteKind(kind).label)},
        reason=text,
    )
    _mail(note, item, actor)
    return note


def _question(item: ReviewItem, question_id: int | None) -> ItemNote:
    question = ItemNote.objects.filter(
        item=item, pk=question_id or 0, kind=NoteKind.QUESTION
    ).select_related("author")
    found: ItemNote | None = question.first()
    if found is None:
        raise DomainError("There is no such question on this item.")
    return found


def _addressee(
    item: ReviewItem, kind: str, question: ItemNote | None, proposed_id: int | None
) -> User | None:
    if kind == NoteKind.QUESTION:
        owner: User = User.objects.get(pk=owner_of(item))
        return owner
    if question is not None:
        return question.author
    if kind == NoteKind.NOT_MINE and proposed_id is not None:
        person: User | None = User.objects.who_may_decide().filter(pk=proposed_id).first()
        if person is None:
            raise DomainError("Only an active reviewer or steward can be proposed.")
        return person
    return None


def _mail(note: ItemNote, item: ReviewItem, actor: Person) -> None:
    subject, recipient = {
        NoteKind.QUESTION: ("A question about", note.addressee),
        NoteKind.ANSWER: ("An answer about", note.addressee),
        NoteKind.NOT_MINE: ("Somebody else should decide", item.campaign.run_by),
    }.get(NoteKind(note.kind), ("", None))
    if recipient is None:
        return
    proposal = f"\n\nProposed instead: {note.addressee}." if note.kind == NoteKind.NOT_MINE else ""
    notice_send(
        kind=f"review-{note.kind.replace('_', '-')}",
        recipient=recipient,
        about=item,
        subject=f"{subject} {item.label}",
        body=(
            f"{actor} wrote beside “{item.label}” of “{item.campaign}”:\n\n{note.text}{proposal}"
            f"\n\n{public_url(item.get_absolute_url())}"
        ),
        dedupe_key=f"note:{note.pk}",
        actor=actor,
    )
