"""What Vault holds, as it is read: entities, groups, roles of sign-in mounts, tokens, policies.

Each is asked for once in a reading, and only when something needs it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from apps.connectors.adapters.live import Absent, ProviderError
from apps.connectors.adapters.vault_calls import VaultCalls, quoted
from apps.connectors.adapters.vault_policy import EVERYTHING, Stanza, read

# Where the roles of a sign-in mount lie, by its type. Others are named as not read.
ROLES_AT = {
    "approle": "role",
    "kubernetes": "role",
    "jwt": "role",
    "oidc": "role",
    "azure": "role",
    "gcp": "role",
    "aws": "role",
    "cert": "certs",
    "userpass": "users",
}


@dataclass(frozen=True, slots=True)
class Role:
    """One role by which something signs in. `path` is what Vault calls it."""

    path: str
    name: str
    mount: str
    mount_type: str
    told: Mapping[str, Any]

    @property
    def policies(self) -> list[str]:
        named = list(self.told.get("token_policies") or self.told.get("policies") or [])
        if not self.told.get("token_no_default_policy") and "default" not in named:
            named.append("default")
        return named


class Directory:
    """Who there is, and what they hold."""

    def __init__(self, calls: VaultCalls):
        self.calls = calls
        # Sign-in mounts whose roles could not be read, with why; known once `roles` are.
        self.unread: dict[str, ProviderError] = {}
        self._stanzas: dict[str, list[Stanza]] = {}

    def get(self, path: str) -> dict[str, Any]:
        return self.calls.patiently(lambda: self.calls.get(path))

    def post(self, path: str, **body: Any) -> dict[str, Any]:
        return self.calls.patiently(lambda: self.calls.post(path, **body))

    def keys(self, path: str) -> list[str]:
        return self.calls.patiently(lambda: self.calls.keys(path))

    @cached_property
    def mounts(self) -> dict[str, str]:
        """The sign-in mounts with their type, by path without the last slash."""
        return {
            path.rstrip("/"): str(told.get("type", ""))
            for path, told in self.get("sys/auth").items()
            if isinstance(told, dict)
        }

    @cached_property
    def engines(self) -> dict[str, str]:
        """The mounted secret engines with their type; none where that may not be read."""
        try:
            told = self.get("sys/mounts")
        except ProviderError:
            return {}
        return {
            path.rstrip("/"): str(one.get("type", ""))
            for path, one in told.items()
            if isinstance(one, dict)
        }

    @cached_property
    def entities(self) -> dict[str, dict[str, Any]]:
        found = {}
        for entity_id in self.keys("identity/entity/id"):
            try:
                found[entity_id] = self.get(f"identity/entity/id/{quoted(entity_id)}")
            except Absent:
                continue  # deleted meanwhile
        return found

    @cached_property
    def groups(self) -> dict[str, dict[str, Any]]:
        found = {}
        for group_id in self.keys("identity/group/id"):
            try:
                found[group_id] = self.get(f"identity/group/id/{quoted(group_id)}")
            except Absent:
                continue
        return found

    @cached_property
    def roles(self) -> dict[str, Role]:
        """The roles of every sign-in mount that has them and may be read, by path."""
        found: dict[str, Role] = {}
        for mount, kind in self.mounts.items():
            try:
                found |= {role.path: role for role in self._roles_of(mount, kind)}
            except ProviderError as error:
                self.unread[mount] = error
        return found

    def _roles_of(self, mount: str, kind: str) -> Iterator[Role]:
        at = ROLES_AT.get(kind)
        for name in self.keys(f"auth/{mount}/{at}") if at else ():
            try:
                told = self.get(f"auth/{mount}/{at}/{quoted(name)}")
            except Absent:
                continue
            yield Role(f"auth/{mount}/{at}/{name}", name, mount, kind, told)

    @cached_property
    def entity_of_role(self) -> dict[str, str]:
        """The entity that stands for one role and nothing else, by the role's path."""
        found = {}
        for entity_id, entity in self.entities.items():
            path = self.role_of_entity(entity)
            if path:
                found[path] = entity_id
        return found

    def role_of_entity(self, entity: Mapping[str, Any]) -> str:
        """The role whose first sign-in made this entity. Empty where it is more than that."""
        aliases = list(entity.get("aliases") or [])
        if len(aliases) != 1:
            return ""
        alias = aliases[0]
        name = str((alias.get("metadata") or {}).get("role_name") or "")
        if alias.get("mount_type") != "approle" or not name:
            return ""
        path = f"{str(alias.get('mount_path', '')).strip('/')}/role/{name}"
        return path if path in self.roles else ""

    def accessors(self) -> list[str]:
        return self.keys("auth/token/accessors")

    def tokens(self) -> Iterator[dict[str, Any]]:
        """Every service token by its accessor; those that end meanwhile are passed over."""
        for accessor in self.accessors():
            try:
                yield self.post("auth/token/lookup-accessor", accessor=accessor)
            except Absent:
                continue

    def text_of(self, policy: str) -> str:
        if policy == "root":
            return EVERYTHING
        try:
            return str(self.get(f"sys/policies/acl/{quoted(policy)}").get("policy", ""))
        except Absent:
            return ""  # named, but never written: it allows nothing

    def stanzas_of(self, policy: str) -> list[Stanza]:
        """What a policy allows and denies. Raises `BadPolicy` where it cannot be read."""
        if policy not in self._stanzas:
            self._stanzas[policy] = read(self.text_of(policy))
        return self._stanzas[policy]

    def policies_of_entity(self, entity: Mapping[str, Any]) -> list[tuple[str, str]]:
        """The policies of an entity, each with the group that gives it, or none."""
        named = [(policy, "") for policy in entity.get("policies") or []]
        for group_id in entity.get("group_ids") or []:
            group = self.group(group_id)
            named += [
                (policy, str(group.get("name", ""))) for policy in group.get("policies") or []
            ]
        return list(dict.fromkeys(named))

    def group(self, group_id: str) -> dict[str, Any]:
        if "groups" in vars(self):  # all of them were read
            return self.groups.get(group_id, {})
        try:
            return self.get(f"identity/group/id/{quoted(group_id)}")
        except Absent:
            return {}
