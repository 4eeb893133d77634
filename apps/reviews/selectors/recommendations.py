"""Recommendations in words, with their reasons. Nothing is ever chosen for the reviewer."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from apps.grants.states import WRITING

REVOKE, NARROW, LOOK, KEEP = "Revoke", "Narrow", "Look closer", "Keep"
ROTATE = "Rotate"
COPIED_MORE_THAN = 5
MOST_NAMED = 3


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known about one item. `used_ago` is None where no use is known.

    `is_logged`: the log of its system is complete over the window; `coverage` says how far it is.
    `calls` are those of the last 13 weeks, `traced` the share of them that trace to a run.
    """

    kind: str
    level: str
    is_gone: bool = False
    has_active_agent: bool = True
    use_is_known: bool = False
    used_ago: timedelta | None = None
    age: timedelta | None = None
    window: timedelta = timedelta(days=90)
    is_justified: bool = False
    justification_passed: bool = False
    copies: int = 1
    tasks: tuple[str, ...] = ()
    purpose_explains: bool = True
    breaks: str = ""
    drifted: tuple[str, ...] = ()
    shared_by: int = 1
    high_findings: tuple[str, ...] = ()
    long_lived: str = ""
    is_logged: bool = False
    coverage: str = ""
    calls: int = 0
    traced: int = 100
    traced_enough: int = 80
    used_names: tuple[str, ...] = ()
    action_count: int = 0

    @property
    def told_by(self) -> str:
        """What tells that it was not used."""
        return "and the log of its system is complete" if self.is_logged else "says its source"

    @property
    def uses_few(self) -> bool:
        """Whether a few of the actions it allows are all that was ever called, as the log tells."""
        few = 0 < len(self.used_names) <= self.action_count // 4
        return self.is_writing and self.is_logged and few

    @property
    def is_writing(self) -> bool:
        return self.level in WRITING

    @property
    def was_used_lately(self) -> bool:
        return self.used_ago is not None and self.used_ago <= self.window

    @property
    def is_unused(self) -> bool:
        """Only said where a source tells when it was used, over the whole window."""
        older = self.age is not None and self.age > self.window
        return self.use_is_known and older and not self.was_used_lately


@dataclass(frozen=True, slots=True)
class Recommendation:
    verb: str
    reasons: tuple[str, ...]

    @property
    def in_words(self) -> str:
        return "; ".join(self.reasons)


def recommend(facts: Facts) -> Recommendation:
    """The first rule that fits, in the order of `product.md`, with all that speaks for it."""
    for verb, reasons in _RULES:
        found = tuple(reason for reason in reasons(facts) if reason)
        if found:
            return Recommendation(verb, found)
    return Recommendation(KEEP, _why_keep(facts))


def _why_revoke(facts: Facts) -> list[str]:
    days = facts.window.days
    return [
        "its source no longer shows it" if facts.is_gone else "",
        "" if facts.has_active_agent else "no active agent acts as its identity",
        f"not used in {days} days, {facts.told_by}" if _unused_counts(facts) else "",
        "the date of its justification has passed" if facts.justification_passed else "",
    ]


def _unused_counts(facts: Facts) -> bool:
    return facts.is_unused and (facts.is_writing or facts.kind != "grant")


def _why_rotate(facts: Facts) -> list[str]:
    return [facts.long_lived] if facts.kind == "credential" else []


def _why_narrow(facts: Facts) -> list[str]:
    return [
        f"removing it breaks “{facts.breaks}” with the fewest removals" if facts.breaks else "",
        f"of {facts.action_count} actions only {_few(facts.used_names)} "
        f"{'was' if len(facts.used_names) == 1 else 'were'} used, {facts.told_by}"
        if facts.uses_few
        else "",
    ]


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - MOST_NAMED
    told = ", ".join(names[:MOST_NAMED])
    return f"{told} and {more} more" if more > 0 else told


def _why_look(facts: Facts) -> list[str]:
    is_grant = facts.kind == "grant"
    return [
        "it serves no task of the purpose" if is_grant and not facts.tasks else "",
        "" if facts.purpose_explains or not facts.is_writing else "the purpose is not accepted yet",
        _why_unknown(facts),
        _why_untraced(facts),
        f"changed since the last review: {', '.join(facts.drifted)}" if facts.drifted else "",
        f"{facts.shared_by} agents share its identity" if facts.shared_by > 1 else "",
        f"open finding: {facts.high_findings[0]}" if facts.high_findings else "",
        f"its justification stands on {facts.copies} grants"
        if facts.copies > COPIED_MORE_THAN
        else "",
        "nobody has justified it" if _unjustified(facts) else "",
        "not used lately" if facts.use_is_known and not facts.was_used_lately else "",
    ]


def _why_unknown(facts: Facts) -> str:
    if facts.use_is_known:
        return ""
    return f"its use is not known: {facts.coverage}" if facts.coverage else "its use is not known"


def _why_untraced(facts: Facts) -> str:
    if not facts.calls or facts.traced >= facts.traced_enough:
        return ""
    return f"only {facts.traced} % of its calls trace to a run"


def _unjustified(facts: Facts) -> bool:
    return facts.kind == "grant" and facts.is_writing and not facts.is_justified


def _why_keep(facts: Facts) -> tuple[str, ...]:
    used = f"used {_span(facts.used_ago)} ago" if facts.used_ago is not None else ""
    if facts.calls:
        used += f", {facts.calls:,} call{'' if facts.calls == 1 else 's'} in 13 weeks"
    serves = f"serves “{facts.tasks[0]}”" if facts.tasks else ""
    justified = "justified" if facts.is_justified else ""
    return tuple(filter(None, (used, serves, justified, "no high finding")))


def _span(span: timedelta) -> str:
    return f"{span.days} days" if span.days else "less than a day"


_RULES: tuple[tuple[str, Callable[[Facts], list[str]]], ...] = (
    (REVOKE, _why_revoke),
    (ROTATE, _why_rotate),
    (NARROW, _why_narrow),
    (LOOK, _why_look),
)
