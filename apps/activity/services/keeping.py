"""Keeping a batch of a system's records: each once, whose it is, and how far the reading came.

All of it is one transaction: the records, the keys by which they are known again, the counts, and
the position. A worker killed anywhere leaves nothing half written, and nothing to be kept twice.
"""

import hashlib
import logging
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import orjson
from django.db import DataError, connection, transaction
from django.utils import timezone

from apps.activity.headers import IDENTIFIER, NOBODY, Whose, moment_of
from apps.activity.models import LogImport, Stream
from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append, delivery_ready
from apps.activity.services.covering import Span, stream_cover
from apps.activity.services.resolving import Resolver
from apps.activity.states import ImportStatus
from apps.core.errors import DomainError

logger = logging.getLogger(__name__)

# The name of a file, and which of its records.
type Place = tuple[str, int]

# How many records alike, without an id of their own, are told apart at any one time.
MOST_ALIKE = 50_000
MOST_TROUBLES = 200

CLAIM = """
    INSERT INTO activity_logrecord (stream_id, key)
    SELECT %s, key FROM unnest(%s::uuid[]) AS key ORDER BY key
    ON CONFLICT DO NOTHING RETURNING key
"""


class Overtaken(DomainError):
    """Another worker goes on with this reading."""


# What a record may raise that no reader foresaw. What the database may mend by itself is not here.
UNFORESEEN = (
    ArithmeticError,
    AttributeError,
    DataError,
    LookupError,
    RecursionError,
    TypeError,
    ValueError,
)


class Stopped(DomainError):
    """This reading cannot go on, and trying again does not help. What it kept stays."""


@dataclass(slots=True)
class Batch:
    """A part of a log, read: what is to be kept, what could not be read, and where that leads."""

    start: int
    position: int
    found: list[tuple[Reading, UUID]] = field(default_factory=list)
    places: list[Place] = field(default_factory=list)
    troubles: list[dict[str, str | int]] = field(default_factory=list)
    spans: list[Span] = field(default_factory=list)
    weight: int = 0


class Keys:
    """By what the records of one reading are known again.

    Where a log gives its records no id, it is what the record says, and its number among those
    that say the same: two calls alike in one second are two, and the same file again is the same.
    """

    def __init__(self) -> None:
        self._alike: OrderedDict[bytes, int] = OrderedDict()

    def key_of(self, reading: Reading) -> UUID:
        if reading.original_id and len(reading.original_id) < IDENTIFIER:
            return _key(reading.original_id.encode(errors="replace"))
        said = orjson.dumps(
            [reading.name, reading.happened_at, reading.original_id, reading.body],
            default=str,
            option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SORT_KEYS,
        )
        digest = hashlib.sha256(said).digest()
        number = self._alike.pop(digest, 0)
        self._alike[digest] = number + 1
        if len(self._alike) > MOST_ALIKE:
            self._alike.popitem(last=False)
        return _key(b"%d " % number + digest)


@transaction.atomic
def batch_keep(*, log_import: LogImport, batch: Batch, resolver: Resolver) -> LogImport:
    """Keep what is new of a batch, and note how far the reading has come."""
    stream = Stream.objects.locked(log_import.stream_id)
    held = LogImport.objects.select_for_update().get(pk=log_import.pk)
    if held.position != batch.start or held.status != ImportStatus.RUNNING:
        raise Overtaken("Another worker goes on with this.")
    if stream.ended_at is not None:
        raise Stopped(
            f"The log ended on {stream.ended_at:%Y-%m-%d}, before this was read to its end. What"
            " was kept before stays. For the rest take the log up again, and bring it in anew."
        )
    claimed = _claimed(stream.pk, (key for _, key in batch.found))
    fresh = []
    for reading, key in batch.found:
        if key in claimed:
            claimed.discard(key)
            fresh.append((reading, key))
    try:
        whose = resolver.whose([reading for reading, _ in fresh])
        if fresh:
            _append(stream, fresh, whose)
    except UNFORESEEN as error:
        if (culprit := _culprit(batch)) is not None:
            raise cannot_be_kept(culprit, error) from error
        raise cannot_be_kept(batch.places[0], error, said="it, or one soon after it,") from error
    _note(held, batch, whose)
    stream_cover(stream, batch.spans)
    stream.last_event_at = _latest(stream.last_event_at, held.last_at)
    stream.save(update_fields=["covered", "complete_from", "complete_until", "last_event_at"])
    return held


def cannot_be_kept(place: Place, error: Exception, *, said: str = "it") -> Stopped:
    """Name the record, for whoever brought the log, and what it raised, for whoever mends that."""
    name, number = place
    logger.error("Record %d of %r cannot be kept.", number, name, exc_info=error)
    return Stopped(
        f"{name}, record {number}: {said} cannot be kept ({type(error).__name__}). What was kept"
        " before stays; from there on nothing was read."
    )


def _culprit(batch: Batch) -> Place | None:
    """The first record of a batch that cannot be made ready; None if each alone can."""
    for (reading, _), place in zip(batch.found, batch.places, strict=True):
        try:
            delivery_ready(Delivery("", b"", [(reading, NOBODY)], is_held=True))
        except UNFORESEEN:
            return place
    return None


def times_of(readings: Iterable[Reading]) -> list[datetime]:
    """When these happened, by the system's clock; those that say no time are left out."""
    now = timezone.now()
    return [min(moment_of(one.happened_at, now), now) for one in readings if one.happened_at > 0]


def _append(stream: Stream, fresh: Sequence[tuple[Reading, UUID]], whose: Sequence[Whose]) -> None:
    digest = hashlib.sha256(b"".join(key.bytes for _, key in fresh)).digest()
    pairs = [(reading, one) for (reading, _), one in zip(fresh, whose, strict=True)]
    deliveries_append([Delivery(f"log:{stream.pk}", digest, pairs, is_held=True)])


def _claimed(stream_id: int, keys: Iterable[UUID]) -> set[UUID]:
    """Take these keys; returns those that nobody had taken."""
    wanted = list(set(keys))
    if not wanted:
        return set()
    with connection.cursor() as cursor:
        cursor.execute(CLAIM, [stream_id, wanted])
        return {key for (key,) in cursor.fetchall()}


def _note(held: LogImport, batch: Batch, whose: Sequence[Whose]) -> None:
    times = times_of(reading for reading, _ in batch.found)
    held.kept += len(whose)
    held.repeated += len(batch.found) - len(whose)
    held.unreadable += len(batch.troubles)
    held.nobodys += sum(one.identity_id is None for one in whose)
    held.troubles = [*held.troubles, *batch.troubles][:MOST_TROUBLES]
    if times:
        held.first_at = min(times) if held.first_at is None else min(held.first_at, *times)
        held.last_at = _latest(held.last_at, max(times))
    held.position, held.advanced_at = batch.position, timezone.now()
    held.save()


def _latest(one: datetime | None, other: datetime | None) -> datetime | None:
    return max(one, other) if one and other else one or other


def _key(told: bytes) -> UUID:
    return UUID(bytes=hashlib.sha256(told).digest()[:16])
