"""Records for tests of what is kept: many, with words, in months that are long over."""

import hashlib
from datetime import UTC, datetime

from django.db import connection

from apps.activity.headers import NOBODY
from apps.activity.readings import Reading
from apps.activity.services import append
from apps.activity.services.append import Delivery, deliveries_append

TRACE = "0af7651916cd43dd8448eb211c80319c"
JULY = datetime(2025, 7, 14, 12, tzinfo=UTC)


def records_come(count=1, *, words=True, whose=NOBODY, trace=TRACE, mark=""):
    """Records as an agent would deliver them, each with words of its own."""
    readings = [
        Reading(
            "action",
            f"deed {number}",
            1_752_494_400_000_000_000 + number,
            1_752_494_400_000_000_000 + number,
            trace_id=trace,
            span_id=f"{number + 1:016x}",
            body={"told": f"word {number}{mark}"} if words else {},
        )
        for number in range(count)
    ]
    digest = hashlib.sha256(repr((readings, mark)).encode()).digest()
    (receipt,) = deliveries_append(
        [Delivery("client:1", digest, [(one, whose) for one in readings])]
    )
    return receipt


def records_came(moment, count, monkeypatch, **said):
    """As `records_come`, at another time by the server's clock, in a month that has its tables."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT activity_make_partitions(%s, 1)", [moment.date()])
    with monkeypatch.context() as patched:
        patched.setattr(append.timezone, "now", lambda: moment)
        return records_come(count, mark=str(moment), **said)
