"""Rules by which an item may be carried forward from an earlier review instead of asked again.

Off unless a template or campaign names one. A rule covers read access alone: never write, admin,
or a credential. Whatever the rule, an item is carried at most twice running.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from apps.grants.states import Level
from apps.reviews.states import Disposition

MOST_RUNNING = 2
MOST_DAYS, DEFAULT_DAYS = 366, 180


@dataclass(frozen=True, slots=True)
class Frozen:
    """A grant as this campaign froze it."""

    level: str
    agent_id: int | None
    content_sha256: str
    design_digest: str
    deadline_on: date


@dataclass(frozen=True, slots=True)
class Earlier:
    """The newest item about the same grant in another campaign, and the decision it rests on.

    `running` counts how often running it has been carried forward already.
    """

    disposition: str
    agent_id: int | None
    content_sha256: str
    design_digest: str
    decision_id: int | None
    decided_at: datetime | None
    until: date | None
    running: int


@dataclass(frozen=True, slots=True)
class CarryRule:
    key: str
    words: str
    holds: Callable[[Frozen, Earlier], bool]

    def in_words(self, days: int) -> str:
        return self.words.format(days=days)


def may_carry(rule: CarryRule, days: int, frozen: Frozen, earlier: Earlier, now: datetime) -> bool:
    """Whether the earlier decision still covers the grant by the rule."""
    if frozen.level != Level.READ or earlier.running >= MOST_RUNNING:
        return False
    if earlier.disposition not in {Disposition.KEPT, Disposition.CARRIED}:
        return False
    if earlier.decided_at is None or earlier.decided_at < now - timedelta(days=days):
        return False
    if earlier.until is not None and earlier.until < frozen.deadline_on:
        return False
    return rule.holds(frozen, earlier)


def _is_unchanged(frozen: Frozen, earlier: Earlier) -> bool:
    known = bool(frozen.content_sha256 and frozen.design_digest and frozen.agent_id)
    return known and (frozen.agent_id, frozen.content_sha256, frozen.design_digest) == (
        earlier.agent_id,
        earlier.content_sha256,
        earlier.design_digest,
    )


RULES = {
    rule.key: rule
    for rule in (
        CarryRule(
            "kept-read-unchanged",
            "Read access kept in the last {days} days, with the same content and the same design",
            _is_unchanged,
        ),
    )
}
CHOICES = (
    ("", "Nothing: every item is asked about"),
    *((rule.key, rule.words.format(days="so many")) for rule in RULES.values()),
)


def rule_in_words(key: str, days: int) -> str:
    """The rule of a template or campaign as one sentence; nothing where it has none."""
    return RULES[key].in_words(days) if key else ""
