"""Reading Vault as rows: roles and entities as identities, accessors as credentials, policies as
grants. Accessors only: no call made here returns a token.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

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
from apps.connectors.adapters.live import Absent, Part, ProviderError
from apps.connectors.adapters.times import moment
from apps.connectors.adapters.vault_calls import VaultCalls
from apps.connectors.adapters.vault_grants import Holding, grants_of, permission
from apps.connectors.adapters.vault_policy import BadPolicy
from apps.connectors.adapters.vault_reading import ROLES_AT, Directory, Role
from apps.connectors.adapters.vault_removal import DYNAMIC, ENTITY, HOLDER, ROLE
from apps.connectors.adapters.vault_steps import role_of_token

KIND = "vault"
LEASES_AT_MOST = 20_000
TOKEN_FACTS = (
    *("type", "path", "policies", "identity_policies", "orphan", "renewable", "num_uses"),
    *("explicit_max_ttl", "period", "expire_time", "entity_id", "bound_cidrs"),
)
NEVER = "0001-01-01T00:00:00Z"
PARTS = (
    ("identities", "Roles and entities"),
    ("grants", "Policies"),
    ("secret-ids", "Secret ids of AppRole"),
    ("tokens", "Tokens by accessor"),
    ("leases", "Leases"),
)


@dataclass(frozen=True, slots=True)
class Holder:
    key: str
    name: str
    kind: str

    @property
    def is_entity(self) -> bool:
        return self.kind == ENTITY


def parts_of(account: str) -> list[Part]:
    return [Part(key, title, f"vault-{key}:{account}", account) for key, title in PARTS]


def holder_of(token: Mapping[str, Any], role_of_entity: Mapping[str, str]) -> Holder:
    """Whose a token is: the role that issued it, its entity, or else the name it shows."""
    entity_id = str(token.get("entity_id") or "")
    role = role_of_token(token)
    if role and (not entity_id or role_of_entity.get(entity_id) == role):
        return Holder(role, role.rpartition("/")[2], ROLE)
    if entity_id:
        return Holder(entity_id, entity_id, ENTITY)
    shown = str(token.get("display_name") or "token")
    return Holder(f"{token.get('path') or 'auth/token'}#{shown}"[:400], shown[:200], HOLDER)


def token_facts(token: Mapping[str, Any]) -> dict[str, Any]:
    facts = {name: token[name] for name in TOKEN_FACTS if token.get(name) not in (None, "", [])}
    if not token.get("accessor"):
        facts["type"] = "batch"
    return facts


def secret_id_facts(told: Mapping[str, Any], role: Role) -> dict[str, Any]:
    return {
        "role": role.path,
        "cidrs": told.get("cidr_list") or [],
        "token_cidrs": told.get("token_bound_cidrs") or [],
        "uses_left": told.get("secret_id_num_uses") or 0,
        "ttl": told.get("secret_id_ttl") or 0,
    }


class VaultDiscovery:
    def __init__(self, calls: VaultCalls, account: str, title: str, told: Mapping[str, Any]):
        self.calls = calls
        self.account = account
        self.title = title
        self.told = told
        self.there = Directory(calls)
        self._permissions: set[str] = set()
        self._entries = 0

    def rows(self, part: Part) -> Iterator[Row]:
        read, kinds = {
            "identities": (self._identities, {"identity"}),
            "grants": (self._grants, {"grant"}),
            "secret-ids": (self._secret_ids, {"credential"}),
            "tokens": (self._tokens, {"identity", "credential", "grant"}),
            "leases": (self._leases, {"identity", "credential"}),
        }[part.key]
        yield Header(
            format=f"vault-{part.key}",
            stream=part.stream,
            account=self.account,
            kinds=frozenset(kinds),
            made_with="Vault's API",
        )
        yield SystemRow(kind=KIND, key=self.account, name=self.title, account=self.account)
        self._entries = 0
        yield from read()
        yield Tally(self._entries)

    # Identities.

    def _identities(self) -> Iterator[Row]:
        roles = self.there.roles
        yield from self._unread("identity")
        for mount, kind in self.there.mounts.items():
            if kind not in ROLES_AT and kind != "token":
                self._entries += 1
                reason = f"Its roles are not read: it is of the type {kind}."
                yield Rejected(f"auth/{mount}", reason, "mount", f"auth/{mount}")
        for role in roles.values():
            self._entries += 1
            yield self._role_row(role)
        for entity_id, entity in self.there.entities.items():
            self._entries += 1
            if not self.there.role_of_entity(entity):
                yield self._entity_row(entity_id, entity)

    def _unread(self, kind: str) -> Iterator[Rejected]:
        """Mounts that could not be read; without a key, so that nothing of the kind is gone."""
        for mount, error in self.there.unread.items():
            self._entries += 1
            yield Rejected(f"auth/{mount}", str(error), kind)

    def _role_row(self, role: Role) -> IdentityRow:
        entity_id = self.there.entity_of_role.get(role.path, "")
        entity = self.there.entities.get(entity_id, {})
        return IdentityRow(
            system=self.account,
            key=role.path,
            name=role.name,
            kind=ROLE,
            facts={
                "mount": role.mount,
                "mount_type": role.mount_type,
                "policies": role.policies,
                "entity_id": entity_id,
                "disabled": bool(entity.get("disabled")),
                "token_ttl": role.told.get("token_ttl") or 0,
                "token_max_ttl": role.told.get("token_max_ttl") or 0,
                "secret_id_ttl": role.told.get("secret_id_ttl") or 0,
                "cidrs": role.told.get("token_bound_cidrs") or [],
                "bound_to": _bound_to(role.told),
            },
            trust={"trusts": _bound_to(role.told)} if role.mount_type != "approle" else {},
        )

    def _entity_row(self, entity_id: str, entity: Mapping[str, Any]) -> IdentityRow:
        created = _moment(entity.get("creation_time"))
        return IdentityRow(
            system=self.account,
            key=entity_id,
            name=str(entity.get("name") or entity_id)[:200],
            kind=ENTITY,
            created_at=created,
            tags={str(key): str(value) for key, value in (entity.get("metadata") or {}).items()},
            facts={
                "entity_id": entity_id,
                "disabled": bool(entity.get("disabled")),
                "policies": entity.get("policies") or [],
                "groups": [
                    str(self.there.group(group_id).get("name", ""))
                    for group_id in entity.get("group_ids") or []
                ],
                "aliases": [
                    {
                        "name": alias.get("name", ""),
                        "mount": str(alias.get("mount_path", "")).strip("/"),
                        "type": alias.get("mount_type", ""),
                    }
                    for alias in entity.get("aliases") or []
                ],
            },
        )

    # Policies.

    def _grants(self) -> Iterator[Row]:
        roles = self.there.roles
        yield from self._unread("grant")
        for role in roles.values():
            held = [(policy, "") for policy in role.policies]
            entity = self.there.entities.get(self.there.entity_of_role.get(role.path, ""))
            held += self.there.policies_of_entity(entity) if entity else []
            yield from self._granted(role.path, held)
        for entity_id, entity in self.there.entities.items():
            if not self.there.role_of_entity(entity):
                yield from self._granted(entity_id, self.there.policies_of_entity(entity))

    def _granted(self, identity: str, held: Iterable[tuple[str, str]]) -> Iterator[Row]:
        self._entries += 1
        policies = list(dict.fromkeys(held))
        try:
            texts = {name: self.there.stanzas_of(name) for name, _ in policies}
        except (BadPolicy, ProviderError) as error:
            reason = f"What it may do is not known: {error}"
            yield Rejected(identity, reason, kind="grant", key=identity)
            return
        grants = grants_of(Holding(self.account, identity, policies, texts), self.there.engines)
        for grant in grants:
            yield from self._permissions_of(grant.actions)
            yield grant

    def _permissions_of(self, actions: Sequence[str]) -> Iterator[PermissionRow]:
        for name in actions:
            if name not in self._permissions and len(name) <= 200:
                self._permissions.add(name)
                yield permission(name)

    # Credentials.

    def _secret_ids(self) -> Iterator[Row]:
        roles = self.there.roles
        yield from self._unread("credential")
        for role in roles.values():
            if role.mount_type != "approle":
                yield from self._managed(role)
                continue
            try:
                accessors = self.there.keys(f"{role.path}/secret-id")
            except ProviderError as error:
                yield Rejected(role.path, str(error), kind="identity", key=role.path)
                continue
            for accessor in accessors:
                self._entries += 1
                yield from self._secret_id(role, accessor)

    def _managed(self, role: Role) -> Iterator[Row]:
        """What signs in with a proof from elsewhere holds no secret of Vault's."""
        if role.mount_type in {"userpass", "cert"}:
            return
        self._entries += 1
        yield CredentialRow(
            system=self.account,
            identity=role.path,
            key=role.path,
            kind="managed",
            label=f"Signs in by {role.mount_type}",
            facts={"bound_to": _bound_to(role.told)},
        )

    def _secret_id(self, role: Role, accessor: str) -> Iterator[Row]:
        at = f"{role.path}/secret-id-accessor/lookup"
        try:
            told = self.there.post(at, secret_id_accessor=accessor)
        except Absent:
            return
        except ProviderError as error:
            yield Rejected(f"{role.path} {accessor}", str(error), "credential", accessor)
            return
        yield CredentialRow(
            system=self.account,
            identity=role.path,
            key=accessor,
            kind="client-secret",
            created_at=_moment(told.get("creation_time")),
            expires_at=_moment(told.get("expiration_time")),
            label=f"Secret id of {role.name}"[:200],
            facts=secret_id_facts(told, role),
        )

    def _tokens(self) -> Iterator[Row]:
        own = self.calls.own_accessor()
        accessors = self.there.accessors()
        roles, entities_known = self._role_of_entity()
        disabled = self._disabled() if entities_known else set()
        told_of: set[str] = set()
        held: dict[str, list[tuple[str, str]]] = {}
        for accessor in accessors:
            self._entries += 1
            try:
                token = self.there.post("auth/token/lookup-accessor", accessor=accessor)
            except Absent:
                continue  # it ended meanwhile
            except ProviderError as error:
                yield Rejected(accessor, str(error), "credential", accessor)
                continue
            holder = holder_of(token, roles)
            if holder.key not in told_of and (holder.kind == HOLDER or not entities_known):
                told_of.add(holder.key)
                yield self._holder_row(holder, token)
            if holder.kind == HOLDER:
                policies = held.setdefault(holder.key, [])
                policies += [(name, "") for name in token.get("policies") or []]
            active = token.get("entity_id") not in disabled
            yield self._token_row(holder, token, is_own=accessor == own, active=active)
        for key, policies in held.items():
            yield from self._granted(key, policies)

    def _role_of_entity(self) -> tuple[dict[str, str], bool]:
        """The roles behind entities, and whether entities are there to be referred to at all."""
        try:
            return {at: role for role, at in self.there.entity_of_role.items()}, True
        except ProviderError:
            return {}, False

    def _holder_row(self, holder: Holder, token: Mapping[str, Any]) -> IdentityRow:
        return IdentityRow(
            system=self.account,
            key=holder.key,
            name=holder.name,
            kind=holder.kind,
            facts={"entity_id": str(token.get("entity_id") or ""), "path": token.get("path", "")},
        )

    def _disabled(self) -> set[str]:
        return {at for at, entity in self.there.entities.items() if entity.get("disabled")}

    def _token_row(
        self, holder: Holder, token: Mapping[str, Any], *, is_own: bool, active: bool
    ) -> CredentialRow:
        created = token.get("creation_time")
        facts = token_facts(token)
        if is_own:
            facts["is_own"] = "The token that this reading was made with."
        return CredentialRow(
            system=self.account,
            identity=holder.key,
            key=str(token["accessor"]),
            kind="token",
            active=active,
            created_at=datetime.fromtimestamp(int(created), UTC) if created else None,
            expires_at=_moment(token.get("expire_time")),
            label=f"Token {token.get('display_name') or ''}".strip()[:200],
            facts=facts,
        )

    def _leases(self) -> Iterator[Row]:
        prefixes = self.told.get("lease_prefixes") or [
            name for name in self.there.keys("sys/leases/lookup") if name != "auth/"
        ]
        told_of: set[str] = set()
        for lease_id in self._lease_ids(prefixes):
            self._entries += 1
            if self._entries > LEASES_AT_MOST:
                reason = f"There are more than {LEASES_AT_MOST:,} leases; the rest is not read."
                yield Rejected("sys/leases/lookup", reason, kind="credential")
                return
            prefix = lease_id.rpartition("/")[0]
            try:
                told = self.there.post("sys/leases/lookup", lease_id=lease_id)
            except Absent:
                continue
            if prefix not in told_of:
                told_of.add(prefix)
                yield IdentityRow(self.account, prefix, prefix[:200], DYNAMIC, facts={})
            yield CredentialRow(
                system=self.account,
                identity=prefix,
                key=lease_id,
                kind="lease",
                created_at=_moment(told.get("issue_time")),
                expires_at=_moment(told.get("expire_time")),
                label=f"Lease of {prefix}"[:200],
                facts={"renewable": bool(told.get("renewable")), "ttl": told.get("ttl") or 0},
            )

    def _lease_ids(self, prefixes: Iterable[str]) -> Iterator[str]:
        waiting = [prefix.strip("/") + "/" for prefix in prefixes]
        while waiting:
            prefix = waiting.pop()
            for key in self.there.keys(f"sys/leases/lookup/{prefix}"):
                if key.endswith("/"):
                    waiting.append(prefix + key)
                else:
                    yield prefix + key


def _bound_to(told: Mapping[str, Any]) -> dict[str, Any]:
    """Who may sign in by a role, where it is bound to anything."""
    return {name: value for name, value in told.items() if name.startswith("bound_") and value}


def _moment(value: Any) -> datetime | None:
    return None if not value or str(value) == NEVER else moment(value)
