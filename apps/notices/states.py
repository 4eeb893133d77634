from django.db import models

from apps.core.states import StateMachine


class By(models.TextChoices):
    MAIL = "mail", "Mail"
    CHAT = "chat", "Chat"
    PAGERDUTY = "pagerduty", "PagerDuty"
    WEBHOOK = "webhook", "Webhook"


class DeliveryStatus(models.TextChoices):
    QUEUED = "queued", "Queued"
    SENT = "sent", "Handed over"
    FAILED = "failed", "Failed"
    DROPPED = "dropped", "No longer needed"


class Event(models.TextChoices):
    """What a notice of a page tells; the words are those of PagerDuty."""

    TRIGGER = "trigger", "Page"
    ACKNOWLEDGE = "acknowledge", "Acknowledged"
    RESOLVE = "resolve", "Resolved"


class PageSeverity(models.TextChoices):
    """How bad; the words are those of findings."""

    CRITICAL = "critical", "Critical"
    HIGH = "high", "High"
    MEDIUM = "medium", "Medium"
    LOW = "low", "Low"


class PageState(models.TextChoices):
    SENT = "sent", "Not acknowledged"
    ACKNOWLEDGED = "acknowledged", "Acknowledged"
    RESOLVED = "resolved", "Resolved"


_S = PageState

PAGE_MOVES = StateMachine(
    name="page",
    moves={
        _S.SENT: frozenset({_S.ACKNOWLEDGED, _S.RESOLVED}),
        _S.ACKNOWLEDGED: frozenset({_S.RESOLVED}),
        _S.RESOLVED: frozenset(),
    },
)
# Tools that keep a page open themselves, and so are told what became of it.
FOLLOWING = (By.PAGERDUTY, By.WEBHOOK)
