"""The files of a package as they are written: rows counted, every one marked with its status."""

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from apps.core.csv import FORMULA_STARTS, safe_cell
from apps.evidence.bag import Bag

TICK = 1000

type Write = Callable[[Sequence[Any]], None]


@dataclass(slots=True)
class Files:
    """Members being written into a bag.

    `status` is FINAL or INTERIM; every CSV row ends with it and every JSON object holds it, so
    that no page of an interim package can pass for a final one.
    """

    bag: Bag
    status: str
    tick: Callable[[int, str], None]
    counts: dict[str, int] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    logs: list[dict[str, Any]] = field(default_factory=list)
    written: int = 0

    @contextmanager
    def csv(self, name: str, title: str, columns: Sequence[str]) -> Iterator[Write]:
        self.titles[name] = title
        self.counts[name] = 0
        with self.bag.path(name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow([*columns, "package_status"])

            def write(row: Sequence[Any]) -> None:
                writer.writerow([*map(_cell, row), self.status])
                self._count(name, title)

            yield write

    @contextmanager
    def jsonl(self, name: str, title: str) -> Iterator[Callable[[dict[str, Any]], None]]:
        self.titles[name] = title
        self.counts[name] = 0
        with self.bag.path(name).open("w", encoding="utf-8", newline="\n") as file:

            def write(value: dict[str, Any]) -> None:
                file.write(line({**value, "package_status": self.status}) + "\n")
                self._count(name, title)

            yield write

    @contextmanager
    def exact(
        self, name: str, title: str, *, is_counted: bool = True
    ) -> Iterator[Callable[[bytes], None]]:
        """Lines that stay byte for byte as they are, since their hash is what is proven."""
        self.titles[name] = title
        if is_counted:
            self.counts[name] = 0
        with self.bag.path(name).open("wb") as file:

            def write(text: bytes) -> None:
                file.write(text + b"\n")
                if is_counted:
                    self._count(name, title)

            yield write

    def json(self, name: str, title: str, value: dict[str, Any]) -> None:
        self.titles[name] = title
        marked = {**value, "package_status": self.status}
        text = json.dumps(marked, indent=2, sort_keys=True, ensure_ascii=False, default=plain)
        self.bag.add(name, (text + "\n").encode())

    def add(self, name: str, title: str, content: bytes) -> None:
        self.titles[name] = title
        self.bag.add(name, content)

    def _count(self, name: str, title: str) -> None:
        self.counts[name] += 1
        self.written += 1
        if self.written % TICK == 0:
            self.tick(self.written, f"Writing {title.lower()}")


def line(value: dict[str, Any]) -> str:
    return _ONE_LINE.encode(value)


def _cell(value: Any) -> Any:
    """`safe_cell`, with a short way for plain text and whole numbers, which most cells are."""
    if type(value) is str and value[:1] not in FORMULA_STARTS:
        return value
    return value if type(value) is int else safe_cell(value)


def plain(value: Any) -> str:
    if isinstance(value, datetime):
        return utc(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} has no place in evidence.")


def utc(moment: datetime) -> str:
    """A time to the second, in UTC, such that text order is time order."""
    return safe_cell(moment).replace("+00:00", "Z")


def compact(value: Any) -> str:
    """A JSON value in one cell; nothing for nothing."""
    return line(value) if value else ""


_ONE_LINE = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=plain
)
