"""Records as COPY takes them in PostgreSQL's binary format, which it reads in two thirds of the
time of text.

Source: the documentation of PostgreSQL, COPY, "Binary Format". Numbers are big-endian; a tuple is
the number of its fields and, of each, its length in bytes and its value; times are microseconds
since 2000.
"""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from struct import Struct
from typing import Any

from apps.activity.headers import FIRST_IMPOSSIBLE, Whose
from apps.activity.readings import Reading

EVENT = (
    "log_id, leaf_index, recorded_at, happened_at, ended_at, severity, agent_id, identity_id,"
    " credential_id, system_id, trace_id, correlation, span_id, parent_id, request_id, kind,"
    " carried_by, name, target, level, outcome, address, header"
)
PAYLOAD = "log_id, leaf_index, recorded_at, salt, body"
SALT = 32

BEGIN, END = b"PGCOPY\n\xff\r\n\0" + bytes(8), b"\xff\xff"
SIZE = Struct(">i")
NULL, NOTHING = SIZE.pack(-1), SIZE.pack(0)
NUMBER = Struct(">iq")
# How a tuple begins: how many fields there are, its log, and its leaf. Which leaf is known last:
# the log and the leaf are written over what stands there.
BEGINS = Struct(">hiiiq")
PLACE, PLACE_AT = Struct(">iiq"), 6
# When it was recorded, happened, and ended; the severity.
TIMES = Struct(">iqiqiqih")
# When it was recorded, the salt, and how long the body is.
WORDS = Struct(f">iqi{SALT}si")
EVENT_BEGINS = BEGINS.pack(EVENT.count(",") + 1, 4, 0, 8, 0)
PAYLOAD_BEGINS = BEGINS.pack(PAYLOAD.count(",") + 1, 4, 0, 8, 0)
EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
UNIX_EPOCH = 946_684_800 * 10**6


def time_of(moment: datetime) -> int:
    """A moment as PostgreSQL counts it."""
    return (moment - EPOCH) // timedelta(microseconds=1)


def event_of(reading: Reading, whose: Whose, header: bytes, recorded: int) -> bytes:
    """The tuple of an event, not in its place yet."""
    begun, ended = reading.happened_at, reading.ended_at
    begun = begun // 1000 - UNIX_EPOCH if 0 < begun < FIRST_IMPOSSIBLE else recorded
    ended = ended // 1000 - UNIX_EPOCH if 0 < ended < FIRST_IMPOSSIBLE else begun
    return b"".join(
        (
            EVENT_BEGINS,
            # None ends before it begins.
            TIMES.pack(8, recorded, 8, begun, 8, max(begun, ended), 2, reading.severity),
            _owners(whose.agent_id, whose.identity_id, whose.credential_id, whose.system_id),
            _uuid(reading.trace_id),
            _uuid(reading.correlation),
            _text(reading.span_id),
            _text(reading.parent_id),
            _text(reading.request_id),
            _words(
                reading.kind,
                reading.carried_by,
                reading.name,
                reading.target,
                reading.level,
                reading.outcome,
                reading.address,
            ),
            SIZE.pack(len(header)),
            header,
        )
    )


def payload_of(salt: bytes, body: bytes, recorded: int) -> bytes:
    """The tuple of a payload, not in its place yet."""
    return b"".join((PAYLOAD_BEGINS, WORDS.pack(8, recorded, SALT, salt, len(body)), body))


def placed(log_id: int, first: int, tuples: bytes, sizes: Iterable[int]) -> bytearray:
    """Tuples in their places in a log, from its leaf `first` on; one of no size is none."""
    told, at = bytearray(tuples), 0
    for leaf, size in enumerate(sizes, first):
        if size:
            PLACE.pack_into(told, at + PLACE_AT, log_id, 8, leaf)
            at += size
    return told


def events_copy(cursor: Any, table: str, tuples: Iterable[bytearray], option: str = "") -> None:
    """Write events in their places."""
    _copy(cursor, f"COPY {table} ({EVENT})", tuples, option)


def payloads_copy(cursor: Any, table: str, tuples: Iterable[bytearray], option: str = "") -> None:
    """Write payloads in their places."""
    _copy(cursor, f"COPY {table} ({PAYLOAD})", tuples, option)


def _copy(cursor: Any, into: str, tuples: Iterable[bytearray], option: str) -> None:
    with cursor.copy(f"{into} FROM STDIN (FORMAT binary{option})") as copy:
        copy.write(BEGIN)
        for some in tuples:
            copy.write(some)
        copy.write(END)


def _uuid(digits: str) -> bytes:
    return b"\0\0\0\x10" + bytes.fromhex(digits) if digits else NULL


def _text(value: str) -> bytes:
    """A NUL, which PostgreSQL cannot hold, becomes a blank."""
    if not value:
        return NOTHING
    told = value.encode()
    if b"\0" in told:
        told = told.replace(b"\0", b" ")
    return SIZE.pack(len(told)) + told


@lru_cache(maxsize=1000)
def _owners(*ids: int | None) -> bytes:
    return b"".join(NULL if one is None else NUMBER.pack(8, one) for one in ids)


@lru_cache(maxsize=10_000)
def _words(*values: str) -> bytes:
    """What is said together again and again."""
    return b"".join(map(_text, values))
