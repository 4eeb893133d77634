"""Which policy a request falls under: the first, by position, whose every condition holds."""

from collections.abc import Collection, Iterable
from dataclasses import asdict, dataclass
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Facts:
    """What policies may ask about a request."""

    level: str
    system_id: int
    environment: str
    tags: frozenset[str] = frozenset()
    combinations: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Match:
    """Conditions of a policy; an empty one holds for everything. Of a list, one must fit.

    `combinations` are names of dangerous combinations the request would complete; `*` is any.
    """

    levels: tuple[str, ...] = ()
    systems: tuple[int, ...] = ()
    environments: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    combinations: tuple[str, ...] = ()

    @classmethod
    def of(cls, stored: dict[str, Any]) -> "Match":
        return cls(**{name: tuple(stored.get(name, ())) for name in cls.__dataclass_fields__})

    def stored(self) -> dict[str, list]:
        return {name: list(values) for name, values in asdict(self).items()}

    def holds(self, facts: Facts) -> bool:
        return (
            _fits(self.levels, {facts.level})
            and _fits(self.systems, {facts.system_id})
            and _fits(self.environments, {facts.environment})
            and _fits(self.tags, facts.tags)
            and self._combines(facts.combinations)
        )

    def _combines(self, completed: Collection[str]) -> bool:
        if "*" in self.combinations:
            return bool(completed)
        return _fits(self.combinations, completed)


class HasMatch(Protocol):
    match: dict[str, Any]


def first_match[P: HasMatch](policies: Iterable[P], facts: Facts) -> P | None:
    """The policy that applies, of policies in order of position; None lets nothing through."""
    return next((one for one in policies if Match.of(one.match).holds(facts)), None)


def _fits(wanted: Collection[Any], there: Collection[Any]) -> bool:
    return not wanted or not set(wanted).isdisjoint(there)
