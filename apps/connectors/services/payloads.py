"""Rows of an adapter as JSON for the staging table, with the key that makes each one unique."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
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
    data = {name: _plain(value) for name, value in asdict(row).items() if name != "path"}
    key = json.dumps([data[name] for name in names])
    return kind, hashlib.sha256(key.encode()).hexdigest(), data


def moment_of(data: Mapping[str, Any], name: str) -> datetime | None:
    value = data.get(name)
    return datetime.fromisoformat(value) if value else None


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime | date) else value
