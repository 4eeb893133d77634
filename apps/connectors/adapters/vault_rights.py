"""The least rights that a connection to Vault needs: policies to copy there, each right tried."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from apps.connectors.adapters.live import Check, ProviderError
from apps.connectors.adapters.vault_calls import VaultCalls
from apps.connectors.adapters.vault_placing import rights as placing_rights
from apps.connectors.adapters.vault_reading import ROLES_AT, Directory

READING = """\
# Countersign, reading: who there is and what they hold. No path here returns a token or a secret.
path "sys/auth"                    { capabilities = ["read"] }
path "sys/mounts"                  { capabilities = ["read"] }
path "sys/policies/acl"            { capabilities = ["list"] }
path "sys/policies/acl/*"          { capabilities = ["read"] }
path "identity/entity/id"          { capabilities = ["list"] }
path "identity/entity/id/*"        { capabilities = ["read"] }
path "identity/group/id"           { capabilities = ["list"] }
path "identity/group/id/*"         { capabilities = ["read"] }
# Vault asks for sudo to list accessors and leases. Without it, tokens and leases are not read.
path "auth/token/accessors"        { capabilities = ["list", "sudo"] }
path "auth/token/accessors/"       { capabilities = ["list", "sudo"] }
path "auth/token/lookup-accessor"  { capabilities = ["update"] }
path "sys/leases/lookup"           { capabilities = ["update"] }
path "sys/leases/lookup/"          { capabilities = ["list", "sudo"] }
path "sys/leases/lookup/*"         { capabilities = ["list", "sudo"] }
# Roles of every sign-in mount. Vault lists by a path that ends in a slash.
path "auth/+/role/"                { capabilities = ["list"] }
path "auth/+/role/+"               { capabilities = ["read"] }
# Where they are mounted at all:
# path "auth/userpass/users"       { capabilities = ["list"] }
# path "auth/userpass/users/+"     { capabilities = ["read"] }
# path "auth/cert/certs"           { capabilities = ["list"] }
# path "auth/cert/certs/+"         { capabilities = ["read"] }
# To find a token that somebody pasted.
path "auth/token/lookup"           { capabilities = ["update"] }
"""
# Of two paths that fit, only the narrower one counts: so these stand for each mount.
APPROLE_READING = """\
path "auth/{mount}/role"                                {{ capabilities = ["list"] }}
path "auth/{mount}/role/+"                              {{ capabilities = ["read"] }}
path "auth/{mount}/role/+/secret-id"                    {{ capabilities = ["list"] }}
path "auth/{mount}/role/+/secret-id-accessor/lookup"    {{ capabilities = ["update"] }}
path "auth/{mount}/role/+/secret-id/lookup"             {{ capabilities = ["update"] }}
"""
REMOVAL = """\
# Countersign, removal: single credentials, whole identities, and denials of its own.
path "auth/token/revoke-accessor"  { capabilities = ["update"] }
path "sys/leases/revoke"           { capabilities = ["update"] }
# Disabling, and denying by a policy. Whoever may write an entity may give it any policy: keep the
# secret of this connection accordingly, or leave "policies" out, and grants are taken by hand.
path "identity/entity/id/*" {
  capabilities = ["read", "update", "delete"]
  allowed_parameters = {
    "disabled" = []
    "metadata" = []
    "policies" = []
  }
}
path "sys/policies/acl/countersign-*" { capabilities = ["create", "read", "update", "delete"] }
# Only to rewrite a policy that one identity alone uses. Without it, that is done by hand.
# path "sys/policies/acl/*"        { capabilities = ["read", "update"] }
"""
APPROLE_REMOVAL = """\
path "auth/{mount}/role/+/secret-id-accessor/destroy"   {{ capabilities = ["update"] }}
path "auth/{mount}/role/+"  {{ capabilities = ["read", "update", "delete"] }}
"""
ISSUING = """\
# Countersign, issuing: short-lived credentials, and new secret ids beside old ones.
# A token may only hand on policies of its own, unless a token role says which:
#   vault write auth/token/roles/agents allowed_policies=crm-agent renewable=false
# and then auth/token/create/agents is what it may issue from.
path "auth/token/revoke-accessor"  { capabilities = ["update"] }
path "sys/leases/revoke"           { capabilities = ["update"] }
path "sys/leases/renew"            { capabilities = ["update"] }
"""


def rights(told: Mapping[str, Any], purpose: str) -> str:
    mounts = [str(mount).strip("/") for mount in told.get("approle_mounts") or ["approle"]]
    if purpose == "removal":
        return REMOVAL + "".join(APPROLE_REMOVAL.format(mount=mount) for mount in mounts)
    if purpose == "issuing":
        return ISSUING + "".join(_issuing(told, mounts)) + placing_rights(told)
    return READING + "".join(APPROLE_READING.format(mount=mount) for mount in mounts)


def _issuing(told: Mapping[str, Any], mounts: list[str]) -> Iterator[str]:
    for mount in mounts:
        yield f'path "auth/{mount}/role/+/secret-id" {{ capabilities = ["update"] }}\n'
    for path in told.get("issue_paths") or []:
        needs = '["update"]' if path.startswith("auth/token/create") else '["read", "update"]'
        yield f'path "{path}" {{ capabilities = {needs} }}\n'


# What each purpose needs besides the calls that are tried: a capability of a path.
NEEDED_FOR_REMOVAL = (
    ("update", "auth/token/revoke-accessor"),
    ("update", "sys/leases/revoke"),
    ("update", "identity/entity/id/any"),
    ("delete", "identity/entity/id/any"),
    ("update", "sys/policies/acl/countersign-any"),
    ("delete", "sys/policies/acl/countersign-any"),
)
ROLE_REMOVAL = (
    ("update", "secret-id-accessor/destroy"),
    ("update", ""),
    ("delete", ""),
)


class VaultChecks:
    def __init__(self, calls: VaultCalls, told: Mapping[str, Any]):
        self.calls = calls
        self.told = told
        self.there = Directory(calls)

    def all(self, *, removal: bool) -> Iterator[Check]:
        signed_in = self._try("Sign in", lambda: self.calls.get("auth/token/lookup-self"))
        yield signed_in
        if not signed_in.worked:
            return
        for right, call in self._reading():
            yield self._try(right, call)
        if removal:
            yield from self._have(self._removal(), "removal")
        yield from self._have(self._issuing(), "issuing")

    def _reading(self) -> Iterator[tuple[str, Callable[[], object]]]:
        yield "read sys/auth", lambda: self.there.mounts
        yield "read sys/mounts", lambda: self.calls.get("sys/mounts")
        yield "list sys/policies/acl", lambda: self.calls.keys("sys/policies/acl")
        yield "read sys/policies/acl/default", lambda: self.there.text_of("default")
        yield "list identity/entity/id", lambda: self.calls.keys("identity/entity/id")
        yield "list identity/group/id", lambda: self.calls.keys("identity/group/id")
        yield "list and sudo auth/token/accessors", self.there.accessors
        yield "update auth/token/lookup-accessor", self._look_at_own
        yield "list and sudo sys/leases/lookup/*", lambda: self.calls.keys("sys/leases/lookup")
        for mount, kind in self._mounts().items():
            if kind in ROLES_AT:
                path = f"auth/{mount}/{ROLES_AT[kind]}"
                yield f"list {path}", lambda path=path: self.calls.keys(path)  # type: ignore[misc]

    def _look_at_own(self) -> object:
        own = self.calls.own_accessor()
        return self.calls.post("auth/token/lookup-accessor", accessor=own) if own else None

    def _mounts(self) -> Mapping[str, str]:
        try:
            return self.there.mounts
        except ProviderError:
            return {str(name): "approle" for name in self.told.get("approle_mounts") or ["approle"]}

    def _removal(self) -> Iterator[tuple[str, str]]:
        yield from NEEDED_FOR_REMOVAL
        for mount, kind in self._mounts().items():
            if kind == "approle":
                for capability, under in ROLE_REMOVAL:
                    yield capability, f"auth/{mount}/role/any/{under}".rstrip("/")

    def _issuing(self) -> Iterator[tuple[str, str]]:
        for path in self.told.get("issue_paths") or []:
            needs = "update" if path.startswith("auth/token/create") else "read"
            yield needs, path

    def _have(self, needed: Iterator[tuple[str, str]], purpose: str) -> Iterator[Check]:
        """Ask what the token may do, since trying would do it."""
        wanted = list(needed)
        try:
            paths = sorted({path for _, path in wanted})
            held = self.calls.post("sys/capabilities-self", paths=paths) if paths else {}
        except ProviderError as error:
            yield Check(
                "update sys/capabilities-self", worked=False, said=str(error), needed_for=purpose
            )
            return
        for capability, path in wanted:
            has = {*(held.get(path) or [])}
            worked = bool(has & {capability, "root"})
            said = "" if worked else f"The token has {', '.join(sorted(has)) or 'nothing'} there."
            yield Check(f"{capability} {path}", worked, said, purpose)

    @staticmethod
    def _try(right: str, call: Callable[[], object]) -> Check:
        try:
            call()
        except ProviderError as error:
            return Check(right, worked=False, said=str(error))
        return Check(right, worked=True)
