"""What an import changes, counted and with the first examples, for people and for the record."""

from dataclasses import asdict, dataclass, field
from typing import Any

EXAMPLES = 20
REJECTED_SHOWN = 1000
NOTES_SHOWN = 200


@dataclass(slots=True)
class Counts:
    new: int = 0
    changed: int = 0
    gone: int = 0
    back: int = 0
    same: int = 0
    examples: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def add(self, what: str, label: str, changes: dict[str, Any] | None = None) -> None:
        """Count one record as new, changed, gone, back, or the same."""
        setattr(self, what, getattr(self, what) + 1)
        if what == "same":
            return
        shown = self.examples.setdefault(what, [])
        if len(shown) < EXAMPLES:
            shown.append({"label": label, "changes": _short(changes or {})})


@dataclass(slots=True)
class Report:
    kinds: dict[str, Counts] = field(default_factory=dict)
    rejected_count: int = 0
    rejected: list[dict[str, str]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def of(self, kind: str) -> Counts:
        return self.kinds.setdefault(kind, Counts())

    def reject(self, path: str, reason: str) -> None:
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_SHOWN:
            self.rejected.append({"path": path, "reason": reason})

    def note(self, text: str) -> None:
        if len(self.notes) < NOTES_SHOWN and text not in self.notes:
            self.notes.append(text)

    def counts(self) -> dict[str, dict[str, int]]:
        """The numbers alone, as the source keeps them."""
        return {
            kind: {name: value for name, value in asdict(counts).items() if name != "examples"}
            for kind, counts in self.kinds.items()
        }

    def told(self) -> dict[str, Any]:
        return {
            "kinds": {kind: asdict(counts) for kind, counts in self.kinds.items()},
            "rejected_count": self.rejected_count,
            "rejected": self.rejected,
            "notes": self.notes,
        }


def _short(changes: dict[str, Any]) -> dict[str, list[str]]:
    return {name: [_text(value) for value in pair] for name, pair in changes.items()}


def _text(value: Any) -> str:
    text = ", ".join(str(part) for part in value) if isinstance(value, list) else str(value)
    return text if len(text) <= 200 else f"{text[:200]} ..."
