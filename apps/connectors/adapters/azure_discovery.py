"""Reading Entra as rows: service principals and applications as identities, what they prove
themselves with as credentials, app roles and consents as grants, sponsors as owners.
"""

from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from typing import Any

from apps.connectors.adapters.azure_calls import AzureCalls, account_of
from apps.connectors.adapters.azure_permissions import (
    SOURCE,
    VERSION,
    action_of,
    level_of,
    permission,
    tags_of,
)
from apps.connectors.adapters.azure_removal import (
    AGENT,
    APPLICATION,
    ASSIGNMENT,
    CONSENT,
    MANAGED,
    PRINCIPAL,
)
from apps.connectors.adapters.azure_vaults import VaultReading
from apps.connectors.adapters.contract import (
    AgentRow,
    BindingRow,
    CredentialRow,
    GrantRow,
    Header,
    IdentityRow,
    Rejected,
    Row,
    StatementRow,
    SystemRow,
    Tally,
)
from apps.connectors.adapters.live import Part, ProviderError
from apps.connectors.adapters.times import moment

MICROSOFT = "f8cdef31-a31e-4b4a-93e4-5f571e91255a"
USER_TYPE = "#microsoft.graph.user"
AGENT_TYPE = "#microsoft.graph.agentIdentity"
PARTS = (
    ("identities", "Applications, service principals, managed and agent identities"),
    ("agents", "Agent identities with their sponsors"),
    ("credentials", "Client secrets, certificates, federations"),
    ("grants", "App roles and consents"),
)
PRINCIPAL_PARTS = (
    "id,appId,displayName,servicePrincipalType,accountEnabled,appOwnerOrganizationId,tags,"
    "alternativeNames,passwordCredentials,keyCredentials,appRoles"
)
APPLICATION_PARTS = "id,appId,displayName,createdDateTime,passwordCredentials,keyCredentials"


def parts_of(tenant: str, vaults: list[str]) -> list[Part]:
    entra = [Part(key, title, f"entra-{key}:{tenant}", tenant) for key, title in PARTS]
    kept = [
        Part(
            f"vault:{vault}",
            f"Key Vault {account_of(vault).partition('.')[0]}",
            f"key-vault:{account_of(vault)}",
            account_of(vault),
        )
        for vault in vaults
    ]
    return [*(entra if tenant else []), *kept]


def kind_of(principal: Mapping[str, Any]) -> str:
    if principal.get("@odata.type") == AGENT_TYPE:
        return AGENT
    return MANAGED if principal.get("servicePrincipalType") == "ManagedIdentity" else PRINCIPAL


class Entra:
    """Who there is in the tenant; each listing is read once."""

    def __init__(self, calls: AzureCalls):
        self.calls = calls

    @cached_property
    def agents(self) -> dict[str, dict[str, Any]]:
        listed = self.calls.pages("/servicePrincipals/microsoft.graph.agentIdentity")
        return {str(one["id"]): {**one, "@odata.type": AGENT_TYPE} for one in listed}

    @cached_property
    def principals(self) -> dict[str, dict[str, Any]]:
        listed = self.calls.pages("/servicePrincipals", **{"$select": PRINCIPAL_PARTS})
        return {str(one["id"]): one for one in listed}

    @cached_property
    def applications(self) -> dict[str, dict[str, Any]]:
        """The application registrations of the tenant, by the id that principals name them by."""
        told = {"$select": APPLICATION_PARTS, "$expand": "federatedIdentityCredentials"}
        return {str(one["appId"]): one for one in self.calls.pages("/applications", **told)}

    @cached_property
    def principal_of_application(self) -> dict[str, str]:
        return {str(one.get("appId")): key for key, one in self.principals.items()}

    def application_of(self, principal: Mapping[str, Any]) -> dict[str, Any]:
        return self.applications.get(str(principal.get("appId")), {})


class EntraReading:
    def __init__(self, calls: AzureCalls):
        self.calls = calls
        self.there = Entra(calls)
        self._entries = 0

    def rows(self, part: Part) -> Iterator[Row]:
        if part.key.startswith("vault:"):
            yield from VaultReading(self.calls).rows(part, part.key.removeprefix("vault:"))
            return
        read: dict[str, tuple[Callable[[], Iterator[Row]], set[str]]] = {
            "identities": (self._identities, {"identity"}),
            "agents": (self._agents, {"agent", "binding"}),
            "credentials": (self._credentials, {"credential"}),
            "grants": (self._grants, {"grant"}),
        }
        rows, kinds = read[part.key]
        yield Header(
            format=f"entra-{part.key}",
            stream=part.stream,
            account=part.account,
            kinds=frozenset(kinds),
            made_with="Microsoft Graph v1.0",
        )
        tenant = self.calls.tenant
        name = f"Microsoft Entra {tenant}"
        yield SystemRow(kind="azure", key=tenant, name=name, account=tenant)
        self._entries = 0
        yield from rows()
        yield Tally(self._entries)

    def _identities(self) -> Iterator[Row]:
        try:
            agents = self.there.agents
        except ProviderError as error:
            self._entries += 1
            agents = {}
            yield Rejected("agent identities", str(error), kind="agent", key="agent identities")
        for key, principal in self.there.principals.items():
            self._entries += 1
            yield self._principal({**principal, **agents.get(key, {})})
        for app_id, application in self.there.applications.items():
            if app_id not in self.there.principal_of_application:
                self._entries += 1
                yield self._application(application)

    def _principal(self, one: Mapping[str, Any]) -> IdentityRow:
        application = self.there.application_of(one)
        return IdentityRow(
            system=self.calls.tenant,
            key=str(one["id"]),
            name=str(one.get("displayName") or one["id"])[:200],
            kind=kind_of(one),
            created_at=moment(application.get("createdDateTime")),
            service_linked=one.get("appOwnerOrganizationId") == MICROSOFT,
            facts={
                "app_id": one.get("appId") or "",
                "application": application.get("id") or "",
                "disabled": one.get("accountEnabled") is False,
                "resource": next(iter((one.get("alternativeNames") or [])[1:2]), ""),
                "blueprint": one.get("agentIdentityBlueprintId") or "",
            },
        )

    def _application(self, one: Mapping[str, Any]) -> IdentityRow:
        return IdentityRow(
            system=self.calls.tenant,
            key=str(one["id"]),
            name=str(one.get("displayName") or one["id"])[:200],
            kind=APPLICATION,
            created_at=moment(one.get("createdDateTime")),
            facts={"app_id": one.get("appId") or "", "application": one["id"]},
        )

    # Agents.

    def _agents(self) -> Iterator[Row]:
        for key, agent in self.there.agents.items():
            self._entries += 1
            name = str(agent.get("displayName") or key)[:120]
            path = f"/servicePrincipals/{key}/microsoft.graph.agentIdentity/sponsors"
            try:
                sponsors = [one for one in self.calls.pages(path) if _is_person(one)]
            except ProviderError as error:
                yield Rejected(f"sponsors of {name}", str(error), kind="agent", key=name)
                sponsors = []
            mails = [str(one.get("mail") or one.get("userPrincipalName")) for one in sponsors]
            yield AgentRow(
                name=name,
                owner=mails[0] if mails else None,
                technical_owner=mails[1] if mails[1:] else None,
                platform="Microsoft Entra Agent ID",
            )
            yield BindingRow(agent=name, system=self.calls.tenant, identity=key)

    # Credentials.

    def _credentials(self) -> Iterator[Row]:
        for app_id, application in self.there.applications.items():
            holder = f"applications/{application['id']}"
            identity = self.there.principal_of_application.get(app_id, str(application["id"]))
            yield from self._held(application, holder, identity)
            for one in application.get("federatedIdentityCredentials") or []:
                self._entries += 1
                yield self._federation(one, holder, identity)
        for key, principal in self.there.principals.items():
            yield from self._held(principal, f"servicePrincipals/{key}", key)
            if kind_of(principal) == MANAGED:
                self._entries += 1
                yield self._managed(key, principal)

    def _held(self, one: Mapping[str, Any], holder: str, identity: str) -> Iterator[CredentialRow]:
        disabled = self.there.principals.get(identity, {}).get("accountEnabled") is False
        for what, kind, listing in (
            ("password", "client-secret", "passwordCredentials"),
            ("key", "certificate", "keyCredentials"),
        ):
            for told in one.get(listing) or []:
                self._entries += 1
                yield self._credential(told, what, kind, holder, identity, active=not disabled)

    def _credential(
        self,
        told: Mapping[str, Any],
        what: str,
        kind: str,
        holder: str,
        identity: str,
        *,
        active: bool,
    ) -> CredentialRow:
        facts = credential_facts(told, what, holder)
        return CredentialRow(
            system=self.calls.tenant,
            identity=identity,
            key=str(told["keyId"]),
            kind=kind,
            active=active,
            created_at=moment(told.get("startDateTime")),
            expires_at=moment(told.get("endDateTime")),
            label=str(told.get("displayName") or "")[:200],
            fingerprint=str(told.get("customKeyIdentifier") or "")[:64] if what == "key" else "",
            facts=facts,
        )

    def _federation(self, one: Mapping[str, Any], holder: str, identity: str) -> CredentialRow:
        return CredentialRow(
            system=self.calls.tenant,
            identity=identity,
            key=str(one["id"]),
            kind="managed",
            label=f"Federation {one.get('name') or ''}".strip()[:200],
            facts={
                "what": "federated",
                "object": holder,
                "issuer": one.get("issuer") or "",
                "subject": one.get("subject") or "",
                "audiences": one.get("audiences") or [],
            },
        )

    def _managed(self, key: str, principal: Mapping[str, Any]) -> CredentialRow:
        return CredentialRow(
            system=self.calls.tenant,
            identity=key,
            key=f"managed/{key}",
            kind="managed",
            active=principal.get("accountEnabled") is not False,
            label="Managed by Azure",
            facts={"what": "managed", "object": f"servicePrincipals/{key}"},
        )

    # Grants.

    def _grants(self) -> Iterator[Row]:
        consents: dict[str, list[dict[str, Any]]] = {}
        for one in self.calls.pages("/oauth2PermissionGrants"):
            consents.setdefault(str(one.get("clientId")), []).append(one)
        told: set[str] = set()
        for key, principal in self.there.principals.items():
            if principal.get("appOwnerOrganizationId") == MICROSOFT:
                continue
            self._entries += 1
            try:
                assigned = list(self.calls.pages(f"/servicePrincipals/{key}/appRoleAssignments"))
            except ProviderError as error:
                yield Rejected(f"app roles of {key}", str(error), kind="grant", key=key)
                continue
            for grant in self._granted(key, assigned, consents.get(key, [])):
                for name in grant.actions:
                    if name not in told:
                        told.add(name)
                        yield permission(name, grant.service)
                yield grant

    def _granted(
        self, key: str, assigned: list[dict[str, Any]], consents: list[dict[str, Any]]
    ) -> Iterator[GrantRow]:
        held: dict[tuple[str, str], list[StatementRow]] = {}
        for one in assigned:
            resource = self.there.principals.get(str(one.get("resourceId")), {})
            service = str(one.get("resourceDisplayName") or resource.get("displayName") or "API")
            action = action_of(service, _role_name(resource, str(one.get("appRoleId"))))
            row = _statement([action], "all of it", "app role", f"{ASSIGNMENT}{one['id']}")
            held.setdefault((service[:80], level_of(action)), []).append(row)
        for one in consents:
            resource = self.there.principals.get(str(one.get("resourceId")), {})
            service = str(resource.get("displayName") or "API")
            whom = "all users" if one.get("consentType") == "AllPrincipals" else "one user"
            by_level: dict[str, list[str]] = {}
            for scope in str(one.get("scope") or "").split():
                action = action_of(service, scope)
                by_level.setdefault(level_of(action), []).append(action)
            for level, actions in by_level.items():
                row = _statement(actions, f"what {whom} may", "consent", f"{CONSENT}{one['id']}")
                held.setdefault((service[:80], level), []).append(row)
        for (service, level), rows in sorted(held.items()):
            names = tuple(dict.fromkeys(name for row in rows for name in row.actions))
            yield GrantRow(
                system=self.calls.tenant,
                identity=key,
                service=service,
                level=level,
                statements=tuple(rows),
                actions=names,
                action_count=len(names),
                tags={tag: why for name in names for tag, why in tags_of(name).items()},
                classified_by=f"{SOURCE}, version {VERSION}",
            )


def credential_facts(told: Mapping[str, Any], what: str, holder: str) -> dict[str, Any]:
    facts = {"what": what, "object": holder}
    if told.get("hint"):
        facts["hint"] = told["hint"]
    return facts


def _statement(actions: list[str], resource: str, policy: str, key: str) -> StatementRow:
    return StatementRow(
        effect="allow",
        actions=tuple(actions),
        resources=(resource,),
        policy=policy,
        policy_key=key,
    )


def _role_name(resource: Mapping[str, Any], role_id: str) -> str:
    for role in resource.get("appRoles") or []:
        if role.get("id") == role_id and role.get("value"):
            return str(role["value"])
    return "default access" if set(role_id) <= {"0", "-"} else role_id


def _is_person(one: Mapping[str, Any]) -> bool:
    return str(one.get("@odata.type") or USER_TYPE) == USER_TYPE
