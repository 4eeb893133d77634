"""What permissions make possible together: `product.md`, Capability tags and combinations.

Pure functions over what an agent and the agents it may call hold. A combination holds while each
of its parts keeps a grant; it breaks when one part loses all of its grants.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum
from functools import reduce
from itertools import product

from apps.grants.states import WRITING, Tag

# Up to this many candidates the fewest removals are found exactly; beyond, greedily.
EXACT_UP_TO = 20

# Services that hold a system's own log: whoever writes there can cover what they did.
LOG_SERVICES = frozenset({"audit", "audit-log", "cloudtrail", "cloudwatch", "logging", "logs"})


class Name(StrEnum):
    WAY_OUT = "way out for private data"
    STEERED = "outsiders can steer writes"
    SELF_ELEVATION = "self-elevation"
    KEYS_ELSEWHERE = "keys to elsewhere"
    ACTS_AND_COVERS = "acts and covers"


SEVERITY = {
    Name.WAY_OUT: "critical",
    Name.STEERED: "high",
    Name.SELF_ELEVATION: "critical",
    Name.KEYS_ELSEWHERE: "high",
    Name.ACTS_AND_COVERS: "critical",
}


@dataclass(frozen=True, slots=True)
class Held:
    """One grant within reach. `asks_a_person`: whoever acts with it declares a human step."""

    grant: int
    system: int
    service: str
    level: str
    tags: frozenset[str]
    asks_a_person: bool = False


@dataclass(frozen=True, slots=True)
class Part:
    """One thing a combination needs, and the grants that give it."""

    does: str
    grants: frozenset[int]


@dataclass(frozen=True, slots=True)
class Combination:
    name: Name
    parts: tuple[Part, ...]
    system: int | None = None

    @property
    def severity(self) -> str:
        return SEVERITY[self.name]

    @property
    def grants(self) -> frozenset[int]:
        return _union(part.grants for part in self.parts)

    def is_broken_by(self, removed: Collection[int]) -> bool:
        return any(part.grants <= set(removed) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Breaking:
    """The fewest removals that break combinations; `is_exact` says whether fewer may exist."""

    grants: frozenset[int]
    is_exact: bool


def reach[Key: Hashable](calls: Mapping[Key, Collection[Key]], start: Key) -> frozenset[Key]:
    """The agent itself and every agent it may call, directly or through others."""
    reached = {start}
    frontier = [start]
    while frontier:
        fresh = set(calls.get(frontier.pop(), ())) - reached
        reached |= fresh
        frontier.extend(fresh)
    return frozenset(reached)


def combinations_of(held: Sequence[Held]) -> list[Combination]:
    """Every combination that these grants make, the critical ones first."""
    candidates = [
        Combination(
            Name.WAY_OUT,
            (
                _part("reads private data or secrets", held, Tag.READS_PRIVATE, Tag.READS_SECRETS),
                _part("takes in text from outsiders", held, Tag.TAKES_UNTRUSTED),
                _part("sends outside", held, Tag.SENDS_OUT),
            ),
        ),
        Combination(
            Name.SELF_ELEVATION, (_part("grants access where it acts", held, Tag.GRANTS_ACCESS),)
        ),
        *_covering(held),
        Combination(
            Name.STEERED,
            (
                _part("takes in text from outsiders", held, Tag.TAKES_UNTRUSTED),
                _part(
                    "acts without a person's agreement",
                    [one for one in held if not one.asks_a_person],
                    Tag.CHANGES,
                    Tag.DELETES,
                    Tag.SPENDS,
                    Tag.RUNS_CODE,
                ),
            ),
        ),
        Combination(
            Name.KEYS_ELSEWHERE,
            (
                _part("reads or mints credentials", held, Tag.READS_SECRETS),
                _part("sends outside or runs code", held, Tag.SENDS_OUT, Tag.RUNS_CODE),
            ),
        ),
    ]
    return [one for one in candidates if all(part.grants for part in one.parts)]


def fewest_removals(
    combinations: Sequence[Combination], prefer: Callable[[int], tuple] = lambda grant: (grant,)
) -> Breaking:
    """The smallest set of grants whose removal breaks every one of the combinations.

    Exact for up to 20 candidates, greedy beyond. Between sets of one size, the one whose grants
    `prefer` sorts first.
    """
    if not combinations:
        return Breaking(frozenset(), is_exact=True)
    candidates = _union(one.grants for one in combinations)
    if len(candidates) > EXACT_UP_TO:
        return Breaking(_greedily(combinations, prefer), is_exact=False)
    ways = product(*(_smallest_parts(one) for one in combinations))
    sets = {_union(way) for way in ways}
    return Breaking(min(sets, key=lambda grants: _cost(grants, prefer)), is_exact=True)


def _greedily(
    combinations: Sequence[Combination], prefer: Callable[[int], tuple]
) -> frozenset[int]:
    """Break one combination after another, each by what adds least to what is removed already."""
    removed: frozenset[int] = frozenset()
    for combination in sorted(combinations, key=lambda one: len(one.grants)):
        if not combination.is_broken_by(removed):
            added = (part.grants - removed for part in combination.parts)
            removed |= min(added, key=lambda grants: _cost(grants, prefer))
    return removed


def _smallest_parts(combination: Combination) -> set[frozenset[int]]:
    """The parts worth emptying: one that contains another's grants never is."""
    parts = {part.grants for part in combination.parts}
    return {part for part in parts if not any(other < part for other in parts)}


def _cost(grants: Set[int], prefer: Callable[[int], tuple]) -> tuple:
    return len(grants), sorted(prefer(grant) for grant in grants)


def _part(does: str, held: Iterable[Held], *tags: Tag) -> Part:
    wanted = frozenset(tags)
    return Part(does, frozenset(one.grant for one in held if one.tags & wanted))


def _covering(held: Sequence[Held]) -> list[Combination]:
    """Per system: writes there, together with writes on that system's own log."""
    writes = [one for one in held if one.level in WRITING]
    found = []
    for system in sorted({one.system for one in writes}):
        here = [one for one in writes if one.system == system]
        acts = frozenset(one.grant for one in here if one.service not in LOG_SERVICES)
        covers = frozenset(one.grant for one in here if one.service in LOG_SERVICES | {"*"})
        parts = (Part("writes there", acts), Part("writes on its log", covers))
        found.append(Combination(Name.ACTS_AND_COVERS, parts, system))
    return found


def _union(sets: Iterable[frozenset[int]]) -> frozenset[int]:
    return reduce(frozenset.union, sets, frozenset())
