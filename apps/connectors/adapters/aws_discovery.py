"""Reading AWS: which parts there are, and the users, roles, and policies of an account.

Each part is a stream of its own, and takes over that of the file which tells the same: what a
connection reads and what somebody imported never stand side by side.
"""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TextIO

from apps.connectors.adapters import (
    aws_authorization,
    aws_credential_report,
    aws_keys_reading,
    aws_secrets_reading,
)
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_holders import Holder
from apps.connectors.adapters.aws_policies import default_version, managed
from apps.connectors.adapters.contract import Row
from apps.connectors.adapters.live import Absent, Part
from apps.connectors.adapters.opening import SourceFile

AUTHORIZATION, CREDENTIALS, SECRETS = "authorization", "credentials", "secrets"


def parts(clients: Clients) -> list[Part]:
    return [part for account in clients.accounts() for part in _parts_of(clients, account)]


def _parts_of(clients: Clients, account: str) -> Iterator[Part]:
    of = f"of AWS account {account}"
    yield Part(
        f"{AUTHORIZATION}:{account}",
        f"Users, roles, and policies {of}",
        f"{aws_authorization.FORMAT}:{account}",
        account,
    )
    yield Part(
        f"{CREDENTIALS}:{account}",
        f"Access keys and passwords {of}",
        f"{aws_credential_report.FORMAT}:{account}",
        account,
    )
    for region in clients.regions:
        yield Part(
            f"{SECRETS}:{account}:{region}",
            f"Secrets {of} in {region}",
            f"aws-secrets:{account}:{region}",
            account,
        )


def discover(clients: Clients, part: Part) -> Iterator[Row]:
    kind, _, place = part.key.partition(":")
    if kind == AUTHORIZATION:
        return _authorization(clients, part.account)
    if kind == CREDENTIALS:
        return aws_keys_reading.read(clients, part)
    return aws_secrets_reading.read(clients, part, region=place.partition(":")[2])


def _authorization(clients: Clients, account: str) -> Iterator[Row]:
    """Write the pages as the one document that the reader of files knows, and read that."""
    with TemporaryDirectory(prefix="countersign-") as folder:
        path = Path(folder) / "authorization-details.json"
        _write(clients, account, path)
        yield from aws_authorization.read(SourceFile(path, name=f"AWS account {account}"))


def _write(clients: Clients, account: str, path: Path) -> None:
    names = aws_authorization.LISTS
    with ExitStack() as open_files:
        lists = {
            name: open_files.enter_context(_List(path.with_suffix(f".{name}"))) for name in names
        }
        known: set[str] = set()
        used: set[str] = set()
        for page in clients.pages(
            "iam", "get_account_authorization_details", account=account, patient=True
        ):
            for name in names:
                for entry in page.get(name, []):
                    lists[name].add(entry)
                    used |= _used(entry)
            known |= {policy["Arn"] for policy in page.get("Policies", [])}
        for arn in sorted(used - known):
            _add_missing(clients, account, arn, lists["Policies"])
    with path.open("w", encoding="utf-8") as document:
        document.write("{")
        for at, name in enumerate(names):
            document.write(f'{", " if at else ""}"{name}": [')
            with path.with_suffix(f".{name}").open(encoding="utf-8") as entries:
                document.writelines(entries)
            document.write("]")
        document.write("}")


class _List:
    """The entries of one list, as they come, page by page."""

    def __init__(self, path: Path):
        self.path = path
        self.count = 0
        self.file: TextIO

    def __enter__(self) -> "_List":
        self.file = self.path.open("w", encoding="utf-8")
        return self

    def __exit__(self, *failure: object) -> None:
        self.file.close()

    def add(self, entry: Any) -> None:
        text = json.dumps(entry, default=_plain)
        self.file.write(f",\n{text}" if self.count else text)
        self.count += 1


def _used(entry: dict[str, Any]) -> set[str]:
    """The managed policies that a user, group, or role refers to."""
    attached = {policy["PolicyArn"] for policy in entry.get("AttachedManagedPolicies", [])}
    boundary = (entry.get("PermissionsBoundary") or {}).get("PermissionsBoundaryArn")
    return attached | ({boundary} if boundary else set())


def _add_missing(clients: Clients, account: str, arn: str, policies: _List) -> None:
    """Ask for a policy that is referred to and was not listed. What AWS does not know of, the
    reader tells of."""
    whose = Holder("user", "", account)
    try:
        version = default_version(clients, whose, arn)
        document = managed(clients, whose, arn, version)
    except Absent:
        return
    policies.add(
        {
            "Arn": arn,
            "PolicyName": arn.rpartition("/")[2],
            "DefaultVersionId": version,
            "PolicyVersionList": [
                {"VersionId": version, "IsDefaultVersion": True, "Document": document}
            ],
        }
    )


def _plain(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
