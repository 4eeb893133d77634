"""CSV with one kind to a file: the columns are the members of the JSON entries.

Lists stand in one cell, parted by `;`. Members that are objects stand as JSON. A grant may take
several rows, one a statement, if they follow each other.
"""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from apps.connectors.adapters.contract import Header, Rejected, Row
from apps.connectors.adapters.countersign_entries import ENTRIES, entry_rows
from apps.connectors.adapters.opening import SourceFile

FORMAT = "countersign"
REQUIRED = {
    "agents": {"name", "purpose"},
    "systems": {"name", "kind"},
    "identities": {"system", "name", "kind"},
    "bindings": {"agent", "system", "identity"},
    "credentials": {"system", "identity", "external_id", "kind"},
    "permissions": {"system_kind", "key", "level"},
    "grants": {"system", "identity", "service", "level", "actions"},
    "justifications": {"system", "identity", "service", "level", "reason"},
}
COLUMNS = {
    "agents": {
        "name", "purpose", "tasks", "owner", "technical_owner", "team", "environment",
        "platform", "autonomy", "has_human_step", "version", "model", "instructions_sha256",
        "calls",
    },
    "systems": {"name", "kind", "account", "description", "environment", "labels"},
    "identities": {"system", "name", "kind", "external_id", "service_linked", "last_used_at"},
    "bindings": {"agent", "system", "identity", "identity_id"},
    "credentials": {
        "system", "identity", "identity_id", "external_id", "kind", "label", "fingerprint",
        "stored_in", "stored_at", "active", "issued_at", "rotated_at", "rotation_days",
        "expires_at", "last_used_at", "use_known",
    },
    "permissions": {"system_kind", "key", "service", "level", "tags"},
    "grants": {
        "system", "identity", "identity_id", "service", "level", "actions", "resources",
        "not_resources", "conditions", "policy", "group", "tags", "expires_at", "last_used_at",
    },
    "justifications": {
        "system", "identity", "identity_id", "service", "level", "reason", "task", "agent",
        "ticket", "given_by", "given_at", "until",
    },
}  # fmt: skip
LISTS = {"actions", "resources", "not_resources", "labels", "tags", "calls"}
FLAGS = {"has_human_step", "service_linked", "active", "use_known"}
GONE_KINDS = {
    "agents": {"agent"},
    "systems": {"system"},
    "identities": {"identity"},
    "bindings": {"binding"},
    "credentials": {"credential"},
    "grants": {"grant"},
}


def read(source: SourceFile, stream: str = "") -> Iterator[Row]:
    with source.open() as opened:
        reader = csv.DictReader(io.TextIOWrapper(opened, encoding="utf-8-sig", newline=""))
        try:
            kind = _kind(source, reader.fieldnames or [])
            yield Header(
                format=FORMAT,
                stream=f"{FORMAT}:{stream or kind}",
                account="",
                kinds=frozenset(GONE_KINDS.get(kind, ())),
            )
            yield from _rows(kind, ((reader.line_num, row) for row in reader))
        except csv.Error as error:
            raise source.refuse(f"{error}.", where=f"line {reader.line_num}") from error
        except UnicodeDecodeError as error:
            raise source.refuse("This is not UTF-8 text.", where=f"byte {error.start}") from error


def _kind(source: SourceFile, names: Iterable[str]) -> str:
    columns = {name.strip().lower() for name in names}
    fitting = [kind for kind, needed in REQUIRED.items() if needed <= columns <= COLUMNS[kind]]
    if not fitting:
        raise source.refuse(
            f"The columns ({', '.join(sorted(columns)[:12])}) fit none of "
            f"{', '.join(REQUIRED)}; see docs/inventory-format.md.",
            where="line 1",
        )
    return max(fitting, key=lambda kind: len(REQUIRED[kind]))


def _rows(kind: str, lines: Iterator[tuple[int, Mapping[str, str]]]) -> Iterator[Row]:
    entries = (_entry(kind, line, row) for line, row in lines)
    for line, entry in _joined(entries) if kind == "grants" else entries:
        if isinstance(entry, Rejected):
            yield entry
        elif kind == "bindings":
            yield from entry_rows("bindings", entry, f"line {line}")
        else:
            yield from entry_rows(kind, entry, f"line {line}")


def _entry(kind: str, line: int, row: Mapping[str, str]) -> tuple[int, dict[str, Any] | Rejected]:
    if None in row:
        return line, Rejected(f"line {line}", "It has more cells than the first line.")
    entry: dict[str, Any] = {}
    for name, text in row.items():
        column, cell = name.strip().lower(), (text or "").strip()
        if not cell:
            continue
        try:
            entry[column] = _cell(column, cell)
        except RecursionError:
            return line, Rejected(f"line {line}, {column}", "It is nested too deeply.")
        except ValueError as error:
            return line, Rejected(f"line {line}, {column}", f"{error}.", ENTRIES.get(kind, ""))
    return line, _shaped(kind, entry)


def _cell(column: str, text: str) -> Any:
    if column in LISTS:
        return [part.strip() for part in text.split(";") if part.strip()]
    if column == "tasks":
        return [{"title": part.strip()} for part in text.split(";") if part.strip()]
    if column == "conditions":
        return [json.loads(text)]
    if column == "rotation_days":
        return int(text)
    if column in FLAGS:
        flags = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
        if text.lower() not in flags:
            raise ValueError(f"{text!r} is neither true nor false")
        return flags[text.lower()]
    return text


def _shaped(kind: str, entry: dict[str, Any]) -> dict[str, Any]:
    if kind == "bindings":
        holder = {name: entry[name] for name in entry if name != "agent"}
        return {"name": entry.get("agent", ""), "bindings": [holder]}
    if kind == "grants":
        policy, group = entry.pop("policy", ""), entry.pop("group", "")
        entry["statements"] = [
            {
                "effect": "allow",
                "actions": entry.get("actions", []),
                "resources": entry.get("resources", []),
                "not_resources": entry.get("not_resources", []),
                "conditions": (entry.pop("conditions", None) or [{}])[0],
                "policy": policy,
                "group": group,
            }
        ]
    return entry


def _joined(
    entries: Iterator[tuple[int, dict[str, Any] | Rejected]],
) -> Iterator[tuple[int, dict[str, Any] | Rejected]]:
    """Bring the consecutive rows of one grant together."""
    held: tuple[int, dict[str, Any]] | None = None
    for line, entry in entries:
        if isinstance(entry, Rejected):
            yield line, entry
        elif held is not None and _same_grant(held[1], entry):
            for name in ("actions", "resources", "not_resources", "statements", "tags"):
                held[1][name] = [*held[1].get(name, ()), *entry.get(name, ())]
        else:
            if held is not None:
                yield held
            held = line, entry
    if held is not None:
        yield held


def _same_grant(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    names = ("system", "identity", "identity_id", "service", "level")
    return all(one.get(name) == other.get(name) for name in names)
