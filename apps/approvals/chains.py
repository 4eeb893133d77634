"""Whether votes meet a chain: ordered steps of requirements, each "n of these people".

One person counts once in the whole request, and for one requirement of a step. Pure functions:
people are primary keys, and nothing here asks the database.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Requirement:
    """`count` distinct people of these must approve."""

    count: int
    people: frozenset[int]


@dataclass(frozen=True, slots=True)
class Step:
    """Every requirement must be met, by different people."""

    requirements: tuple[Requirement, ...]

    @property
    def people(self) -> frozenset[int]:
        return frozenset().union(*(one.people for one in self.requirements))


@dataclass(frozen=True, slots=True)
class Progress:
    """Who fills which requirement of a step: `filled[i]` are people of requirement i."""

    filled: Mapping[int, frozenset[int]] = field(default_factory=dict)
    is_met: bool = False


def progress_of(step: Step, approved_by: Collection[int]) -> Progress:
    """Fill a step's requirements with as many of these people as fit, each used once."""
    places = _places(step.requirements)
    taken = _matching(places, approved_by)
    filled: dict[int, set[int]] = {at: set() for at in range(len(step.requirements))}
    for place, person in taken.items():
        filled[places[place][0]].add(person)
    return Progress(
        filled={at: frozenset(people) for at, people in filled.items()},
        is_met=len(taken) == len(places),
    )


def can_be_met(steps: Sequence[Step], *, spent: Collection[int] = ()) -> bool:
    """Whether enough different people exist to meet every step, without those `spent` already."""
    requirements = [one for step in steps for one in step.requirements]
    people = frozenset().union(*(one.people for one in requirements)) - set(spent)
    return len(_matching(_places(requirements), people)) == sum(one.count for one in requirements)


def _places(requirements: Sequence[Requirement]) -> list[tuple[int, frozenset[int]]]:
    """One place for each approval needed: the requirement's position, and who may take it."""
    return [
        (at, requirement.people)
        for at, requirement in enumerate(requirements)
        for _ in range(requirement.count)
    ]


def _matching(
    places: Sequence[tuple[int, frozenset[int]]], people: Collection[int]
) -> dict[int, int]:
    """Give as many places as possible to different people (augmenting paths, in fixed order)."""
    taken: dict[int, int] = {}

    def seat(person: int, tried: set[int]) -> bool:
        for place, (_, may_take) in enumerate(places):
            if person not in may_take or place in tried:
                continue
            tried.add(place)
            if place not in taken or seat(taken[place], tried):
                taken[place] = person
                return True
        return False

    for person in sorted(people):
        if len(taken) == len(places):
            break
        seat(person, set())
    return taken
