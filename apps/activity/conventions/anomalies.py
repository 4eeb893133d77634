"""What an agent or a guard flagged by itself: severity 1 to 4, with what it said."""

from typing import Any

from apps.activity.conventions.bounds import short
from apps.activity.conventions.envelopes import loaded
from apps.activity.conventions.tables import (
    ACTIONS_OF_GUARDS,
    BAD_LABELS,
    GOOD_LABELS,
    REFUSALS,
    SEVERITIES,
    STRUCK,
)


def flagged(found: dict[str, Any]) -> tuple[int, str, dict[str, Any]]:
    """Severity, outcome, and what was said; nothing where a guard let it pass."""
    label = short(found.get("guard_label"), 40).lower()
    action = short(found.get("guard_action"), 40).lower()
    severity = SEVERITIES.get(short(found.get("anomaly_severity"), 20).lower(), 0)
    outcome = "denied" if action in REFUSALS else ""
    if label in BAD_LABELS:
        severity, outcome = severity or 2, outcome or "failed"
    elif label in GOOD_LABELS:
        outcome = outcome or "ok"
    if action in ACTIONS_OF_GUARDS:
        severity = severity or ACTIONS_OF_GUARDS[action]
    if not severity and "anomaly_type" in found and action not in ACTIONS_OF_GUARDS:
        severity = 2
    if not severity:
        return 0, outcome, {}
    told = {
        "type": found.get("anomaly_type", found.get("guard")),
        "severity": found.get("anomaly_severity"),
        "label": found.get("guard_label"),
        "score": found.get("guard_score"),
        "action": found.get("guard_action"),
        "detail": found.get("anomaly_detail"),
    }
    return severity, outcome, {name: value for name, value in told.items() if value is not None}


def struck(answer: Any) -> bool | None:
    """Whether a guardrail's own answer says that it struck; None where it does not say."""
    inner = loaded(answer)
    if not isinstance(inner, dict):
        return None
    said = [inner[name] is bad for name, bad in STRUCK.items() if isinstance(inner.get(name), bool)]
    return any(said) if said else None
