"""Any other log of JSON lines, by a mapping from our fields to paths in its records.

A path is names and list places joined by dots (`actor.ids.0`); `=word` is a fixed value.
"""

from collections.abc import Iterator, Mapping
from typing import Any, BinaryIO

from apps.activity.conventions.spans import Unreadable
from apps.activity.formats.lines import Bad, lines, read_each
from apps.activity.formats.values import carried, nanoseconds, text
from apps.activity.readings import Reading

LENGTHS = {
    "request_id": 128,
    "target": 200,
    "claimed_agent": 200,
    "claimed_id": 200,
    "run": 200,
    "conversation": 200,
    "system": 40,
    "account": 200,
    "principal": 400,
    "credential": 128,
    "address": 64,
    "client": 200,
    "original_id": 128,
}
PARTS = ("told", "did", "result")
FIELDS = frozenset(
    {"name", "happened_at", "ended_at", "level", "outcome", "correlation", *LENGTHS, *PARTS}
)
LEVELS = {
    "read": "read", "get": "read", "list": "read", "view": "read", "select": "read", "true": "read",
    "write": "write", "create": "write", "update": "write", "delete": "write", "false": "write",
    "admin": "admin", "manage": "admin",
}  # fmt: skip
OUTCOMES = {
    "ok": "ok", "success": "ok", "succeeded": "ok", "allow": "ok", "allowed": "ok", "true": "ok",
    "denied": "denied", "deny": "denied", "forbidden": "denied", "unauthorized": "denied",
    "blocked": "denied", "failed": "failed", "failure": "failed", "fail": "failed",
    "error": "failed", "false": "failed",
}  # fmt: skip


def problems(mapping: Mapping[str, str]) -> list[str]:
    """What is wrong with a mapping, for whoever wrote it."""
    told = [f"{name} is none of our fields." for name in mapping if name not in FIELDS]
    told += [f"{name} needs a path." for name, path in mapping.items() if not str(path).strip()]
    told += [f"{name} has to be mapped." for name in ("name", "happened_at") if name not in mapping]
    return told


def readings(file: BinaryIO, mapping: Mapping[str, str]) -> Iterator[Reading | Bad]:
    return read_each(lines(file), lambda line: read(line, mapping))


def read(line: dict[str, Any], mapping: Mapping[str, str]) -> Reading:
    told = {name: _at(line, path) for name, path in mapping.items()}
    name, at = text(told.get("name")), nanoseconds(told.get("happened_at"))
    if not name:
        raise Unreadable(f"Nothing stands at {mapping.get('name', 'the path of its name')}.")
    if not at:
        raise Unreadable(f"No time stands at {mapping.get('happened_at', 'the path of its time')}.")
    correlation = carried(told.get("correlation"))
    body = {part: told[part] for part in PARTS if told.get(part) is not None}
    reading = Reading(
        kind="api",
        name=name,
        happened_at=at,
        ended_at=nanoseconds(told.get("ended_at")) or at,
        correlation=correlation,
        carried_by="header" if correlation else "",
        level=LEVELS.get(text(told.get("level"), 20).lower(), ""),
        outcome=_outcome(told.get("outcome")),
        body=body | {"rest": line},
    )
    for one, most in LENGTHS.items():
        if one in told:
            setattr(reading, one, text(told[one], most))
    return reading


def _at(line: Any, path: str) -> Any:
    if path.startswith("="):
        return path[1:]
    for step in path.split("."):
        if isinstance(line, dict):
            line = line.get(step)
        elif isinstance(line, list) and step.isascii() and step.isdigit() and len(step) < 6:
            line = line[int(step)] if int(step) < len(line) else None
        else:
            return None
    return line


def _outcome(value: Any) -> str:
    """By its word, or by its number as HTTP has them."""
    told = text(value, 20).lower()
    if told in OUTCOMES:
        return OUTCOMES[told]
    if len(told) == 3 and told.isascii() and told.isdigit():
        code = int(told)
        return "denied" if code in {401, 403} else "failed" if code >= 400 else "ok"
    return ""
