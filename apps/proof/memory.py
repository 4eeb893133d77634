"""What the signer remembers, outside the database: one file a log, one line each time it signs.

A line is on the disk before the database hears of it. So after any crash the last line is what
was signed last, and a line that was cut off was never shown to anybody.
"""

import base64
import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

TAIL = 64 * 1024


class MemoryBroken(Exception):
    """The signer cannot trust its own memory."""


@dataclass(frozen=True, slots=True)
class Line:
    """The log as last signed; without a note, an epoch that has begun and signed nothing yet."""

    epoch: int
    origin: str
    vkey: str
    size: int
    root: bytes
    at: datetime
    note: str = ""
    before: str = ""
    reason: str = ""

    def text(self) -> str:
        told: dict[str, Any] = {
            "epoch": self.epoch,
            "origin": self.origin,
            "vkey": self.vkey,
            "size": self.size,
            "root": base64.b64encode(self.root).decode(),
            "at": self.at.isoformat(),
            "note": self.note,
            "before": self.before,
            "reason": self.reason,
        }
        return json.dumps(told) + "\n"


@dataclass(frozen=True, slots=True)
class Memory:
    folder: Path

    @contextmanager
    def held(self) -> Iterator[None]:
        """Be the only one who signs from this memory; else `BlockingIOError`."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with (self.folder / "signer.lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield

    def logs(self) -> list[str]:
        return sorted(path.stem for path in self.folder.glob("*.jsonl"))

    def last(self, log_name: str) -> Line | None:
        """The last whole line; None where there never was one. Else raises `MemoryBroken`."""
        path = self._path(log_name)
        try:
            with path.open("rb") as file:
                file.seek(max(0, path.stat().st_size - TAIL))
                lines = file.read().split(b"\n")[:-1]
        except FileNotFoundError:
            return None
        return _parsed(lines[-1], path) if lines else None

    def lines(self, log_name: str, *, is_whole: bool = False) -> Iterator[Line]:
        """What was remembered lately, oldest first, or ever. Raises `MemoryBroken`."""
        path = self._path(log_name)
        if not path.exists():
            return
        with path.open("rb") as file:
            start = 0 if is_whole else max(0, path.stat().st_size - TAIL)
            file.seek(start)
            if start:
                file.readline()  # of which only the end is here
            for line in file:
                if line.endswith(b"\n"):
                    yield _parsed(line, path)

    def append(self, log_name: str, line: Line) -> None:
        """Remember for good: when this returns, the line is on the disk."""
        path = self._path(log_name)
        is_new = not path.exists()
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        with os.fdopen(descriptor, "r+b") as file:
            file.truncate(_end_of_last_line(file))
            file.seek(0, os.SEEK_END)
            file.write(line.text().encode())
            file.flush()
            os.fsync(file.fileno())
        if is_new:
            folder = os.open(self.folder, os.O_RDONLY)
            os.fsync(folder)
            os.close(folder)

    def _path(self, log_name: str) -> Path:
        return self.folder / f"{log_name}.jsonl"


def _end_of_last_line(file: IO[bytes]) -> int:
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - TAIL))
    tail = file.read()
    cut_off = len(tail) - (tail.rfind(b"\n") + 1)
    return end - cut_off


def _parsed(line: bytes, path: Path) -> Line:
    try:
        told = json.loads(line)
        told["root"] = base64.b64decode(told["root"], validate=True)
        told["at"] = datetime.fromisoformat(told["at"])
        return Line(**told)
    except (KeyError, TypeError, ValueError) as error:
        raise MemoryBroken(f"The last line of {path} cannot be read.") from error
