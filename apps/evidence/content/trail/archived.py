"""Records that left the database, as a package reads them: from the files of the archive.

A part is judged before a line of it is told: its files are those that were noted when the month was
archived, every line is its leaf, and all words are those that were committed to. What cannot be
read, or is something else, is left out, and said with the reason.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson

from apps.activity.archives import BROKEN, ArchiveBroken, Folder
from apps.activity.models import Archive, Erasure, Event, Payload
from apps.activity.selectors.archived import archive_folder
from apps.activity.selectors.repeating import IDS, columns_said
from apps.activity.services.archive_parts import headers_check, words_check
from apps.core.errors import DomainError
from apps.evidence.content.logs import Run
from apps.proof.models import Log
from apps.proof.selectors import Tiles

type Wanted = Callable[[int, Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Record:
    """A record with its words; of one that is in the database these are fetched apart."""

    event: Event
    words: Payload | None = None
    is_archived: bool = False


@dataclass(frozen=True, slots=True)
class Shelf:
    """A part of an archived month that was judged; `has_words` where its words hold as well.

    `unreadable` are records that stand in it as they were sealed, and are no JSON.
    """

    log_id: int
    folder: Folder
    part: Mapping[str, Any]
    has_words: bool
    unreadable: frozenset[int]

    def records(self, wanted: Wanted) -> Iterator[Record]:
        said = self.folder.words(self.part) if self.has_words else iter(())
        words = next(said, None)
        for leaf, header in self.folder.headers(self.part):
            mine = None
            if words is not None and words["i"] == leaf:
                mine, words = words, next(said, None)
            if leaf not in self.unreadable and wanted(leaf, orjson.loads(header)):
                event = _event(self.log_id, leaf, header)
                yield Record(event, _payload(event, mine) if mine else None, is_archived=True)


@dataclass(slots=True)
class Stock:
    """What of the archive belongs to a package. `lost` are places whose lines cannot be read."""

    shelves: list[Shelf] = field(default_factory=list)
    lost: list[Run] = field(default_factory=list)
    wordless: list[Run] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    @property
    def trouble(self) -> str:
        return " ".join(dict.fromkeys(self.troubles))

    def streams(self, wanted: Wanted, withheld: set[int]) -> list[Iterator[Record]]:
        """Each month's records in the order of the log; words of `withheld` are not told."""
        months: dict[Folder, list[Shelf]] = {}
        for shelf in self.shelves:
            months.setdefault(shelf.folder, []).append(shelf)
        return [_told(shelves, wanted, withheld) for shelves in months.values()]


def stock_of(log: Log, spans: Sequence[Run]) -> Stock:
    """What is in files alone of these places of the log."""
    stock, tiles = Stock(), Tiles(log)
    for archive in Archive.objects.dropped().filter(log_id=log.pk).order_by("month"):
        if _shared(archive.ranges, spans):
            _take(stock, archive, spans, tiles)
    return stock


def withheld_of(log_id: int) -> set[int]:
    """Records whose words two people agreed to erase, and that a file still holds."""
    rows = Erasure.objects.in_archive().filter(log_id=log_id)
    return set(rows.values_list("leaf_index", flat=True))


def _take(stock: Stock, archive: Archive, spans: Sequence[Run], tiles: Tiles) -> None:
    folder = archive_folder(archive)
    try:
        told = folder.manifest()
        if folder.manifest_digest() != archive.digest:
            raise ArchiveBroken(f"{folder.path.name} is not what was archived.")
    except BROKEN as error:
        stock.lost += _shared(archive.ranges, spans)
        stock.troubles.append(_trouble(archive, error))
        return
    for part in told["parts"]:
        if not _shared(part["ranges"], spans):
            continue
        try:
            folder.file_check(part["events"]["file"], part["events"]["sha256"])
            committed = headers_check(folder, part, tiles)
        except BROKEN as error:
            stock.lost += _shared(part["ranges"], spans)
            stock.troubles.append(_trouble(archive, error))
            continue
        odd = frozenset(leaf for leaf, told_of in committed.items() if told_of is None)
        if lost := _shared([(leaf, leaf + 1) for leaf in sorted(odd)], spans):
            stock.lost += lost
            stock.troubles.append(f"{archive}: the header of record {lost[0][0]} is not JSON.")
        has_words = True
        try:
            folder.file_check(part["payloads"]["file"], part["payloads"]["sha256"])
            words_check(folder, part, committed)
        except BROKEN as error:
            has_words = False
            stock.wordless += _shared(part["ranges"], spans)
            stock.troubles.append(_trouble(archive, error))
        stock.shelves.append(Shelf(archive.log_id, folder, part, has_words, odd))


def _trouble(archive: Archive, error: Exception) -> str:
    known = isinstance(error, ArchiveBroken)
    return f"{archive}: {error if known else 'a file of it cannot be read.'}"


def _shared(ranges: Sequence[Sequence[int]], spans: Sequence[Run]) -> list[Run]:
    """The places that are in both."""
    found = [
        (max(first, start), min(behind, end)) for first, behind in spans for start, end in ranges
    ]
    return sorted((start, end) for start, end in found if start < end)


def _told(shelves: Sequence[Shelf], wanted: Wanted, withheld: set[int]) -> Iterator[Record]:
    try:
        for shelf in shelves:
            for record in shelf.records(wanted):
                if record.words is not None and record.event.leaf_index in withheld:
                    record.words.salt = record.words.body = None
                yield record
    except BROKEN as error:
        # Words are written anew, and the old file removed, where some were to be erased.
        raise DomainError("The archive changed while it was read; build it again.") from error


def _event(log_id: int, leaf: int, header: bytes) -> Event:
    columns = columns_said(header)
    columns |= {name: UUID(columns[name]) for name in IDS if columns[name]}
    return Event(log_id=log_id, leaf_index=leaf, header=header.decode(), **columns)


def _payload(event: Event, words: Mapping[str, Any]) -> Payload:
    erased = words.get("erased")
    return Payload(
        log_id=event.log_id,
        leaf_index=event.leaf_index,
        recorded_at=event.recorded_at,
        salt=None if erased else bytes.fromhex(words["salt"]),
        body=None if erased else words["body"],
        erased_at=datetime.fromisoformat(erased) if erased else None,
    )
