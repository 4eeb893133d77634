"""What a review looks at: the scope of a template, frozen into its campaigns."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from typing import Any, Self

GRANT, CREDENTIAL = "grant", "credential"
SUBJECTS = ((GRANT, "Grants"), (CREDENTIAL, "Credentials"))


@dataclass(frozen=True, slots=True)
class Scope:
    """An empty tuple limits nothing; several limits must all hold."""

    subjects: tuple[str, ...] = (GRANT,)
    levels: tuple[str, ...] = ()
    systems: tuple[int, ...] = ()
    teams: tuple[int, ...] = ()
    environments: tuple[str, ...] = ()
    findings: tuple[str, ...] = ()
    tags: tuple[str, ...] = ()
    agents: tuple[int, ...] = ()
    include_service_linked: bool = False
    # A campaign: what it froze is left out, so that what is new beside it can be asked about.
    beyond: int = 0

    @classmethod
    def of(cls, stored: Mapping[str, Any]) -> Self:
        """Read a stored scope; what it does not name limits nothing."""
        known = {field.name for field in fields(cls)}
        values: dict[str, Any] = {
            name: tuple(value) if isinstance(value, list | tuple) else value
            for name, value in stored.items()
            if name in known
        }
        return cls(**values)

    def stored(self) -> dict[str, Any]:
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in asdict(self).items()
        }
