"""Many items at once: COPY takes them as they are made, several times faster than INSERT."""

import json
from collections.abc import Iterable
from typing import Any

from django.db import connection

from apps.reviews.models import ReviewItem
from apps.reviews.services.freezing.items import Row

PLAIN = (
    "campaign_id",
    "grant_id",
    "credential_id",
    "binding_id",
    "agent_id",
    "system_id",
    "level",
    "label",
    "subject_sha256",
    "design_digest",
    "access_digest",
    "reviewer_id",
    "found_by",
    "reassigned_count",
    "attester_id",
    "state",
    "disposition",
    "state_reason",
    "at_close",
    "carries_id",
)
COLUMNS = (*PLAIN, "frozen")


def items_write(rows: Iterable[Row]) -> None:
    """Store new items. They get no primary key here; nothing in staging asks for one."""
    table = ReviewItem._meta.db_table
    command = f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN"
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for row in rows:
            copy.write_row([*(row[name] for name in PLAIN), _text(row["frozen"])])


def _text(facts: dict[str, Any]) -> str:
    return json.dumps(facts, ensure_ascii=False)
