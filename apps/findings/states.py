from django.db import models

from apps.core.states import StateMachine


class FindingState(models.TextChoices):
    OPEN = "open", "Open"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    SNOOZED = "snoozed", "Snoozed"
    RISK_ACCEPTED = "risk_accepted", "Risk accepted"
    RESOLVED = "resolved", "Resolved"


_S = FindingState
# States in which the finding holds, whatever people said of it.
HOLDING = (_S.OPEN, _S.ACKNOWLEDGED, _S.SNOOZED, _S.RISK_ACCEPTED)
# States that ask somebody to do something.
STANDING = (_S.OPEN, _S.ACKNOWLEDGED)

FINDING_MOVES = StateMachine(
    name="finding",
    moves={
        _S.OPEN: frozenset({_S.ACKNOWLEDGED, _S.SNOOZED, _S.RISK_ACCEPTED, _S.RESOLVED}),
        _S.ACKNOWLEDGED: frozenset({_S.OPEN, _S.SNOOZED, _S.RISK_ACCEPTED, _S.RESOLVED}),
        _S.SNOOZED: frozenset({_S.OPEN, _S.RISK_ACCEPTED, _S.RESOLVED}),
        _S.RISK_ACCEPTED: frozenset({_S.OPEN, _S.RESOLVED}),
        _S.RESOLVED: frozenset({_S.OPEN}),
    },
)


class Severity(models.TextChoices):
    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


SEVERITY_RANK = {Severity.CRITICAL: 3, Severity.HIGH: 2, Severity.MEDIUM: 1, Severity.LOW: 0}
