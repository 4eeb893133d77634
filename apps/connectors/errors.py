from apps.connectors.adapters.contract import UnreadableSource
from apps.core.errors import DomainError


class SourceRefused(DomainError):
    """A file cannot be used as a whole. Says which file, where in it, and why."""

    def __init__(self, *, file: str, where: str, reason: str):
        super().__init__(f"{file}: {where}: {reason}" if where else f"{file}: {reason}")
        self.file = file
        self.where = where
        self.reason = reason

    @classmethod
    def of(cls, error: UnreadableSource) -> "SourceRefused":
        return cls(file=error.file, where=error.where, reason=error.reason)
