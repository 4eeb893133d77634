"""What proves that records stand in a log: its checkpoint, and one hash for all that is not here.

A package holds the exact lines that were sealed. `included.txt` says where each stands in the log,
`excluded.txt` gives the hash of what lies in a claimed range and is left out, and `hashes.bin` one
hash for each other part of the tree, from the left: with these the verifier builds the root anew.
"""

import base64
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import batched

from apps.audit.headers import GOVERNANCE
from apps.audit.models import Seal
from apps.core.errors import DomainError
from apps.evidence.content.files import Files
from apps.evidence.models import Package
from apps.proof.merkle import ProofError, nodes_between
from apps.proof.models import Checkpoint, Log
from apps.proof.notes import NoteError
from apps.proof.selectors import Tiles, checkpoint_opened, logs_published
from apps.proof.tiles import WIDTH

FOLDER = "data/proof"
LOGS = f"{FOLDER}/logs.json"
LOG_KEYS = "data/keys/logs.txt"
ENTRIES = f"{FOLDER}/{GOVERNANCE}/entries.jsonl"
# Packages whose checkpoints a later one proves that the log goes on from.
EARLIER = 50
CHUNK = 2000

type Run = tuple[int, int]


@dataclass(frozen=True, slots=True)
class SignedLog:
    """A log as its newest checkpoint signs it; nothing behind `size` is proven yet."""

    log: Log
    note: str
    size: int
    root: bytes


def signed_log(name: str) -> SignedLog | None:
    """The log of that name under its newest checkpoint; None while none was signed.

    Raises `DomainError` where the checkpoint does not hold.
    """
    log = Log.objects.filter(name=name).first()
    newest = Checkpoint.objects.newest_of(log).first() if log else None
    if log is None or newest is None:
        return None
    try:
        told = checkpoint_opened(newest, log.epochs.all())
    except NoteError as error:
        raise DomainError(
            f"The newest checkpoint of the log {name} does not hold: {error}"
        ) from error
    return SignedLog(log, newest.note, told.size, told.root)


def runs_of(indexes: Iterable[int]) -> list[Run]:
    """Places in a log, in order, as runs [first, end)."""
    runs: list[Run] = []
    first = end = -1
    for index in indexes:
        if index != end:
            if end > first:
                runs.append((first, end))
            first = index
        end = index + 1
    return [*runs, (first, end)] if end > first else runs


def holes_in(runs: Sequence[Run], start: int, end: int) -> Iterator[Run]:
    """What lies in [start, end) and in none of the runs."""
    for first, behind in runs:
        if start < first:
            yield start, first
        start = behind
    if start < end:
        yield start, end


def parts_beside(runs: Sequence[Run], size: int) -> Iterator[Run]:
    """The largest parts of the tree of `size` leaves that hold none of the runs, from the left."""
    at = 0

    def walk(start: int, end: int) -> Iterator[Run]:
        nonlocal at
        while at < len(runs) and runs[at][1] <= start:
            at += 1
        if at == len(runs) or runs[at][0] >= end:
            yield start, end
        elif not (runs[at][0] <= start and end <= runs[at][1]):
            middle = start + (1 << ((end - start - 1).bit_length() - 1))
            yield from walk(start, middle)
            yield from walk(middle, end)

    return walk(0, size) if size else iter(())


def write_proof(
    files: Files,
    signed: SignedLog,
    *,
    file: str,
    runs: Sequence[Run],
    unsigned: int,
    claimed: Run | None = None,
) -> None:
    """Write what proves the lines of `file`, which stand at `runs`.

    Where a range is claimed, what it holds and the package does not is there by its hash.
    """
    name = signed.log.name
    folder = f"{FOLDER}/{name}"
    try:
        files.add(f"{folder}/checkpoint.txt", f"Checkpoint of the log {name}", signed.note.encode())
        _write_runs(files, f"{folder}/included.txt", runs)
        excluded = _write_holes(files, signed, runs, claimed)
        known = [claimed] if claimed and claimed[0] < claimed[1] else list(runs)
        _write_parts(files, signed, known)
        earlier = _write_earlier(files, signed)
    except ProofError as error:
        raise DomainError(f"The log {name} cannot prove it: {error}") from error
    files.logs.append(
        {
            **_told(signed, file),
            "from": claimed[0] if claimed else None,
            "until": claimed[1] if claimed else None,
            "included": sum(end - first for first, end in runs),
            "excluded": excluded,
            "unsigned": unsigned,
            "goes_on_from": earlier,
        }
    )


def write_sealed_entries(
    files: Files, entries: Sequence[int], *, claimed: Run | None = None
) -> None:
    """The exact lines of audit entries as they were sealed, and their proof."""
    signed = signed_log(GOVERNANCE)
    if signed is None:
        nothing = {"log": GOVERNANCE, "file": ENTRIES, "origin": "", "size": None, "root": None}
        blank = {"from": None, "until": None, "included": 0, "excluded": 0, "goes_on_from": []}
        files.logs.append({**nothing, **blank, "unsigned": len(entries)})
        return
    leaves = array("q")
    for pks in batched(entries, CHUNK):
        seals = Seal.objects.filter(entry__in=pks, leaf_index__lt=signed.size)
        leaves.extend(seals.order_by().values_list("leaf_index", flat=True))
    places = sorted(leaves)
    with files.exact(ENTRIES, "Audit entries, word by word as they were sealed") as write:
        for some in batched(places, CHUNK):
            rows = Seal.objects.filter(leaf_index__in=some).order_by("leaf_index")
            for header in rows.values_list("header", flat=True):
                write(header.encode())
    write_proof(
        files,
        signed,
        file=ENTRIES,
        runs=runs_of(places),
        unsigned=len(entries) - len(places),
        claimed=claimed,
    )


def write_log_keys(files: Files) -> None:
    lines = ["# verifier keys of the logs' checkpoints, as C2SP signed notes have them"]
    lines += [one["vkey"] for one in logs_published()]
    files.add(
        LOG_KEYS, "Public keys of the logs, for convenience", ("\n".join(lines) + "\n").encode()
    )


def _told(signed: SignedLog, file: str) -> dict[str, str | int]:
    return {
        "log": signed.log.name,
        "file": file,
        "origin": signed.note.split("\n", 1)[0],
        "size": signed.size,
        "root": _text(signed.root),
    }


def _write_runs(files: Files, name: str, runs: Sequence[Run]) -> None:
    with files.exact(name, "Where the records stand in the log", is_counted=False) as write:
        for first, end in runs:
            write(b"%d-%d" % (first, end - 1))


def _write_holes(files: Files, signed: SignedLog, runs: Sequence[Run], claimed: Run | None) -> int:
    holes = list(holes_in(runs, *claimed)) if claimed else []
    if not holes:
        return 0
    name = f"{FOLDER}/{signed.log.name}/excluded.txt"
    with files.exact(name, "Records of the range that are left out, by hash") as write:
        for first, end in holes:
            for index, leaf in _leaves(signed.log, first, end):
                write(b"%d %s" % (index, leaf.hex().encode()))
    return files.counts[name]


def _leaves(log: Log, first: int, end: int) -> Iterator[tuple[int, bytes]]:
    step = WIDTH * 32
    for start in range(first, end, step):
        stop, tiles = min(start + step, end), Tiles(log)
        tiles.fetch((0, tile) for tile in range(start // WIDTH, (stop - 1) // WIDTH + 1))
        for index in range(start, stop):
            yield index, tiles.node((0, index))


def _write_parts(files: Files, signed: SignedLog, runs: Sequence[Run]) -> None:
    name = f"{FOLDER}/{signed.log.name}/hashes.bin"
    files.titles[name] = "Hashes of the rest of the log"
    with files.bag.path(name).open("wb") as file:
        for some in batched(parts_beside(runs, signed.size), CHUNK):
            path = [nodes_between(start, end) for start, end in some]
            file.write(b"".join(Tiles(signed.log).proof(path)))


def _write_earlier(files: Files, signed: SignedLog) -> list[int]:
    """Prove that the log goes on from the checkpoints of the packages before."""
    name = signed.log.name
    origin = signed.note.split("\n", 1)[0]
    rows = Package.objects.built().filter(claims__has_key="logs").order_by("-pk")
    known = {
        one["size"]: one["root"]
        for logs in rows.values_list("claims__logs", flat=True)[:EARLIER]
        for one in logs
        if one["origin"] == origin and one["size"] and one["size"] <= signed.size
    }
    if not known:
        return []
    tiles, lines = Tiles(signed.log), []
    for size in sorted(known):
        lines.append(f"from {size} {known[size]}")
        if size < signed.size:
            lines += [_text(one) for one in tiles.consistency(size, signed.size)]
    text = "\n".join(lines) + "\n"
    title = f"That the log {name} goes on from earlier packages' checkpoints"
    files.add(f"{FOLDER}/{name}/consistency.txt", title, text.encode())
    return sorted(known)


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()
