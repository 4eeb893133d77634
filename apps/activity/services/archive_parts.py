"""Writing a month of the trail to files, part by part, and reading each part back at once."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

from apps.activity.archives import (
    UNREADABLE,
    ArchiveBroken,
    Folder,
    ranges_joined,
    ranges_of,
    word_line,
    write_whole,
)
from apps.activity.headers import commitment
from apps.activity.models import Event, Payload
from apps.activity.querysets.events import EventQuerySet
from apps.activity.saying import header_said, is_unreadable
from apps.activity.selectors.keeping import month_after
from apps.proof.merkle import ProofError, leaf_hash
from apps.proof.models import Log
from apps.proof.selectors import Tiles
from apps.proof.tiles import BITS

# So many records are one file: written, read back, and on the disk before the next begins.
PART = 100_000
FETCHED = 1000

type Tick = Callable[[int], None]


def month_bounds(month: date) -> tuple[datetime, datetime]:
    start, end = month.replace(day=1), month_after(month)
    return datetime.combine(start, time(), UTC), datetime.combine(end, time(), UTC)


def parts_write(folder: Folder, log: Log, month: date, tick: Tick) -> list[dict[str, Any]]:
    """Every part of a month. Those that an earlier run finished are taken as they are."""
    parts: list[dict[str, Any]] = []
    after = -1
    while True:
        note = folder.path / f"part-{len(parts) + 1:04}.json"
        part = _noted(note) if note.exists() else None
        if part is None:
            part = _part_write(folder, log, month, after, len(parts) + 1)
            if part is None:
                return parts
            part_check(folder, part, Tiles(log))
            write_whole(note, json.dumps(part).encode())
        parts.append(part)
        after = part["ranges"][-1][1] - 1
        tick(sum(one["events"]["lines"] for one in parts))


def _noted(note: Path) -> dict[str, Any]:
    try:
        part: dict[str, Any] = json.loads(note.read_bytes())
        totals_of([part])
    except UNREADABLE as error:
        raise ArchiveBroken(
            f"{note} cannot be read: {error}. Remove it, and its part is written anew."
        ) from error
    return part


def part_check(folder: Folder, part: Mapping[str, Any], tiles: Tiles) -> None:
    """Read a part back: every header is its leaf, and all words are those that were sealed.

    Raises `ArchiveBroken`.
    """
    words_check(folder, part, headers_check(folder, part, tiles))


def headers_check(folder: Folder, part: Mapping[str, Any], tiles: Tiles) -> dict[int, str | None]:
    """Compare every line with its leaf; returns what the records commit to, of those that do.

    None for one whose header was sealed and is not JSON: nobody can tell what it commits to.
    """
    told: dict[int, str | None] = {}
    fetched = -1
    for leaf, header in folder.headers(part):
        if leaf >> BITS != fetched:
            fetched = leaf >> BITS
            tiles.fetch([(0, fetched)])
        try:
            is_leaf = tiles.node((0, leaf)) == leaf_hash(header)
        except ProofError as error:
            raise ArchiveBroken(str(error)) from error
        if not is_leaf:
            raise ArchiveBroken(f"Record {leaf} is not what was sealed.")
        said = header_said(header)
        if is_unreadable(said):
            told[leaf] = None
        elif committed := said.get("payload"):
            told[leaf] = committed
    return told


def words_check(folder: Folder, part: Mapping[str, Any], told: dict[int, str | None]) -> None:
    """Compare all words with what their records commit to, `told`, as far as that can be read."""
    told = dict(told)
    for words in folder.words(part):
        committed = told.pop(words["i"], "")
        if "erased" not in words and committed is not None:
            held = commitment(bytes.fromhex(words["salt"]), words["body"])
            if not committed or held != committed:
                raise ArchiveBroken(f"The words of record {words['i']} are not what was sealed.")
    if missing := [leaf for leaf, committed in told.items() if committed]:
        raise ArchiveBroken(f"The words of record {min(missing)} are missing.")


def part_words_remove(
    folder: Folder, part: dict[str, Any], number: int, erased: Mapping[int, str]
) -> dict[str, Any]:
    """The part with these words erased: its words are written anew, its headers untouched."""
    before = part["payloads"]

    def lines() -> Iterator[bytes]:
        for words in folder.words(part):
            leaf = words["i"]
            if leaf in erased and "erased" not in words:
                yield word_line(leaf, None, None, erased[leaf])
            else:
                yield json.dumps(words, ensure_ascii=False).encode()

    written = folder.lines_write(f"payloads-{number:04}", lines(), named_by_digest=True)
    gone = sum("erased" in words for words in folder.words({"payloads": asdict(written)}))
    if written.lines != before["lines"]:
        raise ArchiveBroken(f"{before['file']} changed while it was written anew.")
    return {**part, "payloads": {**asdict(written), "erased": gone}}


def totals_of(parts: list[dict[str, Any]]) -> dict[str, Any]:
    erased = sum(one["payloads"]["erased"] for one in parts)
    return {
        "records": sum(one["events"]["lines"] for one in parts),
        "payloads": sum(one["payloads"]["lines"] for one in parts) - erased,
        "erased": erased,
        "ranges": ranges_joined(span for one in parts for span in one["ranges"]),
    }


def erased_text(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _part_write(
    folder: Folder, log: Log, month: date, after: int, number: int
) -> dict[str, Any] | None:
    events = _events(log, month, after)
    leaves = list(events.values_list("leaf_index", flat=True)[:PART])
    if not leaves:
        return None
    span = {"leaf_index__gte": leaves[0], "leaf_index__lte": leaves[-1]}
    headers = events.filter(**span).values_list("header", flat=True)
    start, end = month_bounds(month)
    words = (
        Payload.objects.filter(log_id=log.pk, recorded_at__gte=start, recorded_at__lt=end, **span)
        .order_by("leaf_index")
        .values_list("leaf_index", "salt", "body", "erased_at")
    )
    gone = 0

    def lines() -> Iterator[bytes]:
        nonlocal gone
        for leaf, salt, body, erased_at in words.iterator(FETCHED):
            gone += erased_at is not None
            erased = erased_text(erased_at) if erased_at else ""
            yield word_line(leaf, None if salt is None else bytes(salt), body, erased)

    exact = (header.encode() for header in headers.iterator(FETCHED))
    told = folder.lines_write(f"events-{number:04}", exact, named_by_digest=False)
    said = folder.lines_write(f"payloads-{number:04}", lines(), named_by_digest=True)
    return {
        "ranges": ranges_of(leaves),
        "events": asdict(told),
        "payloads": {**asdict(said), "erased": gone},
    }


def _events(log: Log, month: date, after: int) -> EventQuerySet:
    start, end = month_bounds(month)
    rows: EventQuerySet = Event.objects.following(log.pk, after + 1).filter(
        recorded_at__gte=start, recorded_at__lt=end
    )
    return rows
