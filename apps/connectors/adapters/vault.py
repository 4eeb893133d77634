"""HashiCorp Vault and OpenBao behind the contract; `docs/connectors/vault.md` says how far."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from apps.connectors.adapters import vault_removal, vault_rights
from apps.connectors.adapters.contract import Row
from apps.connectors.adapters.live import (
    Adapter,
    Beside,
    Capability,
    Check,
    Clue,
    Issued,
    Located,
    Outcome,
    Part,
    Place,
    Rotated,
    Scope,
    Setting,
    Sighting,
    Unavailable,
)
from apps.connectors.adapters.removal import Plan, Subject, Wanted
from apps.connectors.adapters.vault_calls import VaultCalls
from apps.connectors.adapters.vault_discovery import VaultDiscovery, parts_of
from apps.connectors.adapters.vault_issuing import VaultIssuing
from apps.connectors.adapters.vault_placing import VaultPlacing
from apps.connectors.adapters.vault_seeing import VaultSeeing
from apps.connectors.adapters.vault_steps import VaultSteps

SETTINGS = (
    Setting("address", "Address", "Of the active server: https://…", required=True, address=True),
    Setting("namespace", "Namespace", "Empty for the root namespace."),
    Setting("ca_file", "CA file", "Path of a PEM file, where the certificate is not public."),
    Setting(
        "auth",
        "Sign in by",
        required=True,
        choices=(
            ("approle", "AppRole"),
            ("kubernetes", "Kubernetes"),
            ("jwt", "JWT"),
            ("token", "A token"),
        ),
    ),
    Setting("auth_mount", "Mount", "Where that sign-in is mounted, if elsewhere than by its name."),
    Setting("role_id", "Role id", "For AppRole. It is a name, not a secret."),
    Setting("secret_id", "Secret id", "For AppRole.", reference=True),
    Setting("role", "Role", "For Kubernetes and JWT."),
    Setting("jwt", "Token file", "For Kubernetes and JWT: file:…", reference=True),
    Setting("token", "Token", "Best one that expires and renews.", reference=True),
    Setting("approle_mounts", "AppRole mounts", "Whose roles may be changed.", several=True),
    Setting("lease_prefixes", "Leases under", "Empty for all, e.g. database/creds.", several=True),
    Setting(
        "place_paths",
        "May write new secrets to",
        "Paths of KV engines of version 2, into which rotation puts a new secret: kv/crm/key",
        several=True,
    ),
    Setting("issue_paths", "May issue from", "e.g. database/creds/crm-read", several=True),
)


class VaultAdapter(Adapter):
    kind = "vault"
    title = "HashiCorp Vault or OpenBao"
    capabilities = frozenset(
        {
            Capability.DISCOVER,
            Capability.DISABLE,
            Capability.DELETE,
            Capability.END_SESSIONS,
            Capability.REMOVE_GRANT,
            Capability.NARROW_GRANT,
            Capability.FIND,
            Capability.ROTATE,
            Capability.ISSUE,
            Capability.PLACE,
        }
    )
    settings = SETTINGS
    cannot = (
        "A single token, secret id, or lease cannot be paused; what can be undone is to disable "
        "its whole entity.",
        "Batch tokens have no accessor: they are not listed, and nothing revokes them.",
        "Vault does not say when a token or secret id was last used.",
        "Its audit log is not read, so what was done or made with a credential is not known.",
        "A lease whose system does not answer is never forced: that could leave its account there.",
    )

    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        super().__init__(told, secret)
        self.api = VaultCalls(told, secret)

    @classmethod
    def plan(cls, wanted: Wanted) -> Plan:
        return vault_removal.plan(wanted)

    @classmethod
    def rights(cls, told: Mapping[str, Any], purpose: str) -> str:
        return vault_rights.rights(told, purpose)

    @cached_property
    def account(self) -> str:
        """The cluster and, inside it, the namespace: addresses change."""
        said = self.api.health()
        cluster = said.get("cluster_id")
        if not cluster:
            raise Unavailable("It is sealed, or not set up yet.", call="GET sys/health")
        namespace = str(self.told.get("namespace") or "").strip("/")
        return f"{cluster}/{namespace}".rstrip("/")[:120]

    def accounts(self) -> Sequence[str]:
        return [self.account]

    def check(self, *, removal: bool, issuing: bool = False) -> Iterator[Check]:
        return vault_rights.VaultChecks(self.api, self.told).all(removal=removal)

    def parts(self) -> Sequence[Part]:
        return parts_of(self.account)

    def discover(self, part: Part) -> Iterator[Row]:
        return self._discovery.rows(part)

    @cached_property
    def _discovery(self) -> VaultDiscovery:
        """One for all parts, so that what several need is read once."""
        namespace = str(self.told.get("namespace") or "").strip("/")
        host = self.api.address.partition("://")[2]
        title = f"Vault {host}{f' {namespace}' if namespace else ''}"[:120]
        return VaultDiscovery(self.api, self.account, title, self.told)

    def run(self, op: str, arguments: Mapping[str, Any]) -> Outcome:
        return VaultSteps(self.api).run(op, arguments)

    def undo(self, op: str, arguments: Mapping[str, Any], undo: Mapping[str, Any]) -> Outcome:
        return VaultSteps(self.api).undo(op, arguments, undo)

    def verify(self, wanted: Wanted) -> Sighting:
        return self._seeing.verify(wanted)

    def find(self, clue: Clue) -> Located | None:
        return self._seeing.find(clue)

    def try_out(self, clue: Clue) -> Sighting:
        return self._seeing.try_out(clue)

    @property
    def _seeing(self) -> VaultSeeing:
        """A new one each time: what was seen before is what is to be seen anew."""
        return VaultSeeing(self.api, self.account)

    def rotate(self, subject: Subject) -> Rotated:
        return VaultIssuing(self.api, self.told).rotate(subject)

    def beside(self, subject: Subject) -> Sequence[Beside]:
        return VaultPlacing(self.api, self.told).beside(subject)

    def place_look(self, where: str) -> Place:
        return VaultPlacing(self.api, self.told).look(where)

    def place(self, where: str, secret: Mapping[str, str], *, mark: str, after: str) -> Outcome:
        return VaultPlacing(self.api, self.told).put(where, secret, mark=mark, after=after)

    def issue(self, scope: Scope) -> Issued:
        return VaultIssuing(self.api, self.told).issue(scope)

    def end_issued(self, issued: Mapping[str, Any]) -> Outcome:
        return VaultIssuing(self.api, self.told).end(issued)
