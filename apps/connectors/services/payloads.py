"""Rows of an adapter as JSON for the staging table, with the key that makes each one unique."""

import hashlib
import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from apps.connectors.adapters.contract import (
    AgentRow,
    BindingRow,
    CredentialRow,
    GrantRow,
    IdentityRow,
    JustificationRow,
    PermissionRow,
    SystemRow,
)

# In the order in which they are applied: each kind refers only to those before it.
KINDS: Mapping[type, tuple[str, tuple[str, ...]]] = {
    SystemRow: ("system", ("key",)),
    AgentRow: ("agent", ("name",)),
    IdentityRow: ("identity", ("system", "key")),
    BindingRow: ("binding", ("agent", "system", "identity")),
    CredentialRow: ("credential", ("system", "identity", "key")),
    PermissionRow: ("permission", ("system_kind", "key")),
    GrantRow: ("grant", ("system", "identity", "service", "level")),
    JustificationRow: ("justification", ("system", "identity", "service", "level", "reason")),
}


def staged(row: Any) -> tuple[str, str, dict[str, Any]]:
    """Return kind, key, and payload of a row."""
    kind, names = KINDS[type(row)]
    data = _members(row)
    del data["path"]
    key = json.dumps([data[name] for name in names])
    return kind, hashlib.sha256(key.encode()).hexdigest(), data


def moment_of(data: Mapping[str, Any], name: str) -> datetime | None:
    value = data.get(name)
    return datetime.fromisoformat(value) if value else None


def _members(row: Any) -> dict[str, Any]:
    """Like `dataclasses.asdict`, without its copies: a grant may have hundreds of statements."""
    return {name: _plain(getattr(row, name)) for name in row.__slots__}


def _plain(value: Any) -> Any:
    """What JSON can tell of a value. Texts, which make up most of a file, are not looked into."""
    if isinstance(value, str | int | None):
        return value
    if isinstance(value, tuple):
        return list(value) if value and isinstance(value[0], str) else [_plain(v) for v in value]
    if isinstance(value, datetime | date):
        return value.isoformat()
    return _members(value) if hasattr(value, "__slots__") else value
