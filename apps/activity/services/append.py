"""Taking records in: their headers and leaves, and one COPY for a batch."""

import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import orjson
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone

from apps.activity.headers import (
    IDENTIFIER,
    NAME,
    Whose,
    body_of,
    commitment,
    header_of,
    moment_of,
    stamp_of,
    words_of,
)
from apps.activity.models import IngestRequest
from apps.activity.readings import Reading
from apps.activity.scrubbing import scrubber_of
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.services.logs import leaves_append, log_lock

LOG, NULL, SALT = "activity", "\\N", 32
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
    bodies = [body_of(reading) for reading, _ in readings]
    scrub = scrubber_of([*bodies, *(words_of(reading) for reading, _ in readings)])
    if scrub is not None:
        bodies = [scrub(body) for body in bodies]
    recorded, salts = stamp_of(now), os.urandom(SALT * len(bodies))
    rows = []
    for at, (reading, whose) in enumerate(readings):
        body, salt = bodies[at], salts[at * SALT : (at + 1) * SALT]
        payload = commitment(salt, body) if body else ""
        header = header_of(reading, whose, recorded=recorded, payload=payload)
        said = _shown(reading)
        if scrub is not None:
            clean = scrub(header.decode()).encode()
            said = said if clean == header else _shown_of(clean)
            header = clean
        rows.append(
            _Row(
                leaf_hash(header),
                _event_line(reading, whose, said=said, header=header.decode(), now=now),
                f"\\\\x{salt.hex()}\t{_json(body)}\n" if body else "",
            )
        )
    return rows


def _shown(reading: Reading) -> tuple[str, ...]:
    return reading.request_id, reading.name, reading.target, reading.address


def _shown_of(header: bytes) -> tuple[str, ...]:
    """The same once secrets have left it."""
    said = orjson.loads(header)
    return tuple(said.get(name, "") for name in ("request", "name", "target", "address"))


def _event_line(
    reading: Reading, whose: Whose, *, said: tuple[str, ...], header: str, now: datetime
) -> str:
    request, name, target, address = said
    happened = moment_of(reading.happened_at, now)
    ended = moment_of(reading.ended_at, happened)
    event = (
        happened.isoformat(),
        (ended if ended > happened else happened).isoformat(),
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
        _text(address[:64]),
        _json(header),
    )
    return "\t".join(event) + "\n"


def _copy(log_id: int, first: int, rows: Sequence[_Row], now: datetime) -> None:
    """Write the records; their place in the log stands before each."""
    stamp = now.isoformat()
    # Django leaves errors of COPY as the driver has them.
    with connection.wrap_database_errors, connection.cursor() as cursor:
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


def _json(text: str) -> str:
    """A JSON text as COPY wants it: it holds no line break, tab, or NUL that is not escaped."""
    return text.replace("\\", "\\\\")


def _text(value: str) -> str:
    """One value as COPY wants it; a NUL, which PostgreSQL cannot hold, becomes a blank."""
    if "\\" in value:
        value = value.replace("\\", "\\\\")
    if "\n" in value or "\t" in value or "\r" in value:
        value = value.replace("\n", "\\n").replace("\t", "\\t").replace("\r", "\\r")
    return value.replace("\0", " ")
