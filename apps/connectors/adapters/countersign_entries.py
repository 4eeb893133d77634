"""One entry of the product's own format, checked against its schema, as rows."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from apps.connectors.adapters.contract import (
    AgentRow,
    BindingRow,
    CredentialRow,
    GrantRow,
    IdentityRow,
    JustificationRow,
    NeedRow,
    PermissionRow,
    Rejected,
    Row,
    StatementRow,
    SystemRow,
    TaskRow,
)
from apps.connectors.adapters.keeping import flaw_of
from apps.connectors.adapters.times import moment

SCHEMA = Path(__file__).parents[3] / "docs" / "countersign-inventory.schema.json"
# List name, and the definition its entries follow.
ENTRIES = {
    "agents": "agent",
    "systems": "system",
    "identities": "identity",
    "credentials": "credential",
    "permissions": "permission",
    "grants": "grant",
    "justifications": "justification",
}
DECLARED = "declared in the file"


def entry_rows(kind: str, entry: Any, path: str) -> Iterator[Row]:
    """Yield the rows of one entry, or the one reason why it cannot be read."""
    definition = "agent" if kind == "bindings" else ENTRIES[kind]
    flaw = flaw_of(entry)
    if flaw:
        yield Rejected(path, flaw, definition)
        return
    error = next(iter(_validator(definition).iter_errors(entry)), None)
    if error is not None:
        where = "".join(_step(step) for step in error.absolute_path)
        yield Rejected(f"{path}{where}", _said(error.message), definition, _key(kind, entry))
        return
    try:
        for row in READERS[kind](entry):
            yield replace(row, path=path)  # type: ignore[arg-type]
    except ValueError as bad:
        yield Rejected(path, f"{bad}.", definition, _key(kind, entry))


def _system(entry: Mapping[str, Any]) -> Iterator[Row]:
    labels = entry.get("labels")
    yield SystemRow(
        kind=entry["kind"],
        key=entry["name"],
        name=entry["name"],
        account=entry.get("account", ""),
        description=entry.get("description"),
        environment=entry.get("environment"),
        labels=None if labels is None else tuple(labels),
    )


def _agent(entry: Mapping[str, Any]) -> Iterator[Row]:
    said: dict[str, Any] = {
        name: entry[name]
        for name in (
            "purpose",
            "environment",
            "platform",
            "autonomy",
            "has_human_step",
            "version",
            "model",
            "instructions_sha256",
        )
        if name in entry
    }
    said |= {
        name: entry[name] or "" for name in ("owner", "technical_owner", "team") if name in entry
    }
    said |= {name: tuple(entry[name]) for name in ("tools", "calls") if name in entry}
    if "tasks" in entry:
        said["tasks"] = tuple(_task(task) for task in entry["tasks"])
    yield AgentRow(name=entry["name"], **said)


def _task(entry: Mapping[str, Any]) -> TaskRow:
    return TaskRow(
        title=entry["title"],
        needs=tuple(
            NeedRow(
                system=need["system"],
                level=need["level"],
                service=need.get("service", ""),
                tags=tuple(need.get("tags", ())),
            )
            for need in entry.get("needs", ())
        ),
    )


def _bindings(entry: Mapping[str, Any]) -> Iterator[Row]:
    for holder in entry.get("bindings", ()):
        yield BindingRow(entry["name"], holder["system"], _holder(holder))


def _identity(entry: Mapping[str, Any]) -> Iterator[Row]:
    yield IdentityRow(
        system=entry["system"],
        key=entry.get("external_id") or entry["name"],
        name=entry["name"],
        kind=entry["kind"],
        last_used_at=moment(entry.get("last_used_at")),
        service_linked=entry.get("service_linked", False),
        facts=entry.get("facts", {}),
        trust=entry.get("trust", {}),
    )


def _credential(entry: Mapping[str, Any]) -> Iterator[Row]:
    yield CredentialRow(
        system=entry["system"],
        identity=_holder(entry),
        key=entry["external_id"],
        kind=entry["kind"],
        active=entry.get("active", True),
        created_at=moment(entry.get("issued_at")),
        rotated_at=moment(entry.get("rotated_at")),
        expires_at=moment(entry.get("expires_at")),
        last_used_at=moment(entry.get("last_used_at")),
        use_known=entry.get("use_known", bool(entry.get("last_used_at"))),
        rotation_days=entry.get("rotation_days"),
        label=entry.get("label", ""),
        fingerprint=entry.get("fingerprint", ""),
        stored_in=entry.get("stored_in", "unknown"),
        stored_at=entry.get("stored_at", ""),
        facts=entry.get("facts", {}),
    )


def _permission(entry: Mapping[str, Any]) -> Iterator[Row]:
    evidence = entry.get("evidence", {})
    told = evidence.get("tags", {})
    yield PermissionRow(
        system_kind=entry["system_kind"],
        key=entry["key"],
        level=entry["level"],
        service=entry.get("service", ""),
        tags={tag: str(told.get(tag, DECLARED)) for tag in entry.get("tags", ())},
        known=entry.get("known", True),
        source=str(evidence.get("source", DECLARED)),
        version=str(evidence.get("version", "")),
    )


def _grant(entry: Mapping[str, Any]) -> Iterator[Row]:
    yield GrantRow(
        system=entry["system"],
        identity=_holder(entry),
        service=entry["service"],
        level=entry["level"],
        statements=_statements(entry),
        limits=tuple(_statement(limit) for limit in entry.get("limits", ())),
        actions=tuple(entry["actions"]),
        action_count=len(entry["actions"]),
        unknown_actions=tuple(entry.get("unknown_actions", ())),
        tags=dict.fromkeys(entry.get("tags", ()), DECLARED),
        classified_by=entry.get("classified_by", DECLARED),
        last_used_at=moment(entry.get("last_used_at")),
        use_known=entry.get("use_known", bool(entry.get("last_used_at"))),
        expires_at=moment(entry.get("expires_at")),
    )


def _statements(entry: Mapping[str, Any]) -> tuple[StatementRow, ...]:
    """Read a grant's statements; without any, each condition and each path stands for all."""
    if entry.get("statements"):
        return tuple(_statement(statement) for statement in entry["statements"])
    return tuple(
        StatementRow(
            effect="allow",
            actions=tuple(entry["actions"]),
            resources=tuple(entry.get("resources", ())),
            not_resources=tuple(entry.get("not_resources", ())),
            conditions=conditions,
            policy=via.get("policy", ""),
            group=via.get("group", ""),
        )
        for conditions in entry.get("conditions") or [{}]
        for via in entry.get("via") or [{}]
    )


def _statement(entry: Mapping[str, Any]) -> StatementRow:
    return StatementRow(
        effect=entry["effect"],
        actions=tuple(entry["actions"]),
        not_actions=tuple(entry.get("not_actions", ())),
        resources=tuple(entry.get("resources", ())),
        not_resources=tuple(entry.get("not_resources", ())),
        conditions=entry.get("conditions", {}),
        policy=entry.get("policy", ""),
        policy_key=entry.get("policy_key", ""),
        group=entry.get("group", ""),
        sid=entry.get("sid", ""),
        origin=entry.get("origin", "policy"),
    )


def _justification(entry: Mapping[str, Any]) -> Iterator[Row]:
    until = entry.get("until")
    yield JustificationRow(
        system=entry["system"],
        identity=_holder(entry),
        service=entry["service"],
        level=entry["level"],
        reason=entry["reason"],
        task=entry.get("task", ""),
        agent=entry.get("agent", ""),
        ticket=entry.get("ticket", ""),
        given_by=entry.get("given_by", ""),
        given_at=moment(entry.get("given_at")),
        until=date.fromisoformat(until) if until else None,
    )


READERS: Mapping[str, Callable[[Mapping[str, Any]], Iterator[Row]]] = {
    "systems": _system,
    "agents": _agent,
    "bindings": _bindings,
    "identities": _identity,
    "credentials": _credential,
    "permissions": _permission,
    "grants": _grant,
    "justifications": _justification,
}


def _holder(entry: Mapping[str, Any]) -> str:
    return str(entry.get("identity_id") or entry["identity"])


def _key(kind: str, entry: Any) -> str:
    """Name what an unreadable entry is about, if that much can be read."""
    if not isinstance(entry, dict):
        return ""
    if kind == "grants":
        return str(entry.get("identity_id") or entry.get("identity") or "")
    return str(entry.get("external_id") or entry.get("name") or entry.get("key") or "")


def _step(step: str | int) -> str:
    return f"[{step}]" if isinstance(step, int) else f".{step}"


def _said(message: str) -> str:
    return f"{message if len(message) < 300 else message[:300] + ' ...'}."


@cache
def _validator(definition: str) -> Draft202012Validator:
    schema = json.loads(SCHEMA.read_text("utf-8"))
    return Draft202012Validator({"$ref": f"#/$defs/{definition}", "$defs": schema["$defs"]})
