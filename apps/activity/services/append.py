"""Taking records in: their headers and leaves, and one COPY for a batch."""

import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.utils import timezone

from apps.activity.headers import (
    Whose,
    body_of,
    commitment,
    fitted,
    header_of,
    stamp_of,
    without_secrets,
    words_of,
)
from apps.activity.models import IngestRequest
from apps.activity.readings import Reading
from apps.activity.scrubbing import may_hold_secrets
from apps.activity.services.copying import (
    SALT,
    event_of,
    events_copy,
    owners_of,
    payload_of,
    payloads_copy,
    placed,
    time_of,
)
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.services.logs import leaves_append, log_lock
from apps.proof.tiles import split

LOG = "activity"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body that came in: from whom, the SHA-256 of its exact bytes, and what it says of whom."""

    sender: str
    digest: bytes
    readings: Sequence[tuple[Reading, Whose]]


@dataclass(frozen=True, slots=True)
class Receipt:
    """The leaves that hold a delivery, [first, first + count); a repeat is told those it has."""

    first: int
    count: int
    is_repeat: bool = False


class Row(NamedTuple):
    """One record made ready: its leaf, its header, and its tuples for COPY, not in place yet.

    `payload` is empty where there is none.
    """

    leaf: bytes
    header: bytes
    event: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery made ready to be kept, which is most of the work and needs no database.

    The leaves and tuples of its records stand one after another: few pieces go from process to
    process quicker than many. `event_sizes` and `payload_sizes` tell how long each tuple is.
    """

    sender: str
    digest: bytes
    leaves: bytes
    events: bytes
    event_sizes: array[int]
    payloads: bytes
    payload_sizes: array[int]

    @property
    def count(self) -> int:
        return len(self.event_sizes)


def delivery_ready(delivery: Delivery) -> Ready:
    """Make headers, leaves, and tuples. Secrets are taken out before anything is committed to."""
    rows = rows_of(delivery.readings, timezone.now())
    return Ready(
        delivery.sender,
        delivery.digest,
        b"".join([row.leaf for row in rows]),
        b"".join([row.event for row in rows]),
        array("L", [len(row.event) for row in rows]),
        b"".join([row.payload for row in rows]),
        array("L", [len(row.payload) for row in rows]),
    )


def deliveries_append(deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Keep these bodies for good: see `ready_append`."""
    return ready_append([delivery_ready(one) for one in deliveries])


def ready_append(deliveries: Sequence[Ready]) -> list[Receipt]:
    """Keep these bodies for good, in one transaction; one that came before is not kept again.

    When it returns, all is committed and stands in the log, whose head is held for the COPY alone.
    """
    with transaction.atomic():
        log = log_lock(LOG)
        receipts = _receipts(deliveries, log)
        fresh = [
            (one, receipt.first)
            for one, receipt in zip(deliveries, receipts, strict=True)
            if not receipt.is_repeat
        ]
        if fresh:
            leaves_append(log, split(b"".join([one.leaves for one, _ in fresh])))
            _copy(log.pk, fresh)
    return receipts


def _receipts(deliveries: Sequence[Ready], log: Log) -> list[Receipt]:
    """What each delivery is told, noted for when it comes again. The log's head is held."""
    kept = IngestRequest.objects.filter(
        sender__in={one.sender for one in deliveries},
        digest__in={one.digest for one in deliveries},
    )
    known = {
        (sender, bytes(digest)): Receipt(first, count, is_repeat=True)
        for sender, digest, first, count in kept.values_list(
            "sender", "digest", "first_leaf", "count"
        )
    }
    receipts, fresh, first = [], [], log.size
    for one in deliveries:
        key, count = (one.sender, one.digest), one.count
        if key not in known:
            receipts.append(Receipt(first, count))
            known[key] = Receipt(first, count, is_repeat=True)
            fresh.append(_noted(one, receipts[-1], log.pk))
            first += count
        else:
            receipts.append(known[key])
    IngestRequest.objects.bulk_create(fresh)
    return receipts


def _noted(delivery: Ready, receipt: Receipt, log_id: int) -> IngestRequest:
    return IngestRequest(
        sender=delivery.sender,
        digest=delivery.digest,
        log_id=log_id,
        first_leaf=receipt.first,
        count=receipt.count,
    )


def rows_of(readings: Sequence[tuple[Reading, Whose]], now: datetime) -> list[Row]:
    """The records as they are kept, when they came in at that moment."""
    told, bodies = _clean([reading for reading, _ in readings])
    stamp, recorded, salts = stamp_of(now), time_of(now), os.urandom(SALT * len(bodies))
    rows = []
    for at, (_, whose) in enumerate(readings):
        reading, body, salt = told[at], bodies[at], salts[at * SALT : (at + 1) * SALT]
        payload = commitment(salt, body) if body else ""
        header = header_of(reading, whose, recorded=stamp, payload=payload)
        owners = owners_of(whose.agent_id, whose.identity_id, whose.credential_id, whose.system_id)
        event = event_of(reading, owners, header, recorded)
        words = payload_of(salt, body, recorded) if body else b""
        rows.append(Row(leaf_hash(header), header, event, words))
    return rows


def _clean(readings: Sequence[Reading]) -> tuple[Sequence[Reading], list[bytes]]:
    """The readings and their payloads without secrets; most hold none, and are looked at once."""
    bodies = [body_of(reading) for reading in readings]
    words = [words_of(reading).encode() for reading in readings]
    if may_hold_secrets(b"\n".join([*bodies, *words])):
        told = list(readings)
        for at, reading in enumerate(readings):
            if may_hold_secrets(b"%b\n%b" % (bodies[at], words[at])):
                told[at] = without_secrets(reading)
                bodies[at] = body_of(told[at])
        readings = told
    return readings, [fitted(body) for body in bodies]


def _copy(log_id: int, deliveries: Sequence[tuple[Ready, int]]) -> None:
    """Write the records of deliveries, each from its first leaf on."""
    # Django leaves errors of COPY as the driver has them.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        events_copy(
            cursor,
            "activity_event",
            (placed(log_id, first, one.events, one.event_sizes) for one, first in deliveries),
        )
        payloads_copy(
            cursor,
            "activity_payload",
            (placed(log_id, first, one.payloads, one.payload_sizes) for one, first in deliveries),
        )
