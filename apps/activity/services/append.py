"""Taking records in: their headers and leaves, and one COPY for a batch."""

import logging
import os
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from itertools import batched

from django.db import DataError, connection, transaction
from django.utils import timezone
from msgspec import Struct

from apps.activity.conventions.spans import TOGETHER
from apps.activity.headers import (
    SHORTEST,
    Whose,
    body_of,
    commitment,
    cut_short,
    fitted,
    header_of,
    stamp_of,
    without_secrets,
    words_of,
)
from apps.activity.models import IngestRequest
from apps.activity.readings import Reading
from apps.activity.scrubbing import may_hold_secrets
from apps.activity.services.anyhow import made_anyhow
from apps.activity.services.copying import (
    SALT,
    event_of,
    events_copy,
    payload_of,
    payloads_copy,
    placed,
    time_of,
)
from apps.proof.merkle import HASH, leaf_hash
from apps.proof.models import Log
from apps.proof.services.logs import leaves_append, log_lock
from apps.proof.tiles import split

logger = logging.getLogger(__name__)

LOG = "activity"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A body that came in: from whom, the SHA-256 of its exact bytes, and what it says of whom.

    `is_held` where it came of a file that can be brought in again.
    """

    sender: str
    digest: bytes
    readings: Sequence[tuple[Reading, Whose]]
    is_held: bool = False


@dataclass(frozen=True, slots=True)
class Receipt:
    """The leaves that hold a delivery, [first, first + count); a repeat is told those it has."""

    first: int
    count: int
    is_repeat: bool = False


class Row(Struct, gc=False):
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
    make = partial(rows_of, now=timezone.now())
    rows: list[Row] = []
    for told in batched(delivery.readings, TOGETHER):
        try:
            rows += make(told)
        except Exception:  # noqa: BLE001 - it comes again for the record it is of, and is told then
            rows += made_anyhow(make, told, is_held=delivery.is_held)
    return _ready(delivery.sender, delivery.digest, rows)


def _ready(sender: str, digest: bytes, rows: Sequence[Row]) -> Ready:
    return Ready(
        sender,
        digest,
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


def ready_append_but(delivery: Ready) -> Receipt:
    """Keep all of one body but the records that the database can never hold.

    Raises what the database said where that is all of them, or none by itself.
    """
    with transaction.atomic():
        log = log_lock(LOG)
        good = _takeable(log, delivery)
        (receipt,) = ready_append([_joined(good) if good else delivery])
    if not receipt.is_repeat:
        logger.error("%d records of a body cannot be held.", delivery.count - receipt.count)
    return receipt


def _takeable(log: Log, delivery: Ready) -> list[Ready]:
    """The parts that are taken when they are tried, half by half down to each that is not."""
    try:
        with transaction.atomic():
            _copy(log.pk, [(delivery, log.size)])
            transaction.set_rollback(True)
    except DataError:
        if delivery.count == 1:
            return []
        half = delivery.count // 2
        parts = _part(delivery, 0, half), _part(delivery, half, delivery.count)
        return [taken for part in parts for taken in _takeable(log, part)]
    return [delivery]


def _part(one: Ready, start: int, stop: int) -> Ready:
    """Its records from `start` up to `stop`."""
    events = slice(sum(one.event_sizes[:start]), sum(one.event_sizes[:stop]))
    payloads = slice(sum(one.payload_sizes[:start]), sum(one.payload_sizes[:stop]))
    return replace(
        one,
        leaves=one.leaves[start * HASH : stop * HASH],
        events=one.events[events],
        event_sizes=one.event_sizes[start:stop],
        payloads=one.payloads[payloads],
        payload_sizes=one.payload_sizes[start:stop],
    )


def _joined(parts: Sequence[Ready]) -> Ready:
    return replace(
        parts[0],
        leaves=b"".join([one.leaves for one in parts]),
        events=b"".join([one.events for one in parts]),
        event_sizes=array("L", [size for one in parts for size in one.event_sizes]),
        payloads=b"".join([one.payloads for one in parts]),
        payload_sizes=array("L", [size for one in parts for size in one.payload_sizes]),
    )


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
    owners = [whose for _, whose in readings]
    stamp, recorded, random = stamp_of(now), time_of(now), os.urandom(SALT * len(bodies))
    salts = [random[at : at + SALT] for at in range(0, len(random), SALT)]
    said = list(zip(salts, bodies, strict=True))
    payloads = [commitment(salt, body) if body else "" for salt, body in said]
    headers = [
        header_of(reading, whose, recorded=stamp, payload=payload)
        for reading, whose, payload in zip(told, owners, payloads, strict=True)
    ]
    events = [
        event_of(reading, whose, header, recorded)
        for reading, whose, header in zip(told, owners, headers, strict=True)
    ]
    words = [payload_of(salt, body, recorded) if body else b"" for salt, body in said]
    return list(map(Row, map(leaf_hash, headers), headers, events, words))


def _clean(readings: Sequence[Reading]) -> tuple[list[Reading], list[bytes]]:
    """The readings and their payloads, without secrets and within bounds.

    Most hold no secret, and are looked at once.
    """
    told, words = list(readings), [words_of(reading) for reading in readings]
    bodies = [body_of(reading) for reading in readings]
    if may_hold_secrets(b"\n".join([*bodies, "\n".join(words).encode()])):
        for at, body in enumerate(bodies):
            if may_hold_secrets(b"%b\n%b" % (body, words[at].encode())):
                told[at] = without_secrets(told[at])
                words[at], bodies[at] = words_of(told[at]), body_of(told[at])
    for at, said in enumerate(words):
        if len(said) > SHORTEST:
            told[at] = cut_short(told[at])
    return told, [fitted(body) for body in bodies]


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
