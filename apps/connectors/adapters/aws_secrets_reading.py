"""Reading what Secrets Manager keeps in a region: names, rotation, last use; never a value.

Whose account a secret opens, and where, AWS does not know. So each secret is an identity of its
own, of the kind "secret", to which the agents that use it can be bound.
"""

import re
from collections.abc import Iterator
from typing import Any

from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.contract import (
    CredentialRow,
    Header,
    IdentityRow,
    Rejected,
    Row,
    SystemRow,
    Tally,
)
from apps.connectors.adapters.live import Part

LONGEST_ARN, LONGEST_NAME = 300, 200
RATE = re.compile(r"rate\((\d+) (hour|day)s?\)")
FACTS = {
    "OwningService": "owning_service",
    "RotationLambdaARN": "rotated_by",
    "PrimaryRegion": "primary_region",
    "KmsKeyId": "encrypted_with",
}


def read(clients: Clients, part: Part, *, region: str) -> Iterator[Row]:
    yield Header(
        format="aws-secrets",
        stream=part.stream,
        account=part.account,
        kinds=frozenset({"identity", "credential"}),
    )
    yield SystemRow(SYSTEM_KIND, part.account, f"AWS account {part.account}", part.account)
    entries = 0
    for page in clients.pages(
        "secretsmanager",
        "list_secrets",
        account=part.account,
        region=region,
        patient=True,
        IncludePlannedDeletion=True,
    ):
        for secret in page["SecretList"]:
            entries += 1
            yield from _secret(secret, part.account, region)
    yield Tally(entries)


def _secret(secret: dict[str, Any], account: str, region: str) -> Iterator[Row]:
    arn, name = secret["ARN"], secret["Name"]
    if len(arn) > LONGEST_ARN:
        reason = f"Its ARN has more than {LONGEST_ARN} characters."
        yield Rejected(name[:LONGEST_NAME], reason, "identity", arn)
        return
    owner = secret.get("OwningService", "")
    yield IdentityRow(
        system=account,
        key=arn,
        name=name[:LONGEST_NAME],
        kind="secret",
        created_at=secret.get("CreatedDate"),
        last_used_at=secret.get("LastAccessedDate"),
        service_linked=bool(owner),
        tags={str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in _tags(secret)},
        facts={"region": region},
    )
    facts = {word: secret[said] for said, word in FACTS.items() if secret.get(said)}
    if secret.get("NextRotationDate"):
        facts["next_rotation_at"] = secret["NextRotationDate"].isoformat()
    yield CredentialRow(
        system=account,
        identity=arn,
        key=arn,
        # What it holds, a password or a token, AWS does not say.
        kind="client-secret",
        active=secret.get("DeletedDate") is None,
        created_at=secret.get("CreatedDate"),
        rotated_at=secret.get("LastRotatedDate") or secret.get("LastChangedDate"),
        last_used_at=secret.get("LastAccessedDate"),
        use_known=True,
        rotation_days=_rotation_days(secret),
        label=name[:LONGEST_NAME],
        stored_in="secret-manager",
        stored_at=f"AWS Secrets Manager, {region}",
        facts={"region": region, **facts},
    )


def _tags(secret: dict[str, Any]) -> list[dict[str, Any]]:
    return secret.get("Tags") or []


def _rotation_days(secret: dict[str, Any]) -> int | None:
    """How often it is rotated; unknown where its schedule is written as a cron expression."""
    if not secret.get("RotationEnabled"):
        return None
    rules = secret.get("RotationRules") or {}
    if rules.get("AutomaticallyAfterDays"):
        return int(rules["AutomaticallyAfterDays"])
    rate = RATE.fullmatch(str(rules.get("ScheduleExpression", "")))
    if rate is None:
        return None
    return int(rate[1]) if rate[2] == "day" else 1
