"""Read logs piece by piece: JSON lines, or one document that holds a list; plain or gzip.

Nothing is held but the record at hand. What cannot be read is told with its number, and the rest is
read on; only a file that breaks off, or grows beyond its bound, ends there.
"""

import gzip
import io
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO

import ijson
import orjson

from apps.activity.conventions.bounds import TRUNCATED, fitted
from apps.activity.conventions.spans import Unreadable
from apps.activity.conventions.unforeseen import Odd
from apps.activity.readings import Reading
from apps.core.json_errors import why_broken

LARGEST_RECORD = 4 * 1024 * 1024
LARGEST_FILE = 8 * 1024**3
# A line beyond this is not passed over but the end of reading: no log has such lines.
LONGEST_LINE = 256 * 1024 * 1024
# Packed logs seldom shrink beyond a hundredfold; judged only once so much came out.
RATIO, JUDGED_FROM = 250, 32 * 1024 * 1024
# A record takes the reader at most so far past its own end.
AHEAD = 256 * 1024
DEEPEST = 60
OPENING, CLOSING = frozenset({"start_map", "start_array"}), frozenset({"end_map", "end_array"})
BOM = b"\xef\xbb\xbf"
BROKEN = "The file breaks off or is damaged here."
TOO_LARGE = "A record is larger than 4 MB."
ENDLESS = "A line is larger than 256 MB: this is no log."
UNFORESEEN = "It is of a shape that nobody foresaw ({})."
A_BOMB = "The file grows more than 250 times when unpacked: it looks like a bomb."

# What reading on raises where a file breaks off, is damaged, or is refused.
ENDS = (OSError, EOFError, zlib.error, zipfile.BadZipFile, Unreadable)

Read = Callable[[dict[str, Any]], Reading]


@dataclass(frozen=True, slots=True)
class Bad:
    """A line, or of a document the record, that cannot be read."""

    line: int
    message: str


def lines(file: BinaryIO) -> Iterator[tuple[int, dict[str, Any]] | Bad]:
    """Each line's object with its number. Empty lines are passed over."""
    with _opened(file) as stream:
        number = 0
        while True:
            number += 1
            try:
                line = stream.readline(LARGEST_RECORD + 1)
                if not line:
                    return
                if len(line) > LARGEST_RECORD:
                    _skip_line(stream, line)
                    yield Bad(number, TOO_LARGE)
                    continue
            except ENDS as error:
                yield Bad(number, _told(error))
                return
            line = line.removeprefix(BOM).strip()
            if line:
                yield _object(number, line)


def members(file: BinaryIO, *prefixes: str) -> Iterator[tuple[int, dict[str, Any]] | Bad]:
    """Each object of the lists at these places of one document (`Records.item`)."""
    with _opened(file) as stream:
        bounded = _Bounded(stream)
        number = 0
        try:
            for prefix, value in _items(bounded, prefixes):
                number += 1
                bounded.since = 0
                if isinstance(value, dict):
                    yield number, value
                else:
                    yield Bad(number, f"What stands at {prefix} is not an object.")
        except ijson.JSONError as error:
            yield Bad(number + 1, f"This is not valid JSON: {why_broken(error)}.")
        except (*ENDS, UnicodeDecodeError) as error:
            yield Bad(number + 1, _told(error))
        else:
            if not bounded.is_list_seen:
                yield Bad(1, f"The file has no list at {' or '.join(prefixes)}.")


def read_each(
    found: Iterator[tuple[int, dict[str, Any]] | Bad], read: Read
) -> Iterator[Reading | Bad]:
    odd = Odd()
    for one in found:
        yield one if isinstance(one, Bad) else read_one(one[0], one[1], read, odd)
    odd.tell()


def read_one(number: int, record: dict[str, Any], read: Read, odd: Odd) -> Reading | Bad:
    try:
        reading = read(record)
        if fitted(reading.body):
            reading.warnings += (TRUNCATED,)
    except Unreadable as error:
        return Bad(number, str(error))
    except Exception as error:  # noqa: BLE001 - told of without what the file says
        odd.note(error)
        return Bad(number, UNFORESEEN.format(type(error).__name__))
    return reading


def begins_with_list(file: BinaryIO) -> bool:
    """Whether a seekable file is one list rather than lines; it is left at its start."""
    return first_line(file, 64).lstrip()[:1] == b"["


def first_line(file: BinaryIO, most: int = LARGEST_RECORD) -> bytes:
    """The first line of a seekable file, which is left at its start."""
    return first_lines(file, 1, most)[0]


def first_lines(file: BinaryIO, count: int, most: int = LARGEST_RECORD) -> list[bytes]:
    """So many lines of a seekable file, which is left at its start; empty where there are fewer."""
    start = file.tell()
    with _opened(file) as stream:
        try:
            found = [stream.readline(most) for _ in range(count)]
        except ENDS:
            found = [b""] * count
    file.seek(start)
    return [found[0].removeprefix(BOM), *found[1:]]


def _opened(file: BinaryIO) -> io.BufferedReader:
    """The unpacked bytes. Closing them leaves the file itself open."""
    start = file.tell()
    magic = file.read(2)
    file.seek(start)
    if magic == b"\x1f\x8b":
        unpacked: Any = gzip.GzipFile(fileobj=file, mode="rb")
        return io.BufferedReader(_Capped(unpacked, packed=file), 64 * 1024)
    return io.BufferedReader(_Capped(file), 64 * 1024)


class _Capped(io.RawIOBase):
    def __init__(self, raw: BinaryIO, *, packed: BinaryIO | None = None):
        self.raw = raw
        self.packed = packed
        self.read_so_far = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.raw.read(len(buffer))
        self.read_so_far += len(data)
        if self.read_so_far > LARGEST_FILE:
            raise Unreadable("The file holds more than 8 GB.")
        if self.packed is not None and self.read_so_far > max(
            JUDGED_FROM, RATIO * self.packed.tell()
        ):
            raise Unreadable(A_BOMB)
        buffer[: len(data)] = data
        return len(data)


class _Bounded:
    """What ijson reads from: refuses to read on within one record for ever."""

    def __init__(self, stream: io.BufferedReader):
        self.stream = stream
        self.since = 0
        self.is_list_seen = False

    def read(self, size: int = -1) -> bytes:
        data = self.stream.read(size)
        self.since += len(data)
        if self.since > LARGEST_RECORD + AHEAD:
            raise Unreadable(TOO_LARGE)
        return data


def _items(bounded: _Bounded, places: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    """Build the wanted objects from the parser's events, none of them beyond a depth.

    Told by the depth alone: a parser that names each place takes the square of a deep one's size.
    """
    builder, depth, inside, within, name = None, 0, 0, "", ""
    for event, value in ijson.basic_parse(bounded, use_float=True):
        depth -= event in CLOSING
        if builder is None and inside and depth < inside:
            inside = 0  # the list is over
        elif builder is None and inside:
            builder = ijson.ObjectBuilder()
        elif builder is None:
            bounded.since = min(bounded.since, LARGEST_RECORD)
            if event == "map_key" and depth == 1:
                name = value
            within = f"{name}.item" if depth else "item"
            if event == "start_array" and depth < 2 and within in places:
                bounded.is_list_seen, inside = True, depth + 1
        depth += event in OPENING
        if depth - inside > DEEPEST:
            raise Unreadable("A record is nested too deeply.")
        if builder is not None:
            builder.event(event, value)
            if depth == inside:
                yield within, builder.value
                builder = None


def _object(number: int, line: bytes) -> tuple[int, dict[str, Any]] | Bad:
    if line.count(b"{") + line.count(b"[") > 100_000:
        return Bad(number, "A record holds too many values.")
    try:
        value = orjson.loads(line)
    except (orjson.JSONDecodeError, RecursionError) as error:
        return Bad(number, f"This is not valid JSON: {str(error)[:200]}.")
    if not isinstance(value, dict):
        return Bad(number, "The line is not an object.")
    if is_deep(value):
        return Bad(number, "A record is nested too deeply.")
    return number, value


def is_deep(value: Any) -> bool:
    layer = [value]
    for _ in range(DEEPEST):
        layer = [
            child
            for one in layer
            for child in (one.values() if isinstance(one, dict) else one)
            if isinstance(child, dict | list)
        ]
        if not layer:
            return False
    return True


def _skip_line(stream: io.BufferedReader, line: bytes) -> None:
    skipped = len(line)
    while line and not line.endswith(b"\n"):
        line = stream.readline(LARGEST_RECORD)
        skipped += len(line)
        if skipped > LONGEST_LINE:
            raise Unreadable(ENDLESS)


def _told(error: Exception) -> str:
    return str(error) if isinstance(error, Unreadable) else BROKEN
