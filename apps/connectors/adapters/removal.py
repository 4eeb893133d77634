"""A removal as plain values: what it is about, what is wanted, and the steps that bring it about.

Pure, so that a plan can be printed, tested, and frozen with its order.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """One statement by which a grant comes. `shared` says the policy also carries other grants."""

    policy: str
    group: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Subject:
    """What a removal is about, as the inventory knows it. A credential, or a grant."""

    system: str
    system_kind: str
    account: str
    identity: str
    identity_kind: str
    identity_id: str
    credential: str = ""
    credential_kind: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    identity_facts: Mapping[str, Any] = field(default_factory=dict)
    service: str = ""
    level: str = ""
    actions: Sequence[str] = ()
    paths: Sequence[Path] = ()

    @property
    def is_role(self) -> bool:
        return "role" in self.identity_kind


@dataclass(frozen=True, slots=True)
class Wanted:
    """A removal that is wanted. `kind` is the order's: revoke, kill, narrow, suspend, rotate.

    `name` names what a step puts in place ("countersign-suspend-12"). `keep` are the actions that
    stay after narrowing; `keep_level` the level instead. `sessions_before` is the moment before
    which sessions end.
    """

    kind: str
    name: str
    subject: Subject
    keep: Sequence[str] = ()
    keep_level: str = ""
    sessions_before: datetime | None = None

    @property
    def removed(self) -> list[str]:
        """The actions that go."""
        kept = set(self.keep) if self.kind == "narrow" else set()
        return [action for action in self.subject.actions if action not in kept]


class When(StrEnum):
    """`NOW` steps stop the access; `LATER` ones follow once it was watched, and make it final."""

    NOW = "now"
    LATER = "later"


@dataclass(frozen=True, slots=True)
class Step:
    """One call of a removal. `op` and `arguments` are the adapter's, and hold no secret; without
    `op` only a person can do it. `command` and `undo` are the provider's own commands."""

    title: str
    command: str = ""
    undo: str = ""
    reversible: bool = False
    op: str = ""
    arguments: Mapping[str, Any] = field(default_factory=dict)
    when: When = When.NOW
    effective_seconds: int = 0

    def told(self) -> dict[str, Any]:
        """As JSON, for keeping with the order."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Plan:
    steps: Sequence[Step] = ()
    diff: str = ""
    note: str = ""

    @property
    def can_run(self) -> bool:
        """Whether a connection can carry all of it out, and some of it stops the access now."""
        return any(step.when == When.NOW for step in self.steps) and all(
            step.op for step in self.steps
        )

    def told(self) -> dict[str, Any]:
        return {"steps": [step.told() for step in self.steps], "diff": self.diff, "note": self.note}


def diff_of(wanted: Wanted) -> str:
    """The statements of a grant, with what goes marked "-" and what stays marked " "."""
    subject = wanted.subject
    gone = set(wanted.removed)
    lines: list[str] = []
    for path in subject.paths or [Path("", "", subject.actions)]:
        by = f"{path.policy or subject.service}{f' (group {path.group})' if path.group else ''}"
        lines.append(f"  {by}")
        lines += [f"{'-' if action in gone else ' '}     {action}" for action in path.actions]
    return "\n".join(lines)
