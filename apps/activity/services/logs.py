"""Bringing in a system's log: read bit by bit, each record kept once, what cannot be read named."""

from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from apps.activity.conventions.bounds import LARGEST_BODY
from apps.activity.formats.archives import Piece
from apps.activity.formats.lines import Bad
from apps.activity.formats.registry import readings_of
from apps.activity.headers import body_of
from apps.activity.models import LogImport, Stream
from apps.activity.policies import can_bring_logs, can_bring_of
from apps.activity.readings import Reading
from apps.activity.services.covering import Span
from apps.activity.services.keeping import (
    UNFORESEEN,
    Batch,
    Keys,
    Place,
    Stopped,
    batch_keep,
    cannot_be_kept,
    times_of,
)
from apps.activity.services.resolving import Resolver
from apps.activity.states import ImportStatus, ImportWay
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.policies import enforce
from apps.inventory.services.systems import system_log_connect

type Told = Callable[[LogImport], None]

# A batch is one transaction: so many records, or so many bytes of what they say.
MOST_RECORDS, MOST_BYTES = 2_000, 16 * 1024 * 1024
# A file of which nothing can be read so far is not read on.
WRONG_AFTER = 1_000
WRONG = "Its first 1,000 records are none of this format; the rest of it was not read."
LONGEST_WHY = 300
PART = (
    "It was not said to be whole, so its time does not count as complete: what is not in it is not"
    " known. Where nothing was left out, bring it in again and say so; nothing is kept twice."
)


@transaction.atomic
def import_open(
    *,
    stream: Stream,
    way: ImportWay,
    name: str,
    actor: Actor,
    path: str = "",
    sha256: str = "",
) -> LogImport:
    """Note that a log is to be read. It is neither opened nor believed yet."""
    enforce(can_bring_logs(actor))
    # Held, so that it does not end between the question and the answer.
    if not (may := can_bring_of(actor, Stream.objects.locked(stream.pk))):
        raise DomainError(may.reason)
    return LogImport.objects.create(
        stream=stream,
        way=way,
        name=_shown(name)[:200],
        path=path,
        sha256=sha256,
        brought_by=actor.user if isinstance(actor, Person) else None,
        brought_by_label=str(actor)[:150],
        channel=actor.channel,
    )


@transaction.atomic
def import_upload(
    *, stream: Stream, name: str, path: str, sha256: str, is_whole: bool = False, actor: Actor
) -> LogImport:
    """Take in an uploaded file and have it read in the background.

    `is_whole` is the word of whoever brings it that nothing of its time was left out of it.
    """
    log_import = import_open(
        stream=stream, way=ImportWay.FILE, name=name, path=path, sha256=sha256, actor=actor
    )
    job_start(
        kind="activity.log_import",
        task="activity.read_log",
        subject=log_import,
        actor=actor,
        parameters={"is_whole": is_whole},
    )
    return log_import


def import_run(
    *,
    log_import: LogImport,
    pieces: Iterable[Piece],
    actor: Actor,
    is_whole: bool = False,
    told: Told | None = None,
) -> LogImport:
    """Read a log to its end. Whoever starts it again goes on where the last one stopped.

    A file does not say what was filtered out of it: only one said to be whole makes the time from
    its first to its last record complete. A connection says what it asked for. `told` is called
    after each batch is committed. Raises `Stopped`, said of the import as well, where it cannot go
    on.
    """
    enforce(can_bring_logs(actor))
    held = _begun(log_import)
    reader = _Reader(held, is_whole=is_whole)
    resolver = Resolver(held.stream)
    try:
        for batch in reader.batches(pieces):
            held = batch_keep(log_import=held, batch=batch, resolver=resolver)
            if told is not None:
                told(held)
    except Stopped as error:
        import_fail(log_import=held, said=str(error))
        raise
    return _ended(held, actor, is_whole=is_whole)


@transaction.atomic
def import_fail(*, log_import: LogImport, said: str) -> LogImport:
    """End a reading that could not begin, or go on; what was kept of it stays."""
    held = LogImport.objects.select_for_update().get(pk=log_import.pk)
    if not held.is_over:
        held.status, held.said, held.finished_at = ImportStatus.FAILED, said, timezone.now()
        held.save(update_fields=["status", "said", "finished_at"])
    return held


def imports_end_silent(stream: Stream) -> int:
    """Say of commands that were stopped halfway that they were. Returns how many."""
    silent = LogImport.objects.silent_at().filter(stream=stream, way=ImportWay.COMMAND)
    said = "The command was stopped halfway. What it kept stays; run it again for the rest."
    return len([import_fail(log_import=one, said=said) for one in silent])


class _Reader:
    """Goes through a log's pieces, and hands on what is not yet kept, batch by batch."""

    def __init__(self, log_import: LogImport, *, is_whole: bool):
        self.stream = log_import.stream
        self.done = log_import.position
        self.position = 0
        self.keys = Keys()
        self.are_files_whole = is_whole
        self.is_whole = True
        self.batch = Batch(self.done, self.done)
        self.place: Place = ("", 1)

    def batches(self, pieces: Iterable[Piece]) -> Iterator[Batch]:
        for piece in pieces:
            self.place = (_shown(piece.name), 1)
            try:
                yield from self._piece(piece)
            except UNFORESEEN as error:
                raise cannot_be_kept(self.place, error) from error
        if self.batch.position > self.batch.start or self.batch.spans:
            yield self.batch

    def _piece(self, piece: Piece) -> Iterator[Batch]:
        first = last = None
        good = bad = 0
        for one in self._read(piece):
            self.position += 1
            if isinstance(one, Bad):
                bad += 1
                self._miss(piece, one)
            else:
                good += 1
                self._take(one)
                for at in times_of([one]):
                    first, last = min(first or at, at), max(last or at, at)
            self.place = (self.place[0], good + bad + 1)
            if self._is_full():
                yield self._handed_on()
            if not good and bad >= WRONG_AFTER:
                self.position += 1
                self._miss(piece, Bad(0, WRONG))
                break
        self.is_whole = self.is_whole and not (bad and piece.is_part)
        span = _span(piece, first, last) if piece.covers or self.are_files_whole else None
        if span and not bad and (self.is_whole or not piece.covers):
            self.batch.spans.append(span)

    def _read(self, piece: Piece) -> Iterator[Reading | Bad]:
        if piece.file is None:
            return iter([Bad(0, piece.problem)] if piece.problem else [])
        return readings_of(self.stream.log_format, piece.file, self.stream.mapping)

    def _take(self, reading: Reading) -> None:
        key = self.keys.key_of(reading)
        if self.position <= self.done:
            return
        self.batch.found.append((reading, key))
        self.batch.places.append(self.place)
        self.batch.weight += min(len(body_of(reading)), LARGEST_BODY)
        self.batch.position = self.position

    def _miss(self, piece: Piece, bad: Bad) -> None:
        if self.position <= self.done:
            return
        why = _shown(bad.message)[:LONGEST_WHY]
        self.batch.troubles.append({"file": _shown(piece.name), "line": bad.line, "why": why})
        self.batch.position = self.position

    def _is_full(self) -> bool:
        batch = self.batch
        count = len(batch.found) + len(batch.troubles)
        return count >= MOST_RECORDS or batch.weight >= MOST_BYTES

    def _handed_on(self) -> Batch:
        full, self.batch = self.batch, Batch(self.position, self.position)
        return full


def _span(piece: Piece, first: datetime | None, last: datetime | None) -> Span | None:
    """What a piece holds everything of: what was asked for, else from its first to its last."""
    if piece.covers or piece.is_part or first is None or last is None:
        return piece.covers
    return first, last


@transaction.atomic
def _begun(log_import: LogImport) -> LogImport:
    rows = LogImport.objects.select_for_update(of=["self"]).select_related("stream__system")
    held = rows.get(pk=log_import.pk)
    if held.is_over:
        raise DomainError("This was read already.")
    held.status, held.advanced_at = ImportStatus.RUNNING, timezone.now()
    held.save(update_fields=["status", "advanced_at"])
    return held


@transaction.atomic
def _ended(log_import: LogImport, actor: Actor, *, is_whole: bool) -> LogImport:
    stream = Stream.objects.select_related("system").locked(log_import.stream_id)
    held = LogImport.objects.select_for_update().get(pk=log_import.pk)
    is_nothing = held.unreadable and not held.read
    held.status = ImportStatus.FAILED if is_nothing else ImportStatus.DONE
    held.said = _summary(held, is_whole=is_whole)
    held.finished_at = timezone.now()
    held.save(update_fields=["status", "said", "finished_at"])
    if not is_nothing and stream.complete_until is not None and stream.ended_at is None:
        system_log_connect(system_id=stream.system_id, actor=actor)
    told = {"kept": held.kept, "already here": held.repeated, "unreadable": held.unreadable}
    if held.way != ImportWay.CONNECTION:
        told["said to be whole"] = is_whole
    record(
        actor=actor,
        verb=Verb.LOG_READ,
        target=held,
        changes={name: (None, value) for name, value in told.items()},
        reason=f"{held.get_way_display()}, for {stream}",
    )
    return held


def _summary(held: LogImport, *, is_whole: bool) -> str:
    if not held.unreadable:
        if held.read and not is_whole and held.way != ImportWay.CONNECTION:
            return PART
        return "" if held.read else "It holds no records."
    first = held.troubles[0]
    at = f"{first['file']}, line {first['line']}" if first["line"] else str(first["file"])
    why = f"{at}: {first['why']}"
    if not held.read:
        return f"Nothing of it could be read. {why}"
    return (
        f"{held.unreadable:,} could not be read; the time they are of does not count as complete."
        f" The first: {why}"
    )


def _shown(text: str) -> str:
    """Write what a file says of itself so that it can be printed and kept."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)
