"""What a person says of a policy, as plain values."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.approvals.matching import Match
from apps.approvals.states import RequirementKind


@dataclass(frozen=True, slots=True)
class Required:
    """So many people of a kind; `group_id` only for a named group."""

    kind: RequirementKind
    count: int = 1
    group_id: int | None = None


@dataclass(frozen=True, slots=True)
class StepContent:
    name: str
    hours: int = 72
    requirements: Sequence[Required] = ()


@dataclass(frozen=True, slots=True)
class PolicyContent:
    """Everything a person may say about a policy."""

    name: str
    position: int
    purpose: str = ""
    match: Match = field(default_factory=Match)
    is_automatic: bool = False
    denials_end_it: int = 1
    steps: Sequence[StepContent] = ()

    def values(self) -> dict[str, Any]:
        return {
            "name": self.name.strip(),
            "position": self.position,
            "purpose": self.purpose.strip(),
            "match": self.match.stored(),
            "is_automatic": self.is_automatic,
            "denials_end_it": self.denials_end_it,
        }
