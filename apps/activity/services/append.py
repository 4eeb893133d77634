"""Taking records in: their headers and leaves, and one COPY for a batch."""

import logging
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial

from django.db import DataError, connection, transaction
from django.utils import timezone

from apps.activity.headers import (
    IDENTIFIER,
    NAME,
    Whose,
    body_of,
    commitment,
    fitted,
    header_of,
    interval_of,
    stamp_of,
    without_secrets,
    words_of,
)
from apps.activity.models import IngestRequest
from apps.activity.readings import Reading
from apps.activity.scrubbing import may_hold_secrets
from apps.activity.services.anyhow import made_anyhow
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.services.logs import leaves_append, log_lock

logger = logging.getLogger(__name__)

LOG, NULL, SALT = "activity", "\\N", 32
EVENT = (
    "log_id, leaf_index, recorded_at, happened_at, ended_at, kind, agent_id, identity_id,"
    " credential_id, system_id, trace_id, span_id, parent_id, correlation, carried_by, request_id,"
    " name, target, level, outcome, severity, address, header"
)
PAYLOAD = "log_id, leaf_index, recorded_at, salt, body"


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


@dataclass(frozen=True, slots=True)
class Row:
    """One record made ready: its leaf, and its lines for COPY but for its place in the log.

    `payload` is empty where there is none.
    """

    leaf: bytes
    event: bytes
    payload: bytes


@dataclass(frozen=True, slots=True)
class Ready:
    """A delivery made ready to be kept, which is most of the work and needs no database."""

    sender: str
    digest: bytes
    rows: Sequence[Row]


def delivery_ready(delivery: Delivery) -> Ready:
    """Make headers, leaves, and lines. Secrets are taken out before anything is committed to."""
    told, make = delivery.readings, partial(rows_of, now=timezone.now())
    try:
        rows = make(told)
    except Exception:  # noqa: BLE001 - it comes again for the record that it is of, and is told then
        rows = made_anyhow(make, told, is_held=delivery.is_held)
    return Ready(delivery.sender, delivery.digest, rows)


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
        rows = [
            row
            for one, receipt in zip(deliveries, receipts, strict=True)
            if not receipt.is_repeat
            for row in one.rows
        ]
        if rows:
            _copy(log.pk, leaves_append(log, [row.leaf for row in rows]), rows)
    return receipts


def ready_append_but(delivery: Ready) -> Receipt:
    """Keep all of one body but the records that the database can never hold.

    Raises what the database said where that is all of them, or none by itself.
    """
    with transaction.atomic():
        log = log_lock(LOG)
        good = _takeable(log, delivery.rows)
        (receipt,) = ready_append([replace(delivery, rows=good or delivery.rows)])
    if not receipt.is_repeat:
        logger.error("%d records of a body cannot be held.", len(delivery.rows) - len(good))
    return receipt


def _takeable(log: Log, rows: Sequence[Row]) -> list[Row]:
    """The rows that are taken when they are tried, half by half down to each that is not."""
    try:
        with transaction.atomic():
            _copy(log.pk, log.size, rows)
            transaction.set_rollback(True)
    except DataError:
        if len(rows) == 1:
            return []
        half = len(rows) // 2
        return _takeable(log, rows[:half]) + _takeable(log, rows[half:])
    return list(rows)


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
        key, count = (one.sender, one.digest), len(one.rows)
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
    recorded, stamp, salts = stamp_of(now), now.isoformat(), os.urandom(SALT * len(bodies))
    rows = []
    for at, (_, whose) in enumerate(readings):
        reading, body, salt = told[at], bodies[at], salts[at * SALT : (at + 1) * SALT]
        payload = commitment(salt, body) if body else ""
        header = header_of(reading, whose, recorded=recorded, payload=payload)
        event = f"{stamp}\t{_columns(reading, whose, now)}\t".encode()
        words = f"{stamp}\t\\\\x{salt.hex()}\t".encode() if body else b""
        rows.append(
            Row(
                leaf_hash(header),
                b"%b%b\n" % (event, _json(header)),
                b"%b%b\n" % (words, _json(body)) if body else b"",
            )
        )
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


def _columns(reading: Reading, whose: Whose, now: datetime) -> str:
    begun, ended = interval_of(reading, now)
    return "\t".join(
        (
            begun,
            ended,
            reading.kind,
            _number(whose.agent_id),
            _number(whose.identity_id),
            _number(whose.credential_id),
            _number(whose.system_id),
            reading.trace_id or NULL,
            reading.span_id,
            reading.parent_id,
            reading.correlation or NULL,
            reading.carried_by,
            _text(reading.request_id[:IDENTIFIER]),
            _text(reading.name[:NAME]),
            _text(reading.target[:NAME]),
            reading.level,
            reading.outcome,
            str(reading.severity),
            _text(reading.address[:64]),
        )
    )


def _copy(log_id: int, first: int, rows: Sequence[Row]) -> None:
    """Write the records; their place in the log stands before each."""
    # Django leaves errors of COPY as the driver has them.
    with connection.wrap_database_errors, connection.cursor() as cursor:
        with cursor.copy(f"COPY activity_event ({EVENT}) FROM STDIN") as copy:
            copy.write(lines_of(log_id, first, [row.event for row in rows]))
        with cursor.copy(f"COPY activity_payload ({PAYLOAD}) FROM STDIN") as copy:
            copy.write(lines_of(log_id, first, [row.payload for row in rows]))


def lines_of(log_id: int, first: int, lines: Sequence[bytes]) -> bytes:
    """Lines for COPY, each with its place in the log before it; one that is empty has none."""
    return b"".join(
        b"%d\t%d\t%b" % (log_id, leaf, line) for leaf, line in enumerate(lines, first) if line
    )


def _number(value: int | None) -> str:
    return NULL if value is None else str(value)


def _json(text: bytes) -> bytes:
    """A JSON text as COPY wants it: it holds no line break, tab, or NUL that is not escaped."""
    return text.replace(b"\\", b"\\\\")


def _text(value: str) -> str:
    """One value as COPY wants it; a NUL, which PostgreSQL cannot hold, becomes a blank."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value.replace("\0", " ")
