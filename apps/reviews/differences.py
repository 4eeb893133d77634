"""What changed between two designs of an agent, in words that can be read."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

SAME, ADDED, REMOVED = "same", "added", "removed"
# Comparing takes the square of the words; a longer text is shown as replaced whole.
MOST_WORDS = 3000
SHOWN_OF_DIGEST = 12


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of words: the same in both texts, added in the new one, or removed from the old."""

    kind: str
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """One part of the design that differs, as pieces of text; `note` says what they are not."""

    part: str
    pieces: tuple[Piece, ...]
    note: str = ""


def words_changed(old: str, new: str) -> tuple[Piece, ...]:
    """The new text beside the old one, word by word."""
    before, after = old.split(), new.split()
    if len(before) + len(after) > MOST_WORDS:
        return tuple(_pieces(before, after, [("replace", 0, len(before), 0, len(after))]))
    matcher = SequenceMatcher(None, before, after, autojunk=False)
    return tuple(_pieces(before, after, matcher.get_opcodes()))


def _pieces(
    before: list[str], after: list[str], steps: Iterable[tuple[str, int, int, int, int]]
) -> Iterator[Piece]:
    for step, i, j, k, m in steps:
        if step == "equal":
            yield Piece(SAME, " ".join(after[k:m]))
            continue
        if i < j:
            yield Piece(REMOVED, " ".join(before[i:j]))
        if k < m:
            yield Piece(ADDED, " ".join(after[k:m]))


def design_changed(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[Difference, ...]:
    """Every part that both designs name and that differs. What one does not name is not told."""
    known = [name for name in PARTS if name in old and name in new]
    parts = [name for name in known if _plain(old[name]) != _plain(new[name])]
    return tuple(_difference(name, old[name], new[name]) for name in parts)


def _plain(value: Any) -> Any:
    """The order in which tasks are named is no difference."""
    return sorted(value) if isinstance(value, list) else value or ""


PARTS = {
    "purpose": "Purpose",
    "tasks": "Tasks",
    "instructions_sha256": "Instructions",
    "model": "Model",
    "version": "Version",
    "environment": "Environment",
    "owner": "Owner",
    "autonomy": "Autonomy",
}


def _difference(name: str, old: Any, new: Any) -> Difference:
    if name == "tasks":
        return Difference(PARTS[name], _listed(old, new))
    if name == "purpose":
        return Difference(PARTS[name], words_changed(old or "", new or ""))
    if name == "instructions_sha256":
        old, new = (text[:SHOWN_OF_DIGEST] for text in (old or "", new or ""))
        note = "Only the digest of the instructions is known, so their words cannot be compared."
        return Difference(PARTS[name], _swapped(old, new), note)
    return Difference(PARTS[name], _swapped(str(old or ""), str(new or "")))


def _swapped(old: str, new: str) -> tuple[Piece, ...]:
    return Piece(REMOVED, old or "nothing"), Piece(ADDED, new or "nothing")


def _listed(old: list[str], new: list[str]) -> tuple[Piece, ...]:
    kept = (Piece(SAME if one in old else ADDED, f"“{one}”") for one in new)
    gone = (Piece(REMOVED, f"“{one}”") for one in old if one not in new)
    return (*kept, *gone)
