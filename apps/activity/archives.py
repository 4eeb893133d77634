"""The files of one archived month: the exact bytes of every leaf, and beside them the words.

A folder a month. Headers and words lie in parts of so many records, each a gzip of lines:
`events-0001.jsonl.gz` has one header a line, whose SHA-256 behind a zero byte is its leaf;
`payloads-0001.<digest>.jsonl.gz` has `{"i": leaf, "salt": hex, "body": text}` a line, or
`{"i": leaf, "erased": when}`. `manifest.json` names every file by its SHA-256, and which leaves
the lines of each part are. Only words are ever written anew, when some are erased.
"""

import gzip
import hashlib
import json
import os
import zlib
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from apps.core.errors import DomainError

MANIFEST = "manifest.json"
SAID = {"log", "month", "parts", "ranges", "records", "payloads", "erased", "rewritten"}

type Range = list[int]


class ArchiveBroken(DomainError):
    """The files are not what they were written as."""


UNREADABLE = (EOFError, zlib.error, LookupError, TypeError, ValueError)
# All that reading files raises that are missing, damaged, or something else.
BROKEN = (ArchiveBroken, OSError, *UNREADABLE)


def broken_told(error: Exception) -> str:
    """Why files cannot be read, in one line; of themselves some errors say next to nothing."""
    if isinstance(error, UNREADABLE):
        return f"A file of the archive is not what was written ({type(error).__name__}: {error})."
    return str(error).partition("\n")[0]


@dataclass(frozen=True, slots=True)
class Lines:
    """One written file: its name, digest, size, and how many lines it has."""

    file: str
    sha256: str
    bytes: int
    lines: int


@dataclass(frozen=True, slots=True)
class Folder:
    path: Path

    def manifest(self) -> dict[str, Any]:
        path = self.path / MANIFEST
        try:
            told: dict[str, Any] = json.loads(path.read_bytes())
            _files(told)
        except (OSError, KeyError, TypeError, ValueError) as error:
            raise ArchiveBroken(f"{path} cannot be read: {error}") from error
        if missing := SAID - set(told):
            raise ArchiveBroken(f"{path} does not say its {min(missing)}.")
        return told

    def manifest_digest(self) -> str:
        return hashlib.sha256((self.path / MANIFEST).read_bytes()).hexdigest()

    def manifest_write(self, told: Mapping[str, Any]) -> str:
        """Write the manifest for good, all or nothing; returns its digest."""
        data = json.dumps(told, indent=1, sort_keys=True).encode() + b"\n"
        write_whole(self.path / MANIFEST, data)
        return hashlib.sha256(data).hexdigest()

    def size(self) -> int:
        return sum(one.stat().st_size for one in self.path.iterdir())

    def leftovers_remove(self, told: Mapping[str, Any]) -> None:
        """Remove what the manifest does not name: words that were erased, and half-made files."""
        named = {MANIFEST, *_files(told)}
        for one in self.path.iterdir():
            if one.name not in named:
                one.unlink()
        sync_folder(self.path)

    def files_check(self, told: Mapping[str, Any]) -> None:
        """Read every file again and compare its digest. Raises `ArchiveBroken`."""
        for name, digest in _files(told).items():
            self.file_check(name, digest)

    def file_check(self, name: str, digest: str) -> None:
        path = self.path / name
        if not path.exists():
            raise ArchiveBroken(f"{name} is missing.")
        with path.open("rb") as file:
            if hashlib.file_digest(file, "sha256").hexdigest() != digest:
                raise ArchiveBroken(f"{name} is not the file that the manifest names.")

    def headers(self, part: Mapping[str, Any]) -> Iterator[tuple[int, bytes]]:
        """Each leaf of a part with its exact bytes. Raises where lines lack or are too many."""
        leaves = leaves_in(part["ranges"])
        with gzip.open(self.path / part["events"]["file"], "rb") as file:
            for line in file:
                leaf = next(leaves, None)
                if leaf is None:
                    raise ArchiveBroken(f"{part['events']['file']} has more lines than leaves.")
                yield leaf, line.rstrip(b"\n")
        if next(leaves, None) is not None:
            raise ArchiveBroken(f"{part['events']['file']} has fewer lines than leaves.")

    def words(self, part: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        with gzip.open(self.path / part["payloads"]["file"], "rt", encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    def lines_write(self, stem: str, lines: Iterable[bytes], *, named_by_digest: bool) -> Lines:
        """Write lines to a file, which has its name once it is whole and on the disk."""
        draft, count = self.path / f"{stem}.new", 0
        with draft.open("wb") as raw, _zipped(raw) as file:
            for line in lines:
                file.write(line + b"\n")
                count += 1
        with draft.open("rb") as file:
            os.fsync(file.fileno())
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        name = f"{stem}.{digest[:12]}.jsonl.gz" if named_by_digest else f"{stem}.jsonl.gz"
        draft.rename(self.path / name)
        sync_folder(self.path)
        return Lines(name, digest, (self.path / name).stat().st_size, count)


def word_line(leaf: int, salt: bytes | None, body: str | None, erased: str) -> bytes:
    told: dict[str, Any] = {"i": leaf}
    if salt is None:
        told["erased"] = erased
    else:
        told |= {"salt": bytes(salt).hex(), "body": body}
    return json.dumps(told, ensure_ascii=False).encode()


def ranges_of(leaves: Iterable[int]) -> list[Range]:
    """Ascending leaves as ranges, each [from, before)."""
    ranges: list[Range] = []
    for leaf in leaves:
        if ranges and ranges[-1][1] == leaf:
            ranges[-1][1] = leaf + 1
        else:
            ranges.append([leaf, leaf + 1])
    return ranges


def ranges_joined(ranges: Iterable[Range]) -> list[Range]:
    joined: list[Range] = []
    for start, end in ranges:
        if joined and joined[-1][1] == start:
            joined[-1][1] = end
        else:
            joined.append([start, end])
    return joined


def is_in(ranges: Iterable[Range], leaf: int) -> bool:
    return any(start <= leaf < end for start, end in ranges)


def leaves_in(ranges: Iterable[Range]) -> Iterator[int]:
    for start, end in ranges:
        yield from range(start, end)


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place all or nothing, on the disk when this returns."""
    draft = path.with_name(f"{path.name}.new")
    with draft.open("wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.rename(path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each of which is on the disk when this returns."""
    missing = [one for one in (path, *path.parents) if not one.exists()]
    path.mkdir(parents=True, exist_ok=True, mode=0o700)
    for one in missing:
        sync_folder(one.parent)


def sync_folder(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def _zipped(raw: Any) -> Iterator[gzip.GzipFile]:
    """Without a name or a time inside, so that the same lines are the same file."""
    with gzip.GzipFile(filename="", mode="wb", fileobj=raw, mtime=0, compresslevel=6) as file:
        yield file


def _files(told: Mapping[str, Any]) -> dict[str, str]:
    return {
        part[kind]["file"]: part[kind]["sha256"]
        for part in told["parts"]
        for kind in ("events", "payloads")
    }
