"""Checking an archived month against the log it came from, whose tiles stay for good."""

from dataclasses import dataclass
from pathlib import Path

from apps.activity.archives import ArchiveBroken, Folder, ranges_joined
from apps.activity.models import Archive
from apps.activity.services.archive_parts import part_check, totals_of
from apps.proof.merkle import ProofError, perfect_root
from apps.proof.models import Checkpoint, Log
from apps.proof.notes import NoteError
from apps.proof.selectors import Tiles, checkpoint_opened
from apps.proof.tiles import BITS, is_filled, levels_of


@dataclass(frozen=True, slots=True)
class Checked:
    """What was checked, and whether this database knows the archive by this very manifest."""

    month: str
    records: int
    payloads: int
    erased: int
    size: int
    is_known: bool


def archive_check(path: Path) -> Checked:
    """Read a whole month and prove it. Raises `ArchiveBroken` with the first that does not hold.

    Each line's hash is its leaf in the lowest tiles; these are what the tiles above say, up to a
    root that a checkpoint was signed for: that is the inclusion proof of every line at once.
    """
    folder = Folder(path)
    told = folder.manifest()
    folder.files_check(told)
    log = Log.objects.get(name=told["log"])
    newest = Checkpoint.objects.newest_of(log).first()
    if newest is None:
        raise ArchiveBroken("The log has no signed checkpoint.")
    tiles = Tiles(log)
    for part in told["parts"]:
        part_check(folder, part, tiles)
    counted = totals_of(told["parts"])
    if any(told[name] != value for name, value in counted.items()):
        raise ArchiveBroken("The manifest counts other than its parts.")
    try:
        _prove(tiles, counted["ranges"], newest, log)
    except (ProofError, NoteError) as error:
        raise ArchiveBroken(str(error)) from error
    known = Archive.objects.filter(log_id=log.pk, digest=folder.manifest_digest()).exists()
    return Checked(
        told["month"],
        counted["records"],
        counted["payloads"],
        counted["erased"],
        newest.size,
        known,
    )


def _prove(tiles: Tiles, ranges: list[list[int]], newest: Checkpoint, log: Log) -> None:
    signed = checkpoint_opened(newest, log.epochs.all())
    if ranges and ranges_joined(ranges)[-1][1] > signed.size:
        raise ProofError(f"Records beyond {signed.size} are in no signed checkpoint.")
    for start, end in ranges:
        _climb(tiles, start, end, log.size)
    if tiles.root(signed.size) != signed.root:
        raise ProofError("The log is not the one that was signed.")


def _climb(tiles: Tiles, start: int, end: int, size: int) -> None:
    """Compare the tiles over these leaves with the level above, up to those that are not full."""
    for level in range(levels_of(size)):
        bits = BITS * (level + 1)
        places = [(level, at) for at in range(start >> bits, ((end - 1) >> bits) + 1)]
        full = [place for place in places if is_filled(place, size)]
        tiles.fetch(full)
        for place in full:
            if perfect_root(tiles.tile(place)) != tiles.node((bits, place[1])):
                raise ProofError(f"Tile {level}/{place[1]} is not what the level above says.")
