"""Taking records in: their headers and leaves, and one COPY for a batch."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from apps.activity.headers import IDENTIFIER, NAME, Whose, body_of, commitment, header_of, moment_of
from apps.activity.models import IngestRequest
from apps.activity.readings import Reading
from apps.activity.scrubbing import scrubbed_all
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.services.logs import leaves_append, log_lock

LOG, NULL = "activity", "\\N"
EVENT = (
    "log_id, leaf_index, recorded_at, happened_at, ended_at, kind, agent_id, identity_id,"
    " credential_id, system_id, trace_id, span_id, parent_id, correlation, carried_by, request_id,"
    " name, target, level, outcome, severity, address, header"
)
PAYLOAD = "log_id, leaf_index, recorded_at, salt, body"


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


@dataclass(slots=True)
class _Row:
    """One record made ready: all of its lines for COPY but the leaf's index, and its leaf."""

    leaf: bytes
    event: str
    payload: str


def deliveries_append(deliveries: Sequence[Delivery]) -> list[Receipt]:
    """Keep these bodies for good, in one transaction; one that came before is not kept again.

    When it returns, all is committed and stands in the log. Headers are made and hashed before
    anything is locked; the head of the log is held for the COPY alone.
    """
    now = timezone.now()
    ready = [_rows(one.readings, now) for one in deliveries]
    with transaction.atomic():
        log = log_lock(LOG)
        receipts = _receipts(deliveries, ready, log)
        rows = [
            row
            for prepared, receipt in zip(ready, receipts, strict=True)
            if not receipt.is_repeat
            for row in prepared
        ]
        if rows:
            _copy(log.pk, leaves_append(LOG, [row.leaf for row in rows]), rows, now)
    return receipts


def _receipts(
    deliveries: Sequence[Delivery], ready: Sequence[list[_Row]], log: Log
) -> list[Receipt]:
    """What each delivery is told, noted for when it comes again. The log's head is held."""
    sent = Q()
    for one in deliveries:
        sent |= Q(sender=one.sender, digest=one.digest)
    known = {
        (one.sender, bytes(one.digest)): Receipt(one.first_leaf, one.count, is_repeat=True)
        for one in IngestRequest.objects.filter(sent)
    }
    receipts, fresh, first = [], [], log.size
    for one, prepared in zip(deliveries, ready, strict=True):
        key = one.sender, one.digest
        if key not in known:
            receipts.append(Receipt(first, len(prepared)))
            known[key] = Receipt(first, len(prepared), is_repeat=True)
            fresh.append(_noted(one, receipts[-1], log.pk))
            first += len(prepared)
        else:
            receipts.append(known[key])
    IngestRequest.objects.bulk_create(fresh)
    return receipts


def _noted(delivery: Delivery, receipt: Receipt, log_id: int) -> IngestRequest:
    return IngestRequest(
        sender=delivery.sender,
        digest=delivery.digest,
        log_id=log_id,
        first_leaf=receipt.first,
        count=receipt.count,
    )


def _rows(readings: Sequence[tuple[Reading, Whose]], now: datetime) -> list[_Row]:
    """Headers, leaves, and lines. Secrets are taken out before anything is committed to."""
    bodies, _ = scrubbed_all([body_of(reading) for reading, _ in readings])
    entropy = os.urandom(32 * len(bodies))
    salts = [entropy[at : at + 32] for at in range(0, len(entropy), 32)]
    told = [
        header_of(
            reading, whose, recorded_at=now, payload=commitment(salt, body) if body else ""
        ).decode()
        for (reading, whose), salt, body in zip(readings, salts, bodies, strict=True)
    ]
    headers, _ = scrubbed_all(told)
    return [
        _row(
            *readings[at],
            header=header,
            salt=salts[at],
            body=bodies[at],
            now=now,
            is_scrubbed=header != told[at],
        )
        for at, header in enumerate(headers)
    ]


def _row(
    reading: Reading,
    whose: Whose,
    *,
    header: str,
    salt: bytes,
    body: str,
    now: datetime,
    is_scrubbed: bool,
) -> _Row:
    name, target, request = reading.name, reading.target, reading.request_id
    if is_scrubbed:
        said = orjson.loads(header)
        name, target, request = (said.get(key, "") for key in ("name", "target", "request"))
    happened = moment_of(reading.happened_at, now)
    event = (
        happened.isoformat(),
        max(moment_of(reading.ended_at, happened), happened).isoformat(),
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
        _text(request[:IDENTIFIER]),
        _text(name[:NAME]),
        _text(target[:NAME]),
        reading.level,
        reading.outcome,
        str(reading.severity),
        _text(reading.address[:64]),
        _text(header),
    )
    payload = f"\\\\x{salt.hex()}\t{_text(body)}\n" if body else ""
    return _Row(leaf_hash(header.encode()), "\t".join(event) + "\n", payload)


def _copy(log_id: int, first: int, rows: Sequence[_Row], now: datetime) -> None:
    """Write the records; their place in the log stands before each."""
    stamp = now.isoformat()
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY activity_event ({EVENT}) FROM STDIN") as copy:
            copy.write("".join(_lines(log_id, first, stamp, [row.event for row in rows])))
        with cursor.copy(f"COPY activity_payload ({PAYLOAD}) FROM STDIN") as copy:
            copy.write("".join(_lines(log_id, first, stamp, [row.payload for row in rows])))


def _lines(log_id: int, first: int, stamp: str, lines: Sequence[str]) -> Iterator[str]:
    for leaf, line in enumerate(lines, first):
        if line:
            yield f"{log_id}\t{leaf}\t{stamp}\t{line}"


def _number(value: int | None) -> str:
    return NULL if value is None else str(value)


def _text(value: str) -> str:
    """One value as COPY wants it; a NUL, which PostgreSQL cannot hold, becomes a blank."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value.replace("\0", " ")
