"""How asking for a credential fails, besides a rule that is broken."""

from apps.core.errors import DomainError


class AskedBefore(DomainError):
    """The same key again. The secret was handed over once, and is kept nowhere."""


class NotAnswered(DomainError):
    """The system could not be asked, or its answer did not come. Trying later may heal it."""
