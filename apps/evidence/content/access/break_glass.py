"""Emergencies: access that nobody approved beforehand, and who judged it afterwards."""

from apps.approvals.states import BreakGlassState, BreakGlassVerdict
from apps.evidence.content.access.scope import Scope
from apps.evidence.content.files import Files, compact
from apps.evidence.content.items import CHUNK

USES = [
    "use",
    "label",
    "agent_id",
    "agent",
    "system_id",
    "system",
    "grant",
    "service",
    "level",
    "actions",
    "resources",
    "reason",
    "ticket",
    "hours",
    "taken_by_id",
    "taken_by",
    "taken_at",
    "ends_at",
    "ended_at",
    "ended_by",
    "ended_because",
    "state",
    "state_words",
    "review_due_at",
    "reviewed_at",
    "reviewed_by_id",
    "reviewed_by",
    "verdict",
    "verdict_words",
    "review",
]
_BEFORE_STATE = (
    "pk",
    "label",
    "agent_id",
    "agent__name",
    "system_id",
    "system__name",
    "grant_id",
    "service",
    "level",
    "actions",
    "resources",
    "reason",
    "ticket",
    "hours",
    "taken_by_id",
    "taken_by__display_name",
    "taken_at",
    "ends_at",
    "ended_at",
    "ended_by__display_name",
    "ended_because",
)
_AFTER_STATE = (
    "review_due_at",
    "reviewed_at",
    "reviewed_by_id",
    "reviewed_by__display_name",
)


def write_uses(files: Files, scope: Scope) -> int:
    """Write the emergencies; returns how many."""
    name = "data/break_glass.csv"
    fields = (*_BEFORE_STATE, "state", *_AFTER_STATE, "verdict", "review")
    with files.csv(name, "Break-glass uses, and their review", USES) as write:
        for use in scope.uses.values(*fields).iterator(CHUNK):
            use["actions"], use["resources"] = compact(use["actions"]), compact(use["resources"])
            verdict = use["verdict"]
            write(
                [
                    *(use[field] for field in _BEFORE_STATE),
                    use["state"],
                    BreakGlassState(use["state"]).label,
                    *(use[field] for field in _AFTER_STATE),
                    verdict,
                    BreakGlassVerdict(verdict).label if verdict else "",
                    use["review"],
                ]
            )
    return files.counts[name]
