"""Who was asked, how they were found, and that they were told."""

from apps.evidence.content.files import Files
from apps.evidence.content.items import CHUNK
from apps.evidence.content.review import Review
from apps.reviews.models import Assignment, ItemNote
from apps.reviews.selectors.contacts import ITEM, contacts_of
from apps.reviews.states import FoundBy, NoteKind

ASSIGNMENTS = [
    "assignment",
    "item",
    "reviewer_id",
    "reviewer",
    "found_by",
    "how_found",
    "reason",
    "assigned_by",
    "since",
]
CONTACTS = [
    "notice",
    "item",
    "kind",
    "recipient_id",
    "recipient",
    "address",
    "subject",
    "created_at",
    "delivery",
    "attempts",
    "sent_at",
    "message_id",
    "server_answer",
]
NOTES = ["note", "item", "kind", "words", "text", "author", "addressee", "answers", "written_at"]


def write_assignments(files: Files, review: Review) -> None:
    rows = (
        Assignment.objects.filter(item__campaign=review.campaign)
        .order_by("pk")
        .values_list(
            "pk",
            "item_id",
            "reviewer_id",
            "reviewer__display_name",
            "found_by",
            "reason",
            "assigned_by__display_name",
            "since",
        )
    )
    with files.csv("data/assignments.csv", "Assignments", ASSIGNMENTS) as write:
        for pk, item, reviewer, name, found_by, reason, by, since in rows.iterator(CHUNK):
            how = FoundBy(found_by).label
            write([pk, item, reviewer, name, found_by, how, reason, by or "Countersign", since])


def write_contacts(files: Files, review: Review) -> None:
    rows = (
        contacts_of(review.campaign)
        .order_by("pk")
        .values_list(
            "about_type",
            "about_id",
            "pk",
            "kind",
            "recipient_id",
            "recipient__display_name",
            "address",
            "subject",
            "created_at",
            "delivery__status",
            "delivery__attempts",
            "delivery__sent_at",
            "delivery__message_id",
            "delivery__answer",
        )
    )
    if review.until:
        rows = rows.filter(created_at__lte=review.until)
    with files.csv("data/contacts.csv", "Contacts", CONTACTS) as write:
        for about, about_id, pk, *rest in rows.iterator(CHUNK):
            write([pk, about_id if about == ITEM else "", *rest])


def write_notes(files: Files, review: Review) -> None:
    rows = (
        ItemNote.objects.filter(item__campaign=review.campaign)
        .order_by("pk")
        .values_list(
            "pk",
            "item_id",
            "kind",
            "text",
            "author__display_name",
            "addressee__display_name",
            "answers_id",
            "written_at",
        )
    )
    with files.csv("data/notes.csv", "What was written beside items", NOTES) as write:
        for pk, item, kind, text, author, addressee, answers, at in rows.iterator(CHUNK):
            write([pk, item, kind, NoteKind(kind).label, text, author, addressee, answers, at])
