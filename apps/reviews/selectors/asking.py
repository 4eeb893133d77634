"""What a review asks of an agent's owner: to attest a need, to answer a question."""

from django.db.models import Exists, OuterRef, Q, QuerySet

from apps.accounts.models import User
from apps.core.actors import Person
from apps.reviews.models import Campaign, ItemNote, ReviewItem
from apps.reviews.states import NoteKind


def items_asking(actor: Person, campaign: Campaign) -> QuerySet[ReviewItem]:
    """Open items whose need this owner has yet to attest, or that hold a question to them."""
    notes = ItemNote.objects.filter(item=OuterRef("pk"))
    attested = Exists(notes.filter(kind=NoteKind.ATTESTATION, author=actor.user))
    return (
        ReviewItem.objects.waiting()
        .with_subject()
        .annotate(is_asked=Exists(_unanswered(actor.user, notes)), is_attested=attested)
        .filter(Q(attester=actor.user, is_attested=False) | Q(is_asked=True), campaign=campaign)
        .order_by("agent__name", "pk")
    )


def _unanswered(user: User, notes: QuerySet[ItemNote]) -> QuerySet[ItemNote]:
    answered = ItemNote.objects.filter(answers=OuterRef("pk"))
    return notes.filter(kind=NoteKind.QUESTION, addressee=user).exclude(Exists(answered))
