"""Azure Key Vault and Entra behind the contract; `docs/connectors/azure.md` says how far."""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from apps.connectors.adapters import azure_removal, azure_rights
from apps.connectors.adapters.azure_calls import AzureCalls, account_of, vault_url
from apps.connectors.adapters.azure_discovery import EntraReading, parts_of
from apps.connectors.adapters.azure_issuing import AzureIssuing
from apps.connectors.adapters.azure_seeing import AzureSeeing
from apps.connectors.adapters.azure_steps import EntraSteps
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
    Rotated,
    Scope,
    Setting,
    Sighting,
)
from apps.connectors.adapters.removal import Plan, Subject, Wanted

SETTINGS = (
    Setting("tenant", "Tenant", "The id of the Entra tenant.", required=True),
    Setting("vaults", "Key vaults", "Names, or addresses outside the public cloud.", several=True),
    Setting(
        "auth",
        "Sign in by",
        required=True,
        choices=(
            ("ambient", "The managed or workload identity of this host"),
            ("secret", "A client secret"),
        ),
    ),
    Setting("client_id", "Client id", "Of the application, or of a user-assigned identity."),
    Setting("client_secret", "Client secret", "Only where no identity can be had.", reference=True),
    Setting("issue_secrets", "May hand over", "e.g. crm.vault.azure.net/secrets/db", several=True),
    Setting("graph_address", "Address of Graph", "For a national cloud.", address=True),
    Setting("login_address", "Address of sign-in", "For a national cloud.", address=True),
    Setting("ca_file", "CA file", "Path of a PEM file, where a proxy breaks up TLS."),
)
# Of the public cloud, and of the national ones of the United States and China.
OWN_HOSTS = re.compile(
    r"[a-z0-9-]+\.vault\.(azure\.net|usgovcloudapi\.net|azure\.cn)"
    r"|(dod-)?graph\.microsoft\.(com|us)|microsoftgraph\.chinacloudapi\.cn"
    r"|login\.(microsoftonline\.(com|us)|chinacloudapi\.cn|partner\.microsoftonline\.cn)",
    re.ASCII,
)


class AzureAdapter(Adapter):
    kind = "azure"
    title = "Azure Key Vault and Entra"
    own_hosts = OWN_HOSTS
    capabilities = frozenset(
        {
            Capability.DISCOVER,
            Capability.DISABLE,
            Capability.DELETE,
            Capability.REMOVE_GRANT,
            Capability.NARROW_GRANT,
            Capability.FIND,
            Capability.ROTATE,
            Capability.ISSUE,
        }
    )
    settings = SETTINGS
    cannot = (
        "Tokens that Entra has issued cannot be ended: they work for up to an hour, those of a "
        "managed identity for up to a day.",
        "A single client secret cannot be paused; what can be undone is to disable its whole "
        "service principal.",
        "Key Vault stops handing a secret out, and cannot take back what was read.",
        "A client secret carries no id: only its first three characters can be compared. Values in "
        "Key Vault are not read to compare them.",
        "Roles on Azure's resources (RBAC) and the sign-in log are not read, so neither access to "
        "subscriptions nor last use is known.",
        "A managed identity is disabled, not deleted: that is done where its resource lives.",
    )
    calls_per_second = 5.0

    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        super().__init__(told, secret)
        self.api = AzureCalls(told, secret)

    @classmethod
    def addresses(cls, told: Mapping[str, Any]) -> list[str]:
        vaults = [vault_url(str(name)) for name in told.get("vaults") or []]
        return [*super().addresses(told), *vaults]

    @classmethod
    def plan(cls, wanted: Wanted) -> Plan:
        return azure_removal.plan(wanted)

    @classmethod
    def rights(cls, told: Mapping[str, Any], purpose: str) -> str:
        return azure_rights.rights(told, purpose)

    def accounts(self) -> Sequence[str]:
        """The tenant once it was signed in to, and the vaults that were named."""
        if self.api.tenant:
            self.api.roles()
        return [part for part in (self.api.tenant, *map(account_of, self.api.vaults)) if part]

    def check(self, *, removal: bool, issuing: bool = False) -> Iterator[Check]:
        return azure_rights.AzureChecks(self.api).all(removal=removal)

    def parts(self) -> Sequence[Part]:
        return parts_of(self.api.tenant, self.api.vaults)

    def discover(self, part: Part) -> Iterator[Row]:
        return self._reading.rows(part)

    @cached_property
    def _reading(self) -> EntraReading:
        """One for all parts, so that what several need is read once."""
        return EntraReading(self.api)

    def run(self, op: str, arguments: Mapping[str, Any]) -> Outcome:
        return EntraSteps(self.api).run(op, arguments)

    def undo(self, op: str, arguments: Mapping[str, Any], undo: Mapping[str, Any]) -> Outcome:
        return EntraSteps(self.api).undo(op, arguments, undo)

    def verify(self, wanted: Wanted) -> Sighting:
        return AzureSeeing(self.api).verify(wanted)

    def find(self, clue: Clue) -> Located | None:
        return AzureSeeing(self.api).find(clue)

    def try_out(self, clue: Clue) -> Sighting:
        return AzureSeeing(self.api).try_out(clue)

    def beside(self, subject: Subject) -> Sequence[Beside]:
        return AzureIssuing(self.api).beside(subject)

    def rotate(self, subject: Subject) -> Rotated:
        return AzureIssuing(self.api).rotate(subject)

    def issue(self, scope: Scope) -> Issued:
        return AzureIssuing(self.api).issue(scope)

    def end_issued(self, issued: Mapping[str, Any]) -> Outcome:
        return AzureIssuing(self.api).end(issued)
