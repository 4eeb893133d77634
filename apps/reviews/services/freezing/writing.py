"""Many items at once: COPY takes them as they are made, several times faster than INSERT."""

from collections.abc import Collection

from django.db import connection

from apps.reviews.models import ReviewItem
from apps.reviews.services.freezing.items import NewItem
from apps.reviews.states import ItemState

VARYING = (
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
    "attester_id",
)
AT_FIRST = {
    "reassigned_count": 0,
    "state": ItemState.OPEN.value,
    "disposition": "",
    "state_reason": "",
    "at_close": "",
}
COLUMNS = (*VARYING, "frozen", *AT_FIRST)


def items_write(items: Collection[NewItem]) -> None:
    """Store new items, made before: nothing else may be asked of the connection meanwhile.

    They get no primary key here; nothing in staging asks for one.
    """
    table = ReviewItem._meta.db_table
    command = f"COPY {table} ({', '.join(COLUMNS)}) FROM STDIN"
    at_first = tuple(AT_FIRST.values())
    with connection.cursor() as cursor, cursor.copy(command) as copy:
        for item in items:
            copy.write_row((*map(item.columns.get, VARYING), item.text, *at_first))
