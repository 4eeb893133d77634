"""Open a file somebody handed in, without trusting its size, its packing, or its name."""

import gzip
import hashlib
import io
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

from apps.connectors.adapters.contract import UnreadableSource

MEGABYTE = 1024 * 1024
CHUNK = 256 * 1024
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is read before a file counts as too large or as a bomb.

    Packed text seldom shrinks beyond a hundredfold, so the ratio is judged only once
    `judged_from` bytes came out: small, very repetitive files pass.
    """

    raw: int = 512 * MEGABYTE
    unpacked: int = 1024 * MEGABYTE
    ratio: int = 250
    judged_from: int = 32 * MEGABYTE


class SourceFile:
    """A file on disk, hashed as it lies there, opened as often as an adapter has passes."""

    def __init__(self, path: Path, *, name: str = "", bounds: Bounds | None = None):
        self.path = path
        self.name = name or path.name
        self.bounds = bounds or Bounds()
        self.size = self._checked_size()
        self.sha256 = self._digest()
        self.packing = self._packing()

    def refuse(self, reason: str, *, where: str = "") -> UnreadableSource:
        return UnreadableSource(file=self.name, where=_shown(where), reason=_shown(reason))

    @contextmanager
    def open(self) -> Iterator[io.BufferedReader]:
        """Yield the unpacked bytes; reading past a bound raises `UnreadableSource`."""
        with self.path.open("rb") as raw:
            try:
                yield io.BufferedReader(_Bounded(self._unpacked(raw), self), CHUNK)
            except (gzip.BadGzipFile, zipfile.BadZipFile, zlib.error, EOFError) as error:
                raise self.refuse(f"The archive is damaged: {error}.") from error

    def _checked_size(self) -> int:
        if not self.path.is_file():
            raise self.refuse("There is no such file.")
        size = self.path.stat().st_size
        if size == 0:
            raise self.refuse("The file is empty.")
        if size > self.bounds.raw:
            raise self.refuse(
                f"The file has {_size(size)}; at most {_size(self.bounds.raw)} are read."
            )
        return size

    def _digest(self) -> str:
        with self.path.open("rb") as raw:
            return hashlib.file_digest(raw, "sha256").hexdigest()

    def _packing(self) -> str:
        with self.path.open("rb") as raw:
            start = raw.read(4)
        if start[:2] == b"\x1f\x8b":
            return "gzip"
        if start[:4] in (b"PK\x03\x04", b"PK\x05\x06"):
            return "zip"
        if start[:2] in UTF_16:
            raise self.refuse("The file is UTF-16; save it as UTF-8 and import it again.")
        if start[:3] in (b"BZh", b"\xfd7z") or start[:4] == b"\x28\xb5\x2f\xfd":
            raise self.refuse("Only plain, .gz, and .zip files are read.")
        return "plain"

    def _unpacked(self, raw: BinaryIO) -> BinaryIO:
        if self.packing == "gzip":
            return gzip.GzipFile(fileobj=raw)  # type: ignore[return-value]
        if self.packing == "zip":
            return self._only_member(raw)
        return raw

    def _only_member(self, raw: BinaryIO) -> BinaryIO:
        archive = zipfile.ZipFile(raw)
        members = [info for info in archive.infolist() if not info.is_dir()]
        if len(members) != 1:
            raise self.refuse(f"The archive holds {len(members)} files; it must hold exactly one.")
        member = members[0]
        if member.flag_bits & 1:
            raise self.refuse("The archive is encrypted; import the file itself.")
        if member.file_size > self.bounds.unpacked:
            raise self.refuse(
                f"The archive unpacks to {_size(member.file_size)}; "
                f"at most {_size(self.bounds.unpacked)} are read."
            )
        return archive.open(member)  # type: ignore[return-value]


class _Bounded(io.RawIOBase):
    def __init__(self, stream: BinaryIO, source: SourceFile):
        self._stream = stream
        self._source = source
        self._count = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        chunk = self._stream.read(len(buffer))
        self._count += len(chunk)
        self._judge()
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def _judge(self) -> None:
        bounds = self._source.bounds
        if self._count > bounds.unpacked:
            raise self._source.refuse(f"The file unpacks to more than {_size(bounds.unpacked)}.")
        if self._source.packing == "plain" or self._count < bounds.judged_from:
            return
        if self._count > bounds.ratio * self._source.size:
            raise self._source.refuse(
                f"The archive grows more than {bounds.ratio} times when unpacked: "
                "it looks like a zip bomb."
            )


def _shown(text: str) -> str:
    """Write what a file says of itself so that it can be printed and kept."""
    return "".join(char if char.isprintable() else ascii(char)[1:-1] for char in text)


def _size(size: int) -> str:
    return f"{size / MEGABYTE:,.0f} MB" if size >= MEGABYTE else f"{size / 1024:,.0f} kB"
