"""Secrets, keys, and certificates of a Key Vault: never their values.

One of them has versions, each enabled or not. Which versions this product disabled is written
on them as a tag, so that an undo enables those and no others.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from apps.connectors.adapters.azure_calls import AzureCalls, account_of, told_errors
from apps.connectors.adapters.azure_removal import KEPT, VAULT
from apps.connectors.adapters.contract import (
    CredentialRow,
    Header,
    IdentityRow,
    PermissionRow,
    Rejected,
    Row,
    SystemRow,
    Tally,
)
from apps.connectors.adapters.live import Absent, Outcome, Part, ProviderError, Refused

TAG = "countersign-disabled-by"
KINDS = {"secrets": "client-secret", "keys": "access-key", "certificates": "certificate"}
DAYS = {"D": 1, "W": 7, "M": 30, "Y": 365}


@dataclass(frozen=True, slots=True)
class Version:
    name: str
    version: str
    enabled: bool
    created: datetime | None
    expires: datetime | None
    tags: Mapping[str, str]
    thumbprint: str = ""


class Kept:
    """One listing of a vault (secrets, keys, or certificates), through the official clients."""

    def __init__(self, calls: AzureCalls, vault: str, at: str):
        self.calls = calls
        self.vault = vault
        self.at = at
        self.what = KEPT[at]
        self.client: Any = getattr(calls, at)(vault)

    def names(self) -> list[Any]:
        return self._listed(getattr(self.client, f"list_properties_of_{self.at}"))

    def versions(self, name: str) -> list[Version]:
        """The versions, oldest first; none where there is no such thing."""
        listing = getattr(self.client, f"list_properties_of_{self.what}_versions")
        try:
            found = [_version(one) for one in self._listed(lambda: listing(name))]
        except Absent:
            return []
        return sorted(found, key=lambda one: one.created.timestamp() if one.created else 0.0)

    def _listed(self, listing: Callable[[], Any]) -> list[Any]:
        with told_errors(f"list {self.at} of {account_of(self.vault)}"):
            return list(listing())

    def enable(self, version: Version, *, enabled: bool, tags: Mapping[str, str]) -> None:
        update = getattr(self.client, f"update_{self.what}_properties")
        with told_errors(f"update {self.what} {version.name}"):
            update(version.name, version.version, enabled=enabled, tags=dict(tags))

    def delete(self, name: str) -> None:
        with told_errors(f"delete {self.what} {name}"):
            getattr(self.client, f"begin_delete_{self.what}")(name)

    def recover(self, name: str) -> None:
        with told_errors(f"recover {self.what} {name}"):
            getattr(self.client, f"begin_recover_deleted_{self.what}")(name)

    def is_deleted(self, name: str) -> bool:
        try:
            with told_errors(f"get deleted {self.what} {name}"):
                getattr(self.client, f"get_deleted_{self.what}")(name)
        except Absent:
            return False
        return True

    def rotation_days(self, name: str) -> int | None:
        """How often it is rotated by itself; None where it is not, or that may not be read."""
        if self.at == "secrets":
            return None
        try:
            with told_errors(f"get rotation policy of {name}"):
                if self.at == "keys":
                    return _key_rotation(self.client.get_key_rotation_policy(name))
                return _renewal(self.client.get_certificate_policy(name))
        except ProviderError:
            return None


class VaultSteps:
    def __init__(self, calls: AzureCalls):
        self.calls = calls

    def disable(self, arguments: Mapping[str, Any]) -> Outcome:
        kept, name = self._kept(arguments)
        versions = kept.versions(name)
        if not versions:
            raise Absent(f"There is no {kept.what} {name}.", call=f"list versions of {name}")
        enabled = [one for one in versions if one.enabled]
        for one in enabled:
            kept.enable(one, enabled=False, tags={**one.tags, TAG: arguments["by"]})
        said = f"{len(enabled)} versions disabled." if enabled else "It was disabled already."
        return Outcome(said, changed=bool(enabled), undo={"by": arguments["by"]})

    def enable(self, arguments: Mapping[str, Any]) -> Outcome:
        kept, name = self._kept(arguments)
        ours = [
            one
            for one in kept.versions(name)
            if not one.enabled and one.tags.get(TAG) == arguments["by"]
        ]
        for one in ours:
            tags = {key: value for key, value in one.tags.items() if key != TAG}
            kept.enable(one, enabled=True, tags=tags)
        said = f"{len(ours)} versions enabled again." if ours else "This order disabled none."
        return Outcome(said, changed=bool(ours))

    def delete(self, arguments: Mapping[str, Any]) -> Outcome:
        kept, name = self._kept(arguments)
        kept.delete(name)
        return Outcome(f"The {kept.what} is deleted, and can be recovered for as long as it says.")

    def recover(self, arguments: Mapping[str, Any]) -> Outcome:
        """It comes back as it was deleted: disabled, until that is undone as well."""
        kept, name = self._kept(arguments)
        if kept.versions(name):
            return Outcome("It is there already.", changed=False)
        kept.recover(name)
        return Outcome(f"The {kept.what} is recovered.")

    def _kept(self, arguments: Mapping[str, Any]) -> tuple[Kept, str]:
        vault = str(arguments["vault"])
        if vault not in self.calls.vaults:
            raise Refused(f"This connection does not name {vault}.")
        return Kept(self.calls, vault, arguments["at"]), arguments["name"]


class VaultReading:
    def __init__(self, calls: AzureCalls):
        self.calls = calls

    def rows(self, part: Part, vault: str) -> Iterator[Row]:
        account = part.account
        yield Header(
            format="azure-key-vault",
            stream=part.stream,
            account=account,
            kinds=frozenset({"identity", "credential"}),
            made_with="Key Vault's API",
        )
        name = account.partition(".")[0]
        yield SystemRow(kind="azure", key=account, name=f"Key Vault {name}"[:120], account=account)
        yield IdentityRow(account, vault, name, VAULT, facts={"address": vault})
        entries = 1
        for at in KEPT:
            kept = Kept(self.calls, vault, at)
            try:
                listed = self.calls.patiently(kept.names)
            except ProviderError as error:
                entries += 1
                yield Rejected(f"{account} {at}", str(error), kind="credential")
                continue
            for one in listed:
                if getattr(one, "managed", False):
                    continue  # it belongs to a certificate, which is listed itself
                entries += 1
                yield from self._one(kept, account, str(one.name))
        yield Tally(entries)

    def _one(self, kept: Kept, account: str, name: str) -> Iterator[Row]:
        key = f"{kept.at}/{name}"
        try:
            versions = self.calls.patiently(lambda: kept.versions(name))
        except ProviderError as error:
            yield Rejected(f"{account} {key}", str(error), kind="credential", key=key)
            return
        if not versions:
            return  # deleted meanwhile
        if kept.at == "secrets":
            yield permission(name, account)
        yield _row(kept, account, key, versions, kept.rotation_days(name))


def permission(name: str, account: str) -> PermissionRow:
    """Reading a secret's value: what may be asked for, and handed over for one use."""
    return PermissionRow(
        system_kind="azure",
        key=read_action(name),
        level="write",
        service=account[:80],
        tags={"reads-secrets": "returns a secret's value"},
        source="Key Vault",
        version="1",
    )


def read_action(name: str) -> str:
    return f"get secrets/{name}"[:200]


def _row(
    kept: Kept, account: str, key: str, versions: list[Version], rotation_days: int | None
) -> CredentialRow:
    first, newest = versions[0], versions[-1]
    enabled = [one for one in versions if one.enabled]
    ends = [one.expires for one in enabled or [newest]]
    return CredentialRow(
        system=account,
        identity=kept.vault,
        key=key,
        kind=KINDS[kept.at],
        active=bool(enabled),
        created_at=first.created,
        rotated_at=newest.created if len(versions) > 1 else None,
        expires_at=max((end for end in ends if end), default=None) if all(ends) else None,
        rotation_days=rotation_days,
        label=f"{kept.what.capitalize()} {newest.name}"[:200],
        fingerprint=newest.thumbprint[:64],
        stored_in="secret-manager",
        stored_at=f"{kept.vault}/{key}"[:200],
        facts={
            "what": kept.what,
            "version": newest.version,
            "versions": len(versions),
            "enabled_versions": len(enabled),
            "renews_itself": rotation_days is not None,
        },
    )


def _version(one: Any) -> Version:
    thumbprint = getattr(one, "x509_thumbprint", None)
    return Version(
        name=str(one.name),
        version=str(one.version or ""),
        enabled=bool(one.enabled),
        created=one.created_on,
        expires=one.expires_on,
        tags=dict(one.tags or {}),
        thumbprint=thumbprint.hex() if isinstance(thumbprint, bytes | bytearray) else "",
    )


def _key_rotation(policy: Any) -> int | None:
    for action in policy.lifetime_actions or []:
        if str(action.action).lower().endswith("rotate") and action.time_after_create:
            return _days(str(action.time_after_create))
    return None


def _renewal(policy: Any) -> int | None:
    for action in policy.lifetime_actions or []:
        if str(action.action).lower().replace("_", "").endswith("autorenew"):
            months = int(policy.validity_in_months or 0)
            before = int(action.days_before_expiry or 0)
            share = int(action.lifetime_percentage or 0)
            days = months * 30
            return (days * share // 100 if share else days - before) or None
    return None


def _days(duration: str) -> int | None:
    """The days of an ISO 8601 duration such as P90D or P1Y."""
    number, unit = duration.removeprefix("P")[:-1], duration[-1:]
    return int(number) * DAYS[unit] if number.isdigit() and unit in DAYS else None
