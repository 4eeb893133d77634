"""What an identity may do in the end, from all its policies together.

Effective = allowed by any policy, inside the boundary, and not denied on all resources without
condition. What a narrower Deny or boundary holds back stays, with that limit beside it. A limit
is never assumed to remove anything, so nothing that may be possible is hidden.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from apps.connectors.adapters.aws_catalogue import Catalogue
from apps.connectors.adapters.aws_policy import BOUNDARY, Statement
from apps.connectors.adapters.contract import (
    LEVELS,
    WRITE,
    GrantRow,
    StatementRow,
)
from apps.grants import patterns


@dataclass(frozen=True, slots=True)
class Holding:
    """Everything an identity holds. `boundary` is None where it has none."""

    system: str
    identity: str
    statements: Sequence[Statement]
    boundary: Sequence[Statement] | None = None


def grants_of(holding: Holding, known: Catalogue) -> Iterator[GrantRow]:
    """Yield one grant for each service and access level the identity effectively holds."""
    judged = _Judged(holding, known)
    for service in judged.services():
        for level in LEVELS:
            actions = judged.slice(service, level)
            unknown = judged.unknown_of(service) if level == WRITE else ()
            if actions or unknown:
                yield judged.grant(service, level, actions, unknown)


class _Judged:
    def __init__(self, holding: Holding, known: Catalogue):
        self.holding = holding
        self.known = known
        boundary = holding.boundary or ()
        self.allows = [held for held in holding.statements if held.allows]
        denies = [held for held in (*holding.statements, *boundary) if not held.allows]
        self.outright = [held for held in denies if held.is_unlimited]
        self.narrow = [held for held in denies if not held.is_unlimited]
        self.ceiling = [held for held in boundary if held.allows]
        self.bounded = holding.boundary is not None
        self.effective = self._effective()
        self.unknown = self._unknown()
        self.avoid = frozenset(self._spoken_of())

    def services(self) -> list[str]:
        held = {
            service for service, span in self.known.services.items() if span.mask & self.effective
        }
        return sorted(held | set(self.unknown))

    def slice(self, service: str, level: str) -> int:
        return self.effective & self.known.service_mask(service) & self.known.levels[level]

    def unknown_of(self, service: str) -> tuple[str, ...]:
        return self.unknown.get(service, ())

    def grant(self, service: str, level: str, mask: int, unknown: tuple[str, ...]) -> GrantRow:
        return GrantRow(
            system=self.holding.system,
            identity=self.holding.identity,
            service=service,
            level=level,
            actions=self._actions(service, mask, unknown),
            action_count=mask.bit_count() + len(unknown),
            statements=tuple(self._rows(self.allows, service, mask, unknown)),
            limits=tuple(self._limits(service, mask, unknown)),
            unknown_actions=unknown,
            tags=self._tags(mask, unknown, level),
            classified_by=self.known.version,
        )

    def _effective(self) -> int:
        mask = _union(self.allows) & ~_union(self.outright)
        return mask & _union(self.ceiling) if self.bounded else mask

    def _unknown(self) -> dict[str, tuple[str, ...]]:
        """Find what may be held though the catalogue does not know it, by service."""
        named = {name for held in self.allows for name in held.unknown}
        in_order = sorted(named, key=lambda name: (_service(name), name))
        held = filter(self._may_be_held, in_order)
        return {service: tuple(names) for service, names in groupby(held, key=_service)}

    def _may_be_held(self, name: str) -> bool:
        if any(held.surely_covers(name) for held in self.outright):
            return False
        return not self.bounded or any(held.may_touch(name) for held in self.ceiling)

    def _spoken_of(self) -> Iterator[str]:
        """Yield names outside the catalogue that no pattern may swallow, up to a wildcard."""
        for held in (*self.outright, *self.narrow, *self.allows):
            for name in (*held.actions, *held.not_actions):
                if not self.known.mask(name):
                    yield patterns.WILDCARDS.split(name)[0].lower()

    def _actions(self, service: str, mask: int, unknown: Iterable[str]) -> tuple[str, ...]:
        return (*self.known.compress(mask, service, self.avoid), *unknown)

    def _rows(
        self,
        statements: Iterable[Statement],
        service: str,
        mask: int,
        unknown: Iterable[str],
    ) -> Iterator[StatementRow]:
        for held in statements:
            named = tuple(name for name in unknown if held.may_touch(name))
            part = held.mask & mask
            if part or named:
                yield _row(held, self._actions(service, part, named))

    def _limits(self, service: str, mask: int, unknown: tuple[str, ...]) -> Iterator[StatementRow]:
        yield from self._rows(self.narrow, service, mask, unknown)
        yield from self._touching(service, unknown)
        if self.bounded:
            free = [held for held in self.ceiling if held.is_unlimited]
            caps = [held for held in self.ceiling if not held.is_unlimited]
            capped = tuple(
                name for name in unknown if not any(held.surely_covers(name) for held in free)
            )
            yield from self._rows(caps, service, mask & ~_union(free), capped)

    def _touching(self, service: str, unknown: tuple[str, ...]) -> Iterator[StatementRow]:
        """Yield outright denials that take a part, which cannot be listed, of a pattern."""
        for held in self.outright:
            named = tuple(
                name for name in unknown if patterns.is_pattern(name) and held.may_touch(name)
            )
            if named:
                yield _row(held, held.actions or named)

    def _tags(self, mask: int, unknown: tuple[str, ...], level: str) -> dict[str, str]:
        tags = self.known.tags_of(mask, level) if mask else {}
        if unknown:
            tags.setdefault("changes", "unknown to the catalogue, so counted as a write")
        return tags


def _row(held: Statement, actions: tuple[str, ...]) -> StatementRow:
    return StatementRow(
        effect="allow" if held.allows else "deny",
        actions=actions,
        not_actions=held.not_actions,
        resources=held.resources,
        not_resources=held.not_resources,
        conditions=held.conditions,
        policy=held.origin.policy,
        policy_key=held.origin.key,
        group=held.origin.group,
        sid=held.sid,
        origin=BOUNDARY if held.origin.part == BOUNDARY else "policy",
    )


def _union(statements: Iterable[Statement]) -> int:
    mask = 0
    for held in statements:
        mask |= held.mask
    return mask


def _service(name: str) -> str:
    return name.partition(":")[0].lower()
