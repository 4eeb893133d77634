"""Find whose a key is by its id, asking AWS."""

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_trail import events
from apps.connectors.adapters.live import Absent, Clue, Located, ProviderError, Refused
from apps.connectors.adapters.recognition import account_of_key
from apps.connectors.adapters.removal import Subject

KEY_ID = re.compile(r"A(?:KIA|SIA|CCA)[A-Z0-9]{12,124}")
KINDS = {"aws-key", "aws-bedrock", "id"}
HISTORY = 90


def find(clients: Clients, clue: Clue) -> Located | None:
    if clue.kind not in KINDS or not clue.external_id:
        return None
    is_key = KEY_ID.fullmatch(clue.external_id) is not None
    if clue.kind == "id" and not is_key:
        return None
    for account in _accounts(clients, clue, is_key=is_key):
        found = _in_account(clients, account, clue)
        if found is not None:
            return found
    return None


def _accounts(clients: Clients, clue: Clue, *, is_key: bool) -> list[str]:
    """The accounts to ask: the one that the id itself names, where it names one of ours."""
    ours = clients.accounts()
    named = clue.account or (account_of_key(clue.external_id) if is_key else "")
    if clue.account and clue.account not in ours and clue.kind == "aws-key":
        return []
    return [named] if named in ours else ours


def _in_account(clients: Clients, account: str, clue: Clue) -> Located | None:
    key = clue.external_id
    if clue.kind == "aws-bedrock" or key.startswith("ACCA"):
        return _service_credential(clients, account, key)
    if key.startswith("ASIA"):
        return _session(clients, account, key)
    user = _user_of(clients, account, key)
    return _access_key(clients, account, user, key) if user else None


def _user_of(clients: Clients, account: str, key: str) -> str:
    """The user that a key is of. AWS refuses to speak of keys of others, as of those it does not
    know; where the right to ask is missing, the users are gone through."""
    try:
        said = clients.call("iam", "get_access_key_last_used", account=account, AccessKeyId=key)
    except Absent:
        return ""
    except Refused:
        return next(_users_with(clients, account, key), "")
    return str(said.get("UserName") or "")


def _users_with(clients: Clients, account: str, key: str) -> Iterator[str]:
    for page in clients.pages("iam", "list_users", account=account, patient=True):
        for name in (user["UserName"] for user in page["Users"]):
            said = clients.call(
                "iam", "list_access_keys", account=account, patient=True, UserName=name
            )
            if key in {one["AccessKeyId"] for one in said["AccessKeyMetadata"]}:
                yield name


def _access_key(clients: Clients, account: str, user: str, key: str) -> Located | None:
    said = clients.call("iam", "list_access_keys", account=account, UserName=user)
    for one in said["AccessKeyMetadata"]:
        if one["AccessKeyId"] == key:
            subject = _of_user(
                clients, account, user=user, key=key, kind="access-key", status=one["Status"]
            )
            return _located(subject, one["Status"])
    return None


def _service_credential(clients: Clients, account: str, key: str) -> Located | None:
    params: dict[str, Any] = {"AllUsers": True}
    while True:
        said = clients.call("iam", "list_service_specific_credentials", account=account, **params)
        for one in said["ServiceSpecificCredentials"]:
            names = {one.get("ServiceCredentialAlias"), one.get("ServiceUserName")}
            if key in names | {one["ServiceSpecificCredentialId"]}:
                subject = _of_user(
                    clients,
                    account,
                    user=one["UserName"],
                    key=one["ServiceSpecificCredentialId"],
                    kind="api-key",
                    status=one["Status"],
                )
                return _located(subject, one["Status"])
        if not said.get("IsTruncated"):
            return None
        params["Marker"] = said["Marker"]


def _of_user(
    clients: Clients, account: str, *, user: str, key: str, kind: str, status: str
) -> Subject:
    return Subject(
        system=f"AWS account {account}",
        system_kind="aws",
        account=account,
        identity=user,
        identity_kind="iam-user",
        identity_id=_arn_of(clients, account, user),
        credential=key,
        credential_kind=kind,
        facts={"status": status},
    )


def _arn_of(clients: Clients, account: str, user: str) -> str:
    try:
        said = clients.call("iam", "get_user", account=account, UserName=user)
    except ProviderError:
        return f"arn:{clients.partition}:iam::{account}:user/{user}"
    return str(said["User"]["Arn"])


def _located(subject: Subject, status: str) -> Located:
    said = f"AWS lists it as {status}, of {subject.identity} in account {subject.account}."
    return Located(subject, active=status == "Active", said=said)


def _session(clients: Clients, account: str, key: str) -> Located | None:
    """A session's key: only the log knows it, once it was used, and whose role it is of."""
    now = clients.now(account)
    for event in events(clients, account, "AccessKeyId", key, now - timedelta(days=HISTORY)):
        who = event.told.get("userIdentity") or {}
        issuer = (who.get("sessionContext") or {}).get("sessionIssuer") or {}
        if issuer.get("type") == "Role" and issuer.get("arn"):
            subject = Subject(
                system=f"AWS account {account}",
                system_kind="aws",
                account=str(issuer.get("accountId") or account),
                identity=str(issuer.get("userName") or ""),
                identity_kind="iam-role",
                identity_id=str(issuer["arn"]),
                credential=key,
                credential_kind="lease",
            )
            said = f"A session of {subject.identity}, seen in the log at {event.at:%Y-%m-%d %H:%M}."
            return Located(subject, active=True, said=said)
    return None
