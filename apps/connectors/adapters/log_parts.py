"""What a system's log is read in: parts, and the pieces of each that come one after another."""

from dataclasses import dataclass
from datetime import datetime
from typing import BinaryIO


@dataclass(frozen=True, slots=True)
class LogPart:
    """A part of an account's log that is read by itself."""

    key: str
    title: str
    account: str


@dataclass(frozen=True, slots=True)
class LogPiece:
    """Records of a log, in its own format. With `until`, everything of its part before then has
    been handed on by now."""

    name: str
    file: BinaryIO | None = None
    until: datetime | None = None
