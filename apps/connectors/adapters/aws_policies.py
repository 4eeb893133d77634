"""Policies of a user or role: read, denied by, cut, and put back."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Any

from apps.connectors.adapters import aws_documents as documents
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_holders import Holder
from apps.connectors.adapters.live import Absent, Outcome, Refused

MOST_VERSIONS = 5
# A document that is too long, or one too many: the limits of a user, a role, a policy.
LIMITS = {"LimitExceeded", "LimitExceededException"}
EXISTS = {"EntityAlreadyExists", "EntityAlreadyExistsException"}
# What an order puts in place, inline or managed.
OF_AN_ORDER = re.compile(r"(?:^|/countersign/)countersign-[a-z]+-\d+(?:-|$)")


def inline(clients: Clients, holder: Holder, name: str) -> dict[str, Any]:
    said = clients.call(
        "iam",
        f"get_{holder.kind}_policy",
        account=holder.account,
        PolicyName=name,
        **holder.param,
    )
    return documents.read(said["PolicyDocument"])


def put_inline(clients: Clients, holder: Holder, name: str, document: Any) -> None:
    clients.call(
        "iam",
        f"put_{holder.kind}_policy",
        account=holder.account,
        PolicyName=name,
        PolicyDocument=documents.written(document),
        **holder.param,
    )


def delete_inline(clients: Clients, holder: Holder, name: str) -> bool:
    """Delete an inline policy; False where there was none."""
    try:
        clients.call(
            "iam",
            f"delete_{holder.kind}_policy",
            account=holder.account,
            PolicyName=name,
            **holder.param,
        )
    except Absent:
        return False
    return True


def attach(clients: Clients, holder: Holder, arn: str) -> None:
    clients.call(
        "iam",
        f"attach_{holder.kind}_policy",
        account=holder.account,
        PolicyArn=arn,
        **holder.param,
    )


def detach(clients: Clients, holder: Holder, arn: str) -> None:
    clients.call(
        "iam",
        f"detach_{holder.kind}_policy",
        account=holder.account,
        PolicyArn=arn,
        **holder.param,
    )


# A denial of ours, and its end.


def deny(clients: Clients, holder: Holder, name: str, actions: Sequence[str]) -> Outcome:
    """Deny actions by an inline policy, or where it does not fit by managed ones of ours."""
    if len(documents.written(documents.deny(actions))) <= documents.LONGEST_INLINE[holder.kind]:
        try:
            put_inline(clients, holder, name, documents.deny(actions))
        except Refused as error:
            if error.code not in LIMITS:
                raise
        else:
            return Outcome(f"{holder.name} is denied it by the inline policy {name}.")
    parts = documents.denials(actions, documents.LONGEST_MANAGED)
    for number, part in enumerate(parts, start=1):
        _make(clients, holder, f"{name}-{number}", part)
        attach(clients, holder, holder.policy_arn(f"{name}-{number}"))
    return Outcome(
        f"{holder.name} is denied it by {len(parts)} managed policies, since it does not fit "
        "into an inline one."
    )


def _make(clients: Clients, holder: Holder, name: str, document: Any) -> None:
    try:
        clients.call(
            "iam",
            "create_policy",
            account=holder.account,
            Path="/countersign/",
            PolicyName=name,
            PolicyDocument=documents.written(document),
        )
    except Refused as error:
        if error.code not in EXISTS:
            raise


def lift(clients: Clients, holder: Holder, name: str) -> bool:
    """Take a denial of ours back, inline or managed; False where there was none."""
    lifted = delete_inline(clients, holder, name)
    for arn in attached_arns(clients, holder):
        if arn.startswith(holder.policy_arn(f"{name}-")):
            with suppress(Absent):
                detach(clients, holder, arn)
            with suppress(Absent):
                clients.call("iam", "delete_policy", account=holder.account, PolicyArn=arn)
            lifted = True
    return lifted


# What a holder has, read anew.


def held(clients: Clients, holder: Holder) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each policy a holder has, its groups' too, by name."""
    kind, account = holder.kind, holder.account
    for page in clients.pages("iam", f"list_{kind}_policies", account=account, **holder.param):
        for name in page["PolicyNames"]:
            with suppress(Absent):
                yield name, inline(clients, holder, name)
    for arn in attached_arns(clients, holder):
        with suppress(Absent):
            yield arn, managed(clients, holder, arn)
    if kind == "user":
        yield from _by_groups(clients, holder)


def _by_groups(clients: Clients, holder: Holder) -> Iterator[tuple[str, dict[str, Any]]]:
    account = holder.account
    for page in clients.pages("iam", "list_groups_for_user", account=account, **holder.param):
        for group in page["Groups"]:
            yield from held(clients, Holder("group", group["GroupName"], account))


def attached_arns(clients: Clients, holder: Holder) -> list[str]:
    pages = clients.pages(
        "iam",
        f"list_attached_{holder.kind}_policies",
        account=holder.account,
        **holder.param,
    )
    return [one["PolicyArn"] for page in pages for one in page["AttachedPolicies"]]


def default_version(clients: Clients, holder: Holder, arn: str) -> str:
    said = clients.call("iam", "get_policy", account=holder.account, PolicyArn=arn)
    return str(said["Policy"]["DefaultVersionId"])


def managed(clients: Clients, holder: Holder, arn: str, version: str = "") -> dict[str, Any]:
    said = clients.call(
        "iam",
        "get_policy_version",
        account=holder.account,
        PolicyArn=arn,
        VersionId=version or default_version(clients, holder, arn),
    )
    return documents.read(said["PolicyVersion"]["Document"])


def is_denial_of(holder: Holder, key: str, name: str) -> bool:
    """Whether a policy is the denial of this name, or one of its managed parts."""
    return key == name or key.startswith(holder.policy_arn(f"{name}-"))


def without_denials(
    found: Mapping[str, dict[str, Any]], holder: Holder, name: str
) -> list[dict[str, Any]]:
    """The documents without this denial of ours, and without those that may be taken back later."""
    return [
        document
        for key, document in found.items()
        if not is_denial_of(holder, key, name) and not _is_of_an_order(key, document)
    ]


def _is_of_an_order(key: str, document: dict[str, Any]) -> bool:
    return bool(OF_AN_ORDER.search(key)) and not documents.allows_anything(document)


def allowed_without(
    clients: Clients, holder: Holder, name: str, actions: Sequence[str]
) -> list[str]:
    """Which actions a holder would be allowed if the denials of orders were not there."""
    found = dict(held(clients, holder))
    return documents.still_allowed(without_denials(found, holder, name), actions)


# Cutting: nothing of it touches what others use.


def cut_inline(clients: Clients, holder: Holder, name: str, actions: list[str]) -> Outcome:
    before = inline(clients, holder, name)
    after = documents.without(before, actions)
    if after is None:
        delete_inline(clients, holder, name)
        return Outcome(f"The inline policy {name} allowed nothing else, and is deleted.")
    if after == before:
        return Outcome(f"The inline policy {name} allows none of it.", changed=False)
    try:
        put_inline(clients, holder, name, after)
    except Refused as error:
        if error.code not in LIMITS:
            raise
        return Outcome(f"Cut, it would be too long: the deny stays. {error.said}", changed=False)
    return Outcome(f"The inline policy {name} is written anew without it.")


def cut_managed(clients: Clients, holder: Holder, arn: str, actions: list[str]) -> Outcome:
    others = _others(clients, holder, arn)
    if others:
        told = ", ".join(others[:5]) + (" and more" if len(others) > 5 else "")
        said = f"{arn} is used by {told} too, so it is left as it is, and the deny stays."
        return Outcome(said, changed=False)
    before = managed(clients, holder, arn)
    after = documents.without(before, actions)
    if after is None:
        with suppress(Absent):
            detach(clients, holder, arn)
        return Outcome(f"{arn} allowed nothing else, and is detached from {holder.name}.")
    if after == before:
        return Outcome(f"{arn} allows none of it.", changed=False)
    made_room = _make_room(clients, holder, arn)
    try:
        made = clients.call(
            "iam",
            "create_policy_version",
            account=holder.account,
            PolicyArn=arn,
            PolicyDocument=documents.written(after),
            SetAsDefault=True,
        )
    except Refused as error:
        if error.code not in LIMITS:
            raise
        return Outcome(f"Cut, it would be too long: the deny stays. {error.said}", changed=False)
    version = made["PolicyVersion"]["VersionId"]
    return Outcome(f"Version {version} of {arn} is in force without it.{made_room}")


def _others(clients: Clients, holder: Holder, arn: str) -> list[str]:
    """Who else uses a policy: users, roles, groups, also as a boundary."""
    found: list[str] = []
    for page in clients.pages(
        "iam", "list_entities_for_policy", account=holder.account, PolicyArn=arn
    ):
        for kind in ("User", "Role", "Group"):
            names = [one[f"{kind}Name"] for one in page.get(f"Policy{kind}s", [])]
            if kind.lower() == holder.kind:
                names = [name for name in names if name != holder.name]
            found += [f"{kind.lower()} {name}" for name in names]
    return found


# Putting back: only what is as an order left it, or what others did since would be lost.


def refuse_changed_inline(
    clients: Clients, holder: Holder, told: Mapping[str, Any], before: Any
) -> None:
    try:
        now = inline(clients, holder, told["policy"])
    except Absent:
        now = None
    if now not in (before, documents.without(before, told["actions"])):
        raise Refused(f"The inline policy {told['policy']} was changed since: put it back by hand.")


def refuse_changed_managed(
    clients: Clients, holder: Holder, told: Mapping[str, Any], now: str, before: str
) -> None:
    arn = told["arn"]
    cut = documents.without(managed(clients, holder, arn, before), told["actions"])
    if managed(clients, holder, arn, now) != cut:
        raise Refused(f"{arn} was changed since: version {now} is in force. Put it back by hand.")


def version_back(clients: Clients, account: str, arn: str, before: datetime) -> Outcome:
    """Put the newest version in force that is older than a moment."""
    versions = _versions(clients, account, arn)
    # What an event tells of the time has no parts of a second.
    older = [one for one in versions if one["CreateDate"] < before.replace(microsecond=0)]
    if not older:
        raise Refused(f"{arn} has no version left from before: write one anew.")
    newest = max(older, key=_age)
    if newest["IsDefaultVersion"]:
        return Outcome(f"Version {newest['VersionId']} of {arn} is in force.", changed=False)
    clients.call(
        "iam",
        "set_default_policy_version",
        account=account,
        PolicyArn=arn,
        VersionId=newest["VersionId"],
    )
    return Outcome(f"Version {newest['VersionId']} of {arn} is in force again.")


def _versions(clients: Clients, account: str, arn: str) -> list[dict[str, Any]]:
    pages = clients.pages("iam", "list_policy_versions", account=account, PolicyArn=arn)
    return [one for page in pages for one in page["Versions"]]


def _age(version: dict[str, Any]) -> tuple[datetime, int]:
    return version["CreateDate"], int(version["VersionId"].lstrip("v"))


def _make_room(clients: Clients, holder: Holder, arn: str) -> str:
    """A policy has at most five versions: the oldest that is not in force goes for a new one."""
    versions = _versions(clients, holder.account, arn)
    if len(versions) < MOST_VERSIONS:
        return ""
    oldest = min((one for one in versions if not one["IsDefaultVersion"]), key=_age)
    clients.call(
        "iam",
        "delete_policy_version",
        account=holder.account,
        PolicyArn=arn,
        VersionId=oldest["VersionId"],
    )
    return f" {oldest['VersionId']}, the oldest, was deleted to make room."
