"""What waits for one person in the reviews that run: the first thing a manager sees."""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Count, Exists, OuterRef, Q
from django.urls import reverse

from apps.core.actors import Actor, Person
from apps.reviews.models import Campaign, ItemNote, ReviewItem
from apps.reviews.states import CampaignState, NoteKind


@dataclass(frozen=True, slots=True)
class Waiting:
    """`kind` is decide, attest, or answer; `href` leads to the work."""

    kind: str
    says: str
    campaign: Campaign
    count: int
    due_at: datetime
    href: str


def waiting_for(actor: Actor) -> list[Waiting]:
    """Everything open for this person, the nearest deadline first."""
    if not isinstance(actor, Person):
        return []
    user = actor.user
    open_items = ReviewItem.objects.waiting().filter(campaign__state=CampaignState.RUNNING)
    notes = ItemNote.objects.filter(item=OuterRef("pk"))
    attested = Exists(notes.filter(kind=NoteKind.ATTESTATION, author=user))
    rows = [
        ("decide", "to decide", open_items.filter(reviewer=user)),
        ("attest", "to attest", open_items.filter(attester=user).exclude(attested)),
        ("answer", "to answer", open_items.filter(Exists(_unanswered(user, notes)))),
    ]
    found = [
        (kind, says, row["campaign"], row["n"])
        for kind, says, items in rows
        for row in items.order_by().values("campaign").annotate(n=Count("pk"))
    ]
    campaigns = Campaign.objects.in_bulk({one[2] for one in found})
    return sorted(
        (
            Waiting(kind, says, campaigns[pk], count, campaigns[pk].deadline_at, _href(kind, pk))
            for kind, says, pk, count in found
        ),
        key=lambda one: (one.due_at, one.kind),
    )


def items_asking(actor: Person, campaign: Campaign):
    """Items whose need this owner has yet to attest, or that hold a question to them."""
    notes = ItemNote.objects.filter(item=OuterRef("pk"))
    attested = Exists(notes.filter(kind=NoteKind.ATTESTATION, author=actor.user))
    return (
        ReviewItem.objects.waiting()
        .with_subject()
        .annotate(is_asked=Exists(_unanswered(actor.user, notes)), is_attested=attested)
        .filter(Q(attester=actor.user, is_attested=False) | Q(is_asked=True), campaign=campaign)
        .order_by("agent__name", "pk")
    )


def _unanswered(user, notes):
    answered = ItemNote.objects.filter(answers=OuterRef("pk"))
    return notes.filter(kind=NoteKind.QUESTION, addressee=user).exclude(Exists(answered))


def _href(kind: str, campaign_id: int) -> str:
    name = "reviews:bench" if kind == "decide" else "reviews:bench_owner"
    return reverse(name, args=[campaign_id])
