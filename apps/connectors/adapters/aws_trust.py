"""Who may become a role, and what an identity may hand on: kept as data."""

from collections.abc import Iterable, Mapping
from typing import Any

from apps.connectors.adapters.aws_catalogue import Catalogue
from apps.connectors.adapters.aws_policy import BadPolicy, decoded, texts
from apps.connectors.adapters.contract import GrantRow, StatementRow

CHAIN_ACTIONS = {"iam:PassRole": "passes", "sts:AssumeRole": "assumes"}


def trust_of(document: Any, *, account: str) -> list[dict[str, Any]]:
    """Read a role's trust policy: which principals, from which account, under which conditions."""
    listing = decoded(document).get("Statement") or []
    entries = [listing] if isinstance(listing, dict) else listing
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise BadPolicy("Statement", "It must be an object or a list of objects.")
    return [
        {
            "effect": str(entry.get("Effect", "")).lower(),
            "principals": _principals(entry, f"Statement[{at}]", account),
            "all_but_these": "NotPrincipal" in entry,
            "actions": list(texts(entry, "Action", f"Statement[{at}]")),
            "conditions": entry.get("Condition") or {},
        }
        for at, entry in enumerate(entries)
    ]


def chains_of(grants: Iterable[GrantRow], known: Catalogue) -> dict[str, list[dict[str, Any]]]:
    """List the roles an identity may pass on or assume, with the limits on it."""
    chains: dict[str, list[dict[str, Any]]] = {"passes": [], "assumes": []}
    for grant in grants:
        for action, name in CHAIN_ACTIONS.items():
            if action.partition(":")[0] == grant.service:
                chains[name] += _links(grant.statements, action, known)
    return {name: links for name, links in chains.items() if links}


def _links(
    statements: Iterable[StatementRow], action: str, known: Catalogue
) -> list[dict[str, Any]]:
    wanted = known.mask(action)
    return [
        {
            "resources": list(row.resources),
            "not_resources": list(row.not_resources),
            "conditions": row.conditions,
            "policy": row.policy,
            "group": row.group,
        }
        for row in statements
        if any(known.mask(name) & wanted for name in row.actions)
    ]


def _principals(entry: Mapping[str, Any], path: str, account: str) -> list[dict[str, Any]]:
    given = entry.get("Principal", entry.get("NotPrincipal"))
    if given is None:
        raise BadPolicy(path, "A trust statement needs a Principal.")
    by_kind = {"AWS": given} if isinstance(given, str) else given
    if not isinstance(by_kind, dict):
        raise BadPolicy(f"{path}.Principal", "It must be a text or an object.")
    return [
        _principal(kind, value, account)
        for kind in by_kind
        for value in texts(by_kind, kind, f"{path}.Principal")
    ]


def _principal(kind: str, value: str, account: str) -> dict[str, Any]:
    if kind != "AWS":
        return {"kind": kind.lower(), "value": value, "account": "", "is_external": False}
    owner = value if value.isdigit() else account_of(value)
    return {
        "kind": "aws",
        "value": value,
        "account": owner,
        "is_external": value == "*" or (bool(owner) and owner != account),
    }


def account_of(arn: str) -> str:
    parts = arn.split(":")
    return parts[4] if len(parts) > 5 and parts[4].isdigit() else ""
