"""The least rights that a connection to Azure needs, and each of them tried."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.connectors.adapters.azure_calls import AzureCalls, account_of
from apps.connectors.adapters.azure_removal import KEPT
from apps.connectors.adapters.azure_vaults import Kept, Version
from apps.connectors.adapters.live import Absent, Check, ProviderError

READING_ROLES = ("Application.Read.All", "DelegatedPermissionGrant.Read.All")
# Graph offers no lesser one to read sponsors.
SPONSOR_ROLE = "AgentIdentity.ReadWrite.All"
REMOVAL_ROLES = (
    "Application.ReadWrite.All",
    "AppRoleAssignment.ReadWrite.All",
    "DelegatedPermissionGrant.ReadWrite.All",
)
DATA = "Microsoft.KeyVault/vaults"
REMOVAL_ACTIONS = (
    f"{DATA}/secrets/readMetadata/action",
    f"{DATA}/secrets/update/action",
    f"{DATA}/secrets/delete",
    f"{DATA}/secrets/recover/action",
    f"{DATA}/keys/read",
    f"{DATA}/keys/update/action",
    f"{DATA}/keys/delete",
    f"{DATA}/keys/recover/action",
    f"{DATA}/certificates/read",
    f"{DATA}/certificates/update/action",
    f"{DATA}/certificates/delete",
    f"{DATA}/certificates/recover/action",
)
# No such thing is in any vault: who may change it is told that it is not there.
NOWHERE = Version("countersign-check", "0" * 32, True, None, None, {})  # noqa: FBT003


def rights(told: Mapping[str, Any], purpose: str) -> str:
    vaults = [str(name) for name in told.get("vaults") or []]
    if purpose == "removal":
        return _graph(REMOVAL_ROLES) + (_custom(vaults) if vaults else "")
    if purpose == "issuing":
        named = "\n".join(f"#   {one}" for one in told.get("issue_secrets") or []) or "#   none yet"
        return (
            "# Key Vault Secrets User, on each secret that may be handed over, not on a vault:\n"
            f"{named}\n"
            "az role assignment create --role 'Key Vault Secrets User' --assignee PRINCIPAL \\\n"
            "  --scope VAULT_RESOURCE_ID/secrets/NAME\n"
        )
    return (
        _graph((*READING_ROLES, SPONSOR_ROLE))
        + f"# {SPONSOR_ROLE} only to read the sponsors of agent identities: Graph has no lesser\n"
        "# one. Without it, agents come without owners.\n"
        "# Key Vault Reader reads names and dates, and no value:\n"
        "az role assignment create --role 'Key Vault Reader' --assignee PRINCIPAL \\\n"
        "  --scope VAULT_RESOURCE_ID\n"
    )


def _graph(roles: tuple[str, ...]) -> str:
    lines = "\n".join(f"#   {role}" for role in roles)
    return (
        "# Application permissions of Microsoft Graph for the identity of this connection:\n"
        f"{lines}\n"
        "# An administrator assigns each, by its id among the app roles of Microsoft Graph:\n"
        "az rest --method post --url \\\n"
        "  https://graph.microsoft.com/v1.0/servicePrincipals/PRINCIPAL/appRoleAssignments \\\n"
        '  --body \'{"principalId": "PRINCIPAL", "resourceId": "GRAPH", "appRoleId": "ROLE"}\'\n'
    )


def _custom(vaults: list[str]) -> str:
    role = {
        "Name": "Countersign removal",
        "Description": "Disables, deletes, and recovers; reads no value.",
        "Actions": [],
        "DataActions": list(REMOVAL_ACTIONS),
        "AssignableScopes": ["/subscriptions/SUBSCRIPTION"],
    }
    return (
        f"# A role for {', '.join(vaults)}: az role definition create --role-definition @FILE\n"
        f"{json.dumps(role, indent=2)}\n"
    )


class AzureChecks:
    def __init__(self, calls: AzureCalls):
        self.calls = calls

    def all(self, *, removal: bool) -> Iterator[Check]:
        if self.calls.tenant:
            signed_in = _try("Sign in", self.calls.roles)
            yield signed_in
            if not signed_in.worked:
                return
            for right, path in (
                ("Application.Read.All: applications", "/applications"),
                ("Application.Read.All: service principals", "/servicePrincipals"),
                ("DelegatedPermissionGrant.Read.All: consents", "/oauth2PermissionGrants"),
                (
                    f"{SPONSOR_ROLE}: agent identities",
                    "/servicePrincipals/microsoft.graph.agentIdentity",
                ),
            ):
                yield _try(right, lambda path=path: self.calls.get(path, **{"$top": "1"}))  # type: ignore[misc]
            if removal:
                yield from self._removal_roles()
        for vault in self.calls.vaults:
            for at in KEPT:
                yield _try(f"list {at} of {account_of(vault)}", Kept(self.calls, vault, at).names)
            if removal:
                for at in KEPT:
                    yield self._may_change(Kept(self.calls, vault, at))

    def _removal_roles(self) -> Iterator[Check]:
        """What the token says: a try would change something."""
        held = self.calls.roles()
        for role in REMOVAL_ROLES:
            said = "" if role in held else "The token does not carry it."
            yield Check(role, worked=role in held, said=said, needed_for="removal")

    def _may_change(self, kept: Kept) -> Check:
        right = f"update and delete {kept.at} of {account_of(kept.vault)}"
        try:
            kept.enable(NOWHERE, enabled=False, tags={})
        except Absent:
            return Check(right, worked=True, needed_for="removal")
        except ProviderError as error:
            return Check(right, worked=False, said=str(error), needed_for="removal")
        return Check(right, worked=True, needed_for="removal")


def _try(right: str, call: Callable[[], object]) -> Check:
    try:
        call()
    except ProviderError as error:
        return Check(right, worked=False, said=str(error))
    return Check(right, worked=True)
