"""`aws iam get-account-authorization-details`: users, groups, roles, policies.

The document is read in passes, because policies stand behind the identities that use them.
Policies are kept packed, groups compactly; identities are judged one at a time and let go.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, TypeGuard

from apps.connectors.adapters import json_stream
from apps.connectors.adapters.aws_catalogue import SYSTEM_KIND, Catalogue, catalogue
from apps.connectors.adapters.aws_effective import Holding, grants_of
from apps.connectors.adapters.aws_managed import Managed, managed, statements_in
from apps.connectors.adapters.aws_policy import BadPolicy, Origin, Statement, statements_of
from apps.connectors.adapters.aws_trust import account_of, chains_of, trust_of
from apps.connectors.adapters.contract import (
    GrantRow,
    Header,
    IdentityRow,
    PermissionRow,
    Rejected,
    Row,
    SystemRow,
    Tally,
)
from apps.connectors.adapters.keeping import flaw_of
from apps.connectors.adapters.opening import SourceFile
from apps.connectors.adapters.times import moment

FORMAT = "aws-authorization-details"
COMMAND = "aws iam get-account-authorization-details"
LISTS = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
SERVICE_LINKED = "/aws-service-role/"
# Longer than AWS allows a name, and no longer than is kept.
LONGEST_NAME, LONGEST_ARN = 200, 400


class _Unreadable(Exception):
    def __init__(self, path: str, reason: str):
        super().__init__(reason)
        self.path = path
        self.reason = reason


def read(source: SourceFile) -> Iterator[Row]:
    """Yield the account, then each user and role with what it may effectively do."""
    return _Reading(source, catalogue()).rows()


class _Reading:
    def __init__(self, source: SourceFile, known: Catalogue):
        self.source = source
        self.known = known
        self.account = ""
        self.policies: dict[str, Managed] = {}
        self.groups: dict[str, tuple[Statement, ...] | _Unreadable] = {}
        self.permissions_told: set[str] = set()
        self.entries = 0

    def rows(self) -> Iterator[Row]:
        self._check_document()
        self.account = self._account()
        yield Header(
            format=FORMAT,
            stream=f"{FORMAT}:{self.account}",
            account=self.account,
            kinds=frozenset({"identity", "grant"}),
            made_with=self.known.version,
        )
        yield SystemRow(
            kind=SYSTEM_KIND,
            key=self.account,
            name=f"AWS account {self.account}",
            account=self.account,
        )
        yield from self._read_policies()
        yield from self._read_groups()
        yield from self._identities("UserDetailList", "User", "iam-user")
        yield from self._identities("RoleDetailList", "Role", "iam-role")
        yield Tally(self.entries)

    def _check_document(self) -> None:
        names = json_stream.top_level_names(self.source)
        missing = [name for name in LISTS if names.get(name) != "start_array"]
        if len(missing) == len(LISTS):
            raise self.source.refuse(
                f"This is not the output of `{COMMAND}`: it has none of {', '.join(LISTS)}."
            )
        if missing:
            raise self.source.refuse(
                f"{', '.join(missing)} is missing; run `{COMMAND}` without --filter, "
                "or what is left out would count as gone."
            )
        if any(json_stream.items(self.source, "IsTruncated")):
            raise self.source.refuse(
                f"This is one page of several (IsTruncated); run `{COMMAND}` "
                "without --no-paginate and --max-items.",
                where="IsTruncated",
            )

    def _account(self) -> str:
        for name in LISTS:
            for entry in json_stream.items(self.source, f"{name}.item"):
                account = account_of(str(entry.get("Arn", ""))) if _is_object(entry) else ""
                if account:
                    return account
        raise self.source.refuse("No ARN in the file names an account.", where="UserDetailList")

    def _entries(self, listing: str) -> Iterator[tuple[int, Any]]:
        for at, entry in enumerate(json_stream.items(self.source, f"{listing}.item")):
            self.entries += 1
            yield at, entry

    def _read_policies(self) -> Iterator[Rejected]:
        for at, entry in self._entries("Policies"):
            path = f"Policies[{at}]"
            arn = _text(entry, "Arn")
            flaw = flaw_of(entry)
            if flaw or not arn:
                yield Rejected(path, flaw or "A managed policy needs an Arn.", kind="policy")
                continue
            policy = self._managed(entry, arn, path)
            self.policies[arn] = policy
            if policy.problem:
                yield Rejected(policy.path, policy.problem, kind="policy", key=arn)

    def _managed(self, entry: Mapping[str, Any], arn: str, path: str) -> Managed:
        name = _text(entry, "PolicyName") or arn.rpartition("/")[2]
        try:
            _check_lengths(name, arn, path)
            at, document = _default_version(entry, path)
        except _Unreadable as error:
            return Managed(arn, name, path=error.path, problem=error.reason)
        try:
            return managed(document, arn=arn, name=name, known=self.known)
        except BadPolicy as error:
            where = _join(path, f"PolicyVersionList[{at}].Document", error.path)
            return Managed(arn, name, path=where, problem=error.reason)

    def _read_groups(self) -> Iterator[Rejected]:
        for at, entry in self._entries("GroupDetailList"):
            path = f"GroupDetailList[{at}]"
            name = _text(entry, "GroupName")
            flaw = flaw_of(entry)
            if flaw or not name:
                yield Rejected(path, flaw or "A group needs a GroupName.", kind="group")
                continue
            try:
                _check_lengths(name, "", path)
                held = self._held(entry, "GroupPolicyList", path)
            except _Unreadable as error:
                self.groups[name] = error
                yield Rejected(error.path, error.reason, kind="group", key=name)
            else:
                self.groups[name] = tuple(statement.held_by(name) for statement in held)

    def _identities(self, listing: str, kind: str, as_kind: str) -> Iterator[Row]:
        for at, entry in self._entries(listing):
            path = f"{listing}[{at}]"
            arn, flaw = _text(entry, "Arn"), flaw_of(entry)
            if flaw:
                yield Rejected(path, flaw, "identity")
                continue
            if not arn or not _text(entry, f"{kind}Name"):
                yield Rejected(path, f"It needs an Arn and a {kind}Name.", "identity", arn)
                continue
            try:
                rows = self._identity(entry, arn, path, kind, as_kind)
            except _Unreadable as error:
                yield Rejected(error.path, error.reason, kind="identity", key=arn)
            else:
                yield from rows

    def _identity(
        self, entry: Mapping[str, Any], arn: str, path: str, kind: str, as_kind: str
    ) -> list[Row]:
        if account_of(arn) != self.account:
            raise _Unreadable(f"{path}.Arn", f"It is not of account {self.account}.")
        _check_lengths(entry[f"{kind}Name"], arn, path)
        statements = [
            *self._held(entry, f"{kind}PolicyList", path),
            *self._by_groups(entry, path),
        ]
        holding = Holding(self.account, arn, statements, self._boundary(entry, path))
        grants = list(grants_of(holding, self.known))
        return [
            self._identity_row(entry, arn, path, as_kind, grants),
            *self._permissions(grants),
            *grants,
        ]

    def _identity_row(
        self,
        entry: Mapping[str, Any],
        arn: str,
        path: str,
        kind: str,
        grants: Iterable[GrantRow],
    ) -> IdentityRow:
        used = entry.get("RoleLastUsed") or {}
        created = self._moment(entry, "CreateDate", path)
        facts = {
            "created_at": created.isoformat() if created else "",
            "tags": _tags(entry, path),
            "id": entry.get("UserId") or entry.get("RoleId") or "",
            "path": entry.get("Path") or "/",
            "groups": _names(entry, "GroupList", path),
            "boundary": _boundary_arn(entry),
            "last_used_region": used.get("Region", "") if _is_object(used) else "",
            "instance_profiles": [
                profile.get("Arn", "") for profile in _objects(entry, "InstanceProfileList", path)
            ],
        }
        return IdentityRow(
            system=self.account,
            key=arn,
            name=str(entry.get("UserName") or entry.get("RoleName")),
            kind=kind,
            created_at=created,
            last_used_at=self._moment(used, "LastUsedDate", f"{path}.RoleLastUsed"),
            service_linked=str(entry.get("Path", "")).startswith(SERVICE_LINKED),
            tags=_tags(entry, path),
            facts=facts,
            trust={**self._trust(entry, path), **chains_of(grants, self.known)},
        )

    def _trust(self, entry: Mapping[str, Any], path: str) -> dict[str, Any]:
        document = entry.get("AssumeRolePolicyDocument")
        if not document:
            return {}
        try:
            return {"trusts": trust_of(document, account=self.account)}
        except BadPolicy as error:
            where = _join(path, "AssumeRolePolicyDocument", error.path)
            raise _Unreadable(where, error.reason) from error

    def _held(self, entry: Mapping[str, Any], inline: str, path: str) -> list[Statement]:
        return [*self._inline(entry, inline, path), *self._attached(entry, path)]

    def _inline(self, entry: Mapping[str, Any], listing: str, path: str) -> Iterator[Statement]:
        for at, policy in enumerate(_objects(entry, listing, path)):
            where = f"{path}.{listing}[{at}]"
            origin = Origin(_text(policy, "PolicyName") or "unnamed inline policy")
            _check_lengths(origin.policy, "", where)
            try:
                yield from statements_of(
                    policy.get("PolicyDocument"), origin=origin, known=self.known
                )
            except BadPolicy as error:
                raise _Unreadable(
                    _join(where, "PolicyDocument", error.path), error.reason
                ) from error

    def _attached(self, entry: Mapping[str, Any], path: str) -> Iterator[Statement]:
        for at, attached in enumerate(_objects(entry, "AttachedManagedPolicies", path)):
            where = f"{path}.AttachedManagedPolicies[{at}]"
            yield from self._policy(str(attached.get("PolicyArn") or ""), where)

    def _policy(self, arn: str, where: str) -> tuple[Statement, ...]:
        policy = self.policies.get(arn)
        if policy is None:
            raise _Unreadable(
                where, f"Policy {arn} is not in the file, so what it allows is not known."
            )
        if policy.problem:
            raise _Unreadable(where, f"Policy {arn} cannot be read: {policy.problem}")
        return statements_in(policy, self.known)

    def _by_groups(self, entry: Mapping[str, Any], path: str) -> Iterator[Statement]:
        for at, name in enumerate(_names(entry, "GroupList", path)):
            where = f"{path}.GroupList[{at}]"
            group = self.groups.get(name)
            if group is None:
                raise _Unreadable(where, f"Group {name} is not in the file.")
            if isinstance(group, _Unreadable):
                raise _Unreadable(where, f"Group {name} cannot be read: {group.reason}")
            yield from group

    def _boundary(self, entry: Mapping[str, Any], path: str) -> tuple[Statement, ...] | None:
        arn = _boundary_arn(entry)
        if not arn:
            return None
        held = self._policy(arn, f"{path}.PermissionsBoundary")
        return tuple(statement.as_boundary() for statement in held)

    def _permissions(self, grants: Iterable[GrantRow]) -> Iterator[PermissionRow]:
        named = {name for grant in grants for row in grant.statements for name in row.actions}
        for name in sorted(named - self.permissions_told):
            self.permissions_told.add(name)
            yield self.known.permission(name)

    def _moment(self, entry: Any, name: str, path: str) -> datetime | None:
        value = entry.get(name) if _is_object(entry) else None
        try:
            return moment(value)
        except ValueError as error:
            raise _Unreadable(f"{path}.{name}", f"{value!r} is not a time.") from error


def _default_version(entry: Mapping[str, Any], path: str) -> tuple[int, Any]:
    wanted = entry.get("DefaultVersionId")
    for at, version in enumerate(_objects(entry, "PolicyVersionList", path)):
        if version.get("VersionId") == wanted or (not wanted and version.get("IsDefaultVersion")):
            return at, version.get("Document")
    reason = f"The default version {wanted} is not in the file."
    raise _Unreadable(f"{path}.PolicyVersionList", reason)


def _objects(entry: Mapping[str, Any], name: str, path: str) -> list[Mapping[str, Any]]:
    listing = entry.get(name) or []
    if not isinstance(listing, list) or not all(_is_object(item) for item in listing):
        raise _Unreadable(f"{path}.{name}", "It must be a list of objects.")
    return listing


def _names(entry: Mapping[str, Any], name: str, path: str) -> list[str]:
    listing = entry.get(name) or []
    if not isinstance(listing, list) or not all(isinstance(item, str) for item in listing):
        raise _Unreadable(f"{path}.{name}", "It must be a list of names.")
    return listing


def _text(entry: Any, name: str) -> str:
    """Return a member that must be a text; empty where it is anything else."""
    value = entry.get(name) if _is_object(entry) else None
    return value if isinstance(value, str) else ""


def _check_lengths(name: str, arn: str, path: str) -> None:
    if len(name) > LONGEST_NAME:
        raise _Unreadable(path, f"Its name has more than {LONGEST_NAME} characters.")
    if len(arn) > LONGEST_ARN:
        raise _Unreadable(path, f"Its Arn has more than {LONGEST_ARN} characters.")


def _boundary_arn(entry: Mapping[str, Any]) -> str:
    boundary = entry.get("PermissionsBoundary")
    return str(boundary.get("PermissionsBoundaryArn") or "") if _is_object(boundary) else ""


def _tags(entry: Mapping[str, Any], path: str) -> dict[str, str]:
    return {
        str(tag.get("Key", "")): str(tag.get("Value", "")) for tag in _objects(entry, "Tags", path)
    }


def _is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    return isinstance(value, dict)


def _join(*parts: str) -> str:
    return ".".join(part for part in parts if part)
