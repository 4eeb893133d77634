"""Who was told what, over which way, and what the server answered."""

from django.db.models import QuerySet

from apps.evidence.content.files import Files
from apps.evidence.content.items import CHUNK
from apps.notices.models import Notice

CONTACTS = [
    "notice",
    "about",
    "about_id",
    "kind",
    "by",
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


def write_notices(files: Files, rows: QuerySet[Notice]) -> None:
    values = rows.order_by("pk").values_list(
        "pk",
        "about_type",
        "about_id",
        "kind",
        "by",
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
    with files.csv("data/contacts.csv", "Contacts", CONTACTS) as write:
        for row in values.iterator(CHUNK):
            write(row)
