"""Where a new key goes: a secret in Secrets Manager. Its value is written, and never read."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_holders import holder_of
from apps.connectors.adapters.live import Beside, Outcome, Place, ProviderError, Refused
from apps.connectors.adapters.removal import Subject

CURRENT = "AWSCURRENT"


def beside(clients: Clients, subject: Subject) -> Sequence[Beside]:
    """The access keys of a user, with whether each was ever used."""
    holder = holder_of(subject)
    said = clients.call("iam", "list_access_keys", account=holder.account, **holder.param)
    return [
        Beside(
            external_id=key["AccessKeyId"],
            made_at=key.get("CreateDate"),
            used=_used(clients, holder.account, key["AccessKeyId"]),
        )
        for key in said["AccessKeyMetadata"]
    ]


def _used(clients: Clients, account: str, key: str) -> bool | None:
    try:
        said = clients.call("iam", "get_access_key_last_used", account=account, AccessKeyId=key)
    except ProviderError:
        return None
    return said.get("AccessKeyLastUsed", {}).get("LastUsedDate") is not None


def look(clients: Clients, told: Mapping[str, Any], where: str) -> Place:
    said = _call(clients, told, "describe_secret", where)
    if said.get("DeletedDate") is not None:
        raise Refused("The secret is being deleted.", call="secretsmanager:DescribeSecret")
    stages = said.get("VersionIdsToStages") or {}
    version = next((one for one, held in stages.items() if CURRENT in held), "")
    return Place(version=version, mark=version)


def put(
    clients: Clients,
    told: Mapping[str, Any],
    where: str,
    secret: Mapping[str, str],
    *,
    mark: str,
    after: str,
) -> Outcome:
    """Make it the current version; the one before stays as the previous. The mark names it, so
    that writing it twice writes it once."""
    there = look(clients, told, where)
    if there.version not in {after, mark}:
        raise Refused("Somebody else wrote there meanwhile.", call="secretsmanager:PutSecretValue")
    _call(
        clients,
        told,
        "put_secret_value",
        where,
        ClientRequestToken=mark,
        SecretString=json.dumps(dict(secret)),
    )
    return Outcome(f"Version {mark} of {where} is current; the one before it is kept.")


def _call(
    clients: Clients, told: Mapping[str, Any], operation: str, where: str, **params: Any
) -> dict[str, Any]:
    if where not in (told.get("place_secrets") or []):
        raise Refused(f"This connection is not to write to {where}.")
    parts = where.split(":")
    return clients.call(
        "secretsmanager", operation, account=parts[4], region=parts[3], SecretId=where, **params
    )
