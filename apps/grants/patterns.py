"""Action patterns: matching, certain containment, possible overlap, and exact compression.

Actions are compared without regard to case, as IAM does. `*` stands for any run of
characters, `?` for one.
"""

import re
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from functools import lru_cache
from itertools import accumulate

WILDCARDS = re.compile(r"[*?]")
WORD_STARTS = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=-)")
AFTER_EVERYTHING = "\U0010ffff"


def is_pattern(text: str) -> bool:
    return WILDCARDS.search(text) is not None


@lru_cache(maxsize=8192)
def matcher(pattern: str) -> re.Pattern[str]:
    """Compile a pattern to match whole action names."""
    parts = (".*" if c == "*" else "." if c == "?" else re.escape(c) for c in pattern)
    return re.compile("".join(parts), re.IGNORECASE | re.DOTALL)


def covers(pattern: str, other: str) -> bool:
    """Say whether everything `other` stands for is certainly matched by `pattern`.

    May answer no where the truth is yes, never the reverse: access is not dropped on doubt.
    """
    parts = (".*" if c == "*" else "[^*]" if c == "?" else re.escape(c) for c in pattern)
    return re.fullmatch("".join(parts), other, re.IGNORECASE | re.DOTALL) is not None


def overlap(one: str, other: str) -> bool:
    """Say whether some action can match both patterns."""
    begins, other_begins = _beginning(one), _beginning(other)
    if not begins.startswith(other_begins) and not other_begins.startswith(begins):
        return False
    return _overlap(one.lower(), other.lower())


@lru_cache(maxsize=16384)
def _beginning(pattern: str) -> str:
    """Return what every action that matches begins with."""
    return WILDCARDS.split(pattern, maxsplit=1)[0].lower()


@lru_cache(maxsize=8192)
def _overlap(one: str, other: str) -> bool:
    reachable = {0}
    reachable |= _through_stars(one, reachable)
    for char in other:
        reachable = _step(one, reachable, char)
        if not reachable:
            return False
    return len(one) in reachable


def _step(one: str, states: set[int], char: str) -> set[int]:
    """Advance positions in `one` by a character, or a wildcard, of the other pattern."""
    if char == "*":
        return set(range(min(states), len(one) + 1))
    moved = set()
    for at in states:
        if at == len(one):
            continue
        if one[at] == "*":
            moved.add(at)
        elif one[at] == char or "?" in (one[at], char):
            moved.add(at + 1)
    return moved | _through_stars(one, moved)


def _through_stars(one: str, states: set[int]) -> set[int]:
    more = set()
    for at in states:
        end = at
        while end < len(one) and one[end] == "*":
            end += 1
            more.add(end)
    return more


def compress(
    chosen: Sequence[bool], names: Sequence[str], *, avoid: Iterable[str] = ()
) -> tuple[str, ...]:
    """Write the chosen names as few patterns that match no other of `names`.

    `names` is sorted by its lower case. `avoid` lists names outside it that no pattern may
    match either. Patterns are cut where a word begins (`Get*`, not `Ge*`).
    """
    lower = _lowered(tuple(names))
    taken = list(accumulate(chosen, initial=0))
    forbidden = sorted(name.lower() for name in avoid)
    patterns = []
    end = 0
    while taken[end] < taken[-1]:
        at = chosen.index(True, end)
        prefix, end = _widest(at, names, lower, taken, forbidden)
        patterns.append(names[at] if prefix is None else f"{prefix}*")
    return tuple(patterns)


@lru_cache(maxsize=1024)
def _lowered(names: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name.lower() for name in names)


def _widest(
    at: int,
    names: Sequence[str],
    lower: Sequence[str],
    taken: Sequence[int],
    forbidden: Sequence[str],
) -> tuple[str | None, int]:
    name = names[at]
    for cut in (0, *(match.start() for match in WORD_STARTS.finditer(name)), len(name)):
        prefix = lower[at][:cut]
        low, high = _span(lower, prefix)
        whole = taken[high] - taken[low] == high - low
        if whole and high - low > 1 and not _any_with(forbidden, prefix):
            return name[:cut], high
    return None, at + 1


def _span(names: Sequence[str], prefix: str) -> tuple[int, int]:
    return bisect_left(names, prefix), bisect_left(names, prefix + AFTER_EVERYTHING)


def _any_with(names: Sequence[str], prefix: str) -> bool:
    low, high = _span(names, prefix)
    return low < high
