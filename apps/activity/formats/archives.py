"""The logs in a file: itself, or the files of a zip. Each is opened when its turn comes."""

import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO, cast

from apps.activity.formats.lines import A_BOMB, BROKEN, JUDGED_FROM, RATIO

MOST_FILES = 10_000
# The list of a zip's files stands at its end, and is read whole.
LARGEST_LIST = 8 * 1024 * 1024
END, END_SIZE, LONGEST_COMMENT = b"PK\x05\x06", 22, 65_535
ZIP = b"PK\x03\x04"
PASSED_OVER = ("__MACOSX/",)
ENCRYPTED, CLAIMS = 0x1, "The archive names more files than are read (10,000)."


@dataclass(frozen=True, slots=True)
class Piece:
    """One log; or, where it cannot be had, why.

    What a file holds from its first to its last record counts as complete. Of a `part` of an answer
    that does not hold; there `covers`, on a piece of its own, says what was had completely.
    """

    name: str
    file: BinaryIO | None = None
    problem: str = ""
    is_part: bool = False
    covers: tuple[datetime, datetime] | None = None


def pieces_of(file: BinaryIO, name: str) -> Iterator[Piece]:
    """The logs in a seekable file. What is packed once more within them is left as it is."""
    start = file.read(4)
    file.seek(0)
    if start != ZIP:
        yield Piece(name, file)
        return
    if _claims_too_much(file):
        yield Piece(name, problem=CLAIMS)
        return
    try:
        with zipfile.ZipFile(file) as archive:
            yield from _members(archive, name)
    except (zipfile.BadZipFile, zlib.error, OSError, ValueError):
        yield Piece(name, problem=BROKEN)


def _members(archive: zipfile.ZipFile, name: str) -> Iterator[Piece]:
    for info in archive.infolist():
        if info.is_dir() or info.filename.startswith(PASSED_OVER):
            continue
        told = f"{name}: {info.filename}"
        problem = _problem(info)
        if problem:
            yield Piece(told, problem=problem)
            continue
        try:
            opened = archive.open(info)
        except (zipfile.BadZipFile, NotImplementedError, RuntimeError, OSError):
            yield Piece(told, problem=BROKEN)
        else:
            with opened:
                yield Piece(told, cast("BinaryIO", opened))


def _problem(info: zipfile.ZipInfo) -> str:
    if info.flag_bits & ENCRYPTED:
        return "It is encrypted."
    if info.file_size > max(JUDGED_FROM, RATIO * info.compress_size):
        return A_BOMB
    return ""


def _claims_too_much(file: BinaryIO) -> bool:
    """Whether the list of files is larger than may be read. The file is left at its start."""
    size = file.seek(0, 2)
    file.seek(max(0, size - END_SIZE - LONGEST_COMMENT))
    tail = file.read()
    file.seek(0)
    at = tail.rfind(END)
    if at < 0 or len(tail) < at + END_SIZE:
        return False
    count = int.from_bytes(tail[at + 10 : at + 12], "little")
    listed = int.from_bytes(tail[at + 12 : at + 16], "little")
    return count > MOST_FILES or listed > LARGEST_LIST
