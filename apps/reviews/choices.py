"""What a reviewer may choose for an item, and what a choice still lacks before it can count."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from apps.grants.states import LEVEL_RANK, WRITING, Level
from apps.reviews.states import Outcome

SHORTEST_REASON = 10
KEEP_DAYS = (30, 90, 180)
LONGEST_KEEP_DAYS = 365

OUTCOMES = {
    "grant": (Outcome.KEEP, Outcome.NARROW, Outcome.REVOKE, Outcome.ABSTAIN),
    "credential": (Outcome.KEEP, Outcome.ROTATE, Outcome.REVOKE, Outcome.ABSTAIN),
    "binding": (Outcome.KEEP, Outcome.REVOKE, Outcome.ABSTAIN),
}

# Whom a removal strikes where several agents act as one identity.
HITS = {
    "all": "All of them lose it",
    "split": "This agent gets an identity of its own first; the others keep theirs",
    "exception": "This agent loses it; the others keep it by an exception",
}
REMOVING = (Outcome.NARROW, Outcome.REVOKE, Outcome.ROTATE)


@dataclass(frozen=True, slots=True)
class Chosen:
    """A choice as it was typed, whole or not."""

    outcome: str
    until: date | None = None
    target: Mapping[str, Any] = field(default_factory=dict)
    hits: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """The side of an item that a choice is measured against."""

    kind: str
    level: str
    actions: tuple[str, ...] = ()
    shared_by: int = 1
    longest_days: int = LONGEST_KEEP_DAYS

    @property
    def needs_reason_to_keep(self) -> bool:
        return self.kind != "grant" or self.level in WRITING

    @property
    def lower_levels(self) -> tuple[str, ...]:
        rank = LEVEL_RANK.get(Level(self.level), 0) if self.level in LEVEL_RANK else 0
        return tuple(level.value for level in Level if LEVEL_RANK[level] < rank)


def asked_of(
    *, kind: str, level: str, frozen: Mapping[str, Any], policy: Mapping[str, int], shared_by: int
) -> Asked:
    return Asked(kind, level, actions_of(frozen), shared_by, longest_keep(kind, level, policy))


def actions_of(frozen: Mapping[str, Any]) -> tuple[str, ...]:
    """Every action the grant allowed when it was staged."""
    allowed = (one for one in frozen.get("statements", ()) if one.get("effect") != "deny")
    return tuple(sorted({action for one in allowed for action in one.get("actions", ())}))


def longest_keep(kind: str, level: str, policy: Mapping[str, int]) -> int:
    """For how many days a keep may last, by the campaign's own copy of the settings."""
    if kind != "grant" or level not in WRITING:
        return LONGEST_KEEP_DAYS
    return policy.get(f"{level}_grant_days", 30 if level == Level.ADMIN else 90)


def what_is_missing(asked: Asked, chosen: Chosen, today: date) -> list[str]:
    """Say, in words for the reviewer, what a choice lacks; an empty list means it can count."""
    if chosen.outcome not in OUTCOMES[asked.kind]:
        return ["a choice that fits this item"]
    missing = []
    if _needs_reason(asked, chosen) and len(chosen.reason.strip()) < SHORTEST_REASON:
        missing.append(f"a reason of at least {SHORTEST_REASON} characters")
    if chosen.outcome == Outcome.KEEP:
        missing += _about_until(asked, chosen.until, today)
    if chosen.outcome == Outcome.NARROW:
        missing += _about_target(asked, chosen.target)
    if asked.shared_by > 1 and chosen.outcome in REMOVING and chosen.hits not in HITS:
        missing.append(f"whom it hits, since {asked.shared_by} agents share it")
    return missing


def _needs_reason(asked: Asked, chosen: Chosen) -> bool:
    return chosen.outcome != Outcome.KEEP or asked.needs_reason_to_keep


def _about_until(asked: Asked, until: date | None, today: date) -> list[str]:
    if until is None:
        return ["a date until which it is kept"] if asked.needs_reason_to_keep else []
    if until <= today:
        return ["a date that is still to come"]
    if until > today + timedelta(days=asked.longest_days):
        return [f"a date within {asked.longest_days} days"]
    return []


def _about_target(asked: Asked, target: Mapping[str, Any]) -> list[str]:
    if "level" in target:
        is_lower = target["level"] in asked.lower_levels
        return [] if is_lower else ["a level below the one it has"]
    chosen = set(target.get("actions", ()))
    if not chosen:
        return ["what to narrow it to: a level, or the actions that stay"]
    if not chosen < set(asked.actions):
        return ["fewer actions than it has now"]
    return []


def in_words(missing: Sequence[str]) -> str:
    return " and ".join(missing)
