"""Try each right, call by call, changing nothing: what is asked for does not exist.

AWS judges the right before it looks for the thing, so "there is no such thing" says that the right
is there. The name that is asked for is made up anew each time.
"""

from collections.abc import Iterator
from contextlib import suppress
from secrets import token_hex
from typing import Any

from apps.connectors.adapters.aws_client import Clients, name_of
from apps.connectors.adapters.aws_rights import READING, REMOVAL
from apps.connectors.adapters.live import Absent, Check, ProviderError, Refused

# What AWS says to a call that it lets through and that is about nothing.
LET_THROUGH = {
    "DeleteConflict",
    "InvalidInput",
    "InvalidRequestException",
    "MalformedPolicyDocument",
    "MalformedPolicyDocumentException",
    "ValidationError",
    "ValidationException",
}
# Among how many users a key is looked for, to ask about.
LOOKED_AT = 20
REGIONAL = {"cloudtrail", "secretsmanager"}


def check(clients: Clients, *, removal: bool, accounts: list[str]) -> Iterator[Check]:
    """Yield a line for each right. `accounts` gets those that could be signed in to."""
    try:
        said = clients.call("sts", "get_caller_identity", account="")
    except ProviderError as error:
        yield Check("sts:GetCallerIdentity", worked=False, said=str(error))
        return
    yield Check("sts:GetCallerIdentity", worked=True, said=f"It speaks as {said['Arn']}.")
    accounts.append(str(said["Account"]))
    for arn in clients.roles:
        line = _role(clients, arn)
        yield line
        if line.worked:
            accounts.append(arn.split(":")[4])
    for right in READING:
        yield tried(clients, right, accounts)
    for right in REMOVAL if removal else ():
        yield tried(clients, right, accounts, "removal")


def _role(clients: Clients, arn: str) -> Check:
    try:
        clients.call("sts", "get_caller_identity", account=arn.split(":")[4])
    except ProviderError as error:
        return Check("sts:AssumeRole", worked=False, said=f"{arn}: {error.said}")
    return Check("sts:AssumeRole", worked=True, said=arn)


def tried(clients: Clients, right: str, accounts: list[str], needed_for: str = "reading") -> Check:
    """One line for a right, however many accounts and regions it was tried in."""
    service = right.partition(":")[0]
    for account in accounts:
        for region in clients.regions if service in REGIONAL else [""]:
            problem = _problem(clients, right, account, region)
            if problem:
                where = " ".join(part for part in (_of(account, accounts), region) if part)
                said = f"{where}: {problem}" if where else problem
                return Check(right, worked=False, said=said, needed_for=needed_for)
    return Check(right, worked=True, needed_for=needed_for)


def _of(account: str, accounts: list[str]) -> str:
    return account if len(accounts) > 1 else ""


def _problem(clients: Clients, right: str, account: str, region: str) -> str:
    try:
        service, operation, params = _attempt(clients, right, account)
        clients.call(service, operation, account=account, region=region, **params)
    except Absent:
        return ""
    except Refused as error:
        return "" if error.code in LET_THROUGH else error.said
    except ProviderError as error:
        return error.said
    return ""


def _attempt(clients: Clients, right: str, account: str) -> tuple[str, str, dict[str, Any]]:
    if right == "iam:GetAccessKeyLastUsed":
        return "iam", "get_access_key_last_used", {"AccessKeyId": _some_key(clients, account)}
    nothing = f"countersign-check-{token_hex(8)}"
    arn = f"arn:{clients.partition}:iam::{account}:policy/{nothing}"
    for service, operation, params in _attempts(nothing, arn):
        if name_of(service, operation) == right:
            return service, operation, params
    raise LookupError(right)


def _some_key(clients: Clients, account: str) -> str:
    """A key that is there: of one that is not, AWS says that it may not be asked about."""
    with suppress(ProviderError):
        users = clients.call("iam", "list_users", account=account, MaxItems=LOOKED_AT)["Users"]
        for name in (user["UserName"] for user in users):
            said = clients.call("iam", "list_access_keys", account=account, UserName=name)
            for key in said["AccessKeyMetadata"]:
                return str(key["AccessKeyId"])
    return f"AKIA{token_hex(8).upper()}"


def _attempts(nothing: str, arn: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Every call that a right is tried with. What is written here would be no policy anyway."""
    yield "cloudtrail", "lookup_events", {"MaxResults": 1}
    yield from (("iam", *attempt) for attempt in _readings(nothing, arn))
    yield from (("iam", *attempt) for attempt in _changes(nothing, arn))
    yield "secretsmanager", "list_secrets", {"MaxResults": 1}
    yield "secretsmanager", "describe_secret", {"SecretId": nothing}
    yield "secretsmanager", "delete_secret", {"SecretId": nothing, "RecoveryWindowInDays": 30}
    yield "secretsmanager", "restore_secret", {"SecretId": nothing}
    yield "secretsmanager", "rotate_secret", {"SecretId": nothing}


def _readings(nothing: str, arn: str) -> Iterator[tuple[str, dict[str, Any]]]:
    yield "get_account_authorization_details", {"MaxItems": 1}
    yield "get_account_summary", {}
    yield "get_policy", {"PolicyArn": arn}
    yield "get_policy_version", {"PolicyArn": arn, "VersionId": "v1"}
    yield "list_users", {"MaxItems": 1}
    for kind in ("user", "role", "group"):
        named = {f"{kind.title()}Name": nothing}
        yield f"get_{kind}_policy", {**named, "PolicyName": nothing}
        yield f"list_{kind}_policies", named
        yield f"list_attached_{kind}_policies", named
    for operation in (
        "get_login_profile",
        "get_user",
        "list_access_keys",
        "list_groups_for_user",
        "list_mfa_devices",
        "list_service_specific_credentials",
        "list_signing_certificates",
    ):
        yield operation, {"UserName": nothing}
    yield "get_role", {"RoleName": nothing}


def _changes(nothing: str, arn: str) -> Iterator[tuple[str, dict[str, Any]]]:
    user = {"UserName": nothing}
    keys = {
        "access_key": {"AccessKeyId": "AKIA" + nothing[-16:].upper()},
        "service_specific_credential": {"ServiceSpecificCredentialId": "ACCA" + nothing[-16:]},
        "signing_certificate": {"CertificateId": nothing[-16:] * 2},
    }
    for noun, named in keys.items():
        yield f"update_{noun}", {**user, **named, "Status": "Inactive"}
        yield f"delete_{noun}", {**user, **named}
    reset = {"ServiceSpecificCredentialId": "ACCA" + nothing[-16:]}
    yield "reset_service_specific_credential", {**user, **reset}
    yield "create_access_key", user
    yield "delete_login_profile", user
    for kind in ("user", "role"):
        holder = {f"{kind.title()}Name": nothing}
        text = {"PolicyName": nothing, "PolicyDocument": "not a policy"}
        yield f"put_{kind}_policy", {**holder, **text}
        yield f"delete_{kind}_policy", {**holder, "PolicyName": nothing}
        yield f"attach_{kind}_policy", {**holder, "PolicyArn": arn}
        yield f"detach_{kind}_policy", {**holder, "PolicyArn": arn}
    group = {"GroupName": nothing}
    yield "delete_group_policy", {**group, "PolicyName": nothing}
    yield "detach_group_policy", {**group, "PolicyArn": arn}
    yield "remove_user_from_group", {**group, **user}
    yield "create_policy", {"PolicyName": nothing, "PolicyDocument": "not a policy"}
    yield "create_policy_version", {"PolicyArn": arn, "PolicyDocument": "not a policy"}
    yield "delete_policy", {"PolicyArn": arn}
    yield "delete_policy_version", {"PolicyArn": arn, "VersionId": "v1"}
    yield "set_default_policy_version", {"PolicyArn": arn, "VersionId": "v1"}
    yield "list_policy_versions", {"PolicyArn": arn}
    yield "list_entities_for_policy", {"PolicyArn": arn}
