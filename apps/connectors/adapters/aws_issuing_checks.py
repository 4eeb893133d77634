"""Try the rights to issue, where a connection may.

STS says of a role that is not there what it says of one that may not be assumed, so a real one is
tried: a session of it is made that may do nothing, and is thrown away.
"""

from collections.abc import Callable, Iterator
from itertools import islice
from secrets import token_hex
from typing import Any

from apps.connectors.adapters.aws_checks import tried
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_documents import EVERYTHING, deny, written
from apps.connectors.adapters.aws_issuing import SHORTEST
from apps.connectors.adapters.aws_policy import BadPolicy
from apps.connectors.adapters.aws_rights import ISSUING
from apps.connectors.adapters.aws_trust import trust_of
from apps.connectors.adapters.live import Check, ProviderError

ASSUME, SET_SOURCE = "sts:AssumeRole", "sts:SetSourceIdentity"
# How many roles that seem to let this identity in are tried, until one does.
MOST_ROLES = 5


def check_issuing(clients: Clients, accounts: list[str]) -> Iterator[Check]:
    for right in ISSUING:
        if right not in {ASSUME, SET_SOURCE}:
            yield tried(clients, right, accounts, "issuing")
    yield _line(ASSUME, lambda account: _assumed(clients, account, {}), accounts)
    source: dict[str, Any] = {"SourceIdentity": f"countersign-check-{token_hex(4)}"}
    yield _line(SET_SOURCE, lambda account: _assumed(clients, account, source), accounts)


def _line(right: str, attempt: Callable[[str], tuple[bool, str]], accounts: list[str]) -> Check:
    said = ""
    for account in accounts:
        try:
            worked, said = attempt(account)
        except ProviderError as error:
            worked, said = False, str(error)
        if not worked:
            where = f"{account}: " if len(accounts) > 1 else ""
            return Check(right, worked=False, said=f"{where}{said}", needed_for="issuing")
    return Check(right, worked=True, said=said, needed_for="issuing")


def _assumed(clients: Clients, account: str, more: dict[str, Any]) -> tuple[bool, str]:
    said = "No role's trust policy lets this identity in. Each agent's role has to name it."
    for arn in islice(_roles(clients, account), MOST_ROLES):
        try:
            clients.call(
                "sts",
                "assume_role",
                account=account,
                RoleArn=arn,
                RoleSessionName="countersign-check",
                DurationSeconds=SHORTEST,
                Policy=written(deny(EVERYTHING)),
                **more,
            )
        except ProviderError as error:
            said = f"{arn}: {error.said}"
        else:
            return True, f"It became {arn}, with a session that may do nothing."
    return False, said


def _roles(clients: Clients, account: str) -> Iterator[str]:
    """Roles whose trust policy seems to name the identity that asks."""
    own = _names_of(str(clients.call("sts", "get_caller_identity", account=account)["Arn"]))
    pages = clients.pages(
        "iam", "get_account_authorization_details", account=account, Filter=["Role"]
    )
    for page in pages:
        for role in page["RoleDetailList"]:
            if _lets_in(role, account, own):
                yield role["Arn"]


def _names_of(arn: str) -> set[str]:
    """What a trust policy may call the one who asks; of a session, its role."""
    parts = arn.split(":")
    account = parts[4]
    names = {"*", arn, account, ":".join([*parts[:2], "iam", "", account, "root"])}
    if parts[5].startswith("assumed-role/"):
        role = parts[5].split("/")[1]
        names.add(":".join([*parts[:2], "iam", "", account, f"role/{role}"]))
    return names


def _lets_in(role: dict[str, Any], account: str, names: set[str]) -> bool:
    try:
        statements = trust_of(role["AssumeRolePolicyDocument"], account=account)
    except BadPolicy:
        return False
    return any(
        one["effect"] == "allow" and any(who["value"] in names for who in one["principals"])
        for one in statements
    )
