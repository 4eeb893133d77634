"""The steps of a removal in Entra, carried out. Each twice does what once does."""

from collections.abc import Callable, Mapping
from typing import Any

from apps.connectors.adapters.azure_calls import AzureCalls
from apps.connectors.adapters.azure_vaults import VaultSteps
from apps.connectors.adapters.live import Absent, Outcome, Refused

# What Graph takes back of a certificate or federation: the public parts.
KEY_PARTS = (
    *("customKeyIdentifier", "displayName", "endDateTime", "key", "keyId"),
    *("startDateTime", "type", "usage"),
)
FEDERATION_PARTS = ("name", "issuer", "subject", "audiences", "description")
MARK = "countersign-disabled-by:"

type Arguments = Mapping[str, Any]


class EntraSteps:
    def __init__(self, calls: AzureCalls):
        self.calls = calls
        vaults = VaultSteps(calls)
        self._run: Mapping[str, Callable[[Arguments], Outcome]] = {
            "vault-disable": vaults.disable,
            "vault-delete": vaults.delete,
            "remove-password": self._remove_password,
            "remove-key": self._remove_key,
            "remove-federated": self._remove_federated,
            "disable-principal": self._disable,
            "delete-object": self._delete,
            "remove-assignment": self._remove_assignment,
            "narrow-consent": self._narrow_consent,
        }
        self._undo: Mapping[str, Callable[[Arguments, Arguments], Outcome]] = {
            "vault-disable": lambda arguments, _: vaults.enable(arguments),
            "vault-delete": lambda arguments, _: vaults.recover(arguments),
            "remove-key": self._put_key,
            "remove-federated": self._put_federated,
            "disable-principal": lambda arguments, _: self._enable(arguments),
            "delete-object": lambda arguments, _: self._restore(arguments),
            "remove-assignment": self._assign,
            "narrow-consent": self._consent,
        }

    def run(self, op: str, arguments: Arguments) -> Outcome:
        return self._run[op](arguments)

    def undo(self, op: str, arguments: Arguments, undo: Arguments) -> Outcome:
        if op not in self._undo:
            raise Refused("Entra does not give this back.", call=op)
        return self._undo[op](arguments, undo)

    # Credentials of an application or service principal.

    def _remove_password(self, arguments: Arguments) -> Outcome:
        """Look first: by what it is told, Graph does not always say that there was none."""
        holder, key = arguments["object"], arguments["key"]
        self._one_of(holder, "passwordCredentials", key)
        self.calls.send("POST", f"/{holder}/removePassword", {"keyId": key})
        return Outcome("The client secret is removed.")

    def _remove_key(self, arguments: Arguments) -> Outcome:
        holder, key = arguments["object"], arguments["key"]
        gone = self._one_of(holder, "keyCredentials", key)
        kept = [one for one in self._all_of(holder, "keyCredentials") if one.get("keyId") != key]
        self.calls.send("PATCH", f"/{holder}", {"keyCredentials": kept})
        public = {name: gone[name] for name in KEY_PARTS if gone.get(name) is not None}
        return Outcome("The certificate is removed.", undo={"key": public})

    def _put_key(self, arguments: Arguments, undo: Arguments) -> Outcome:
        holder, gone = arguments["object"], undo.get("key")
        if not gone or not gone.get("key"):
            raise Refused("Its public part is not kept, so it cannot be put back.")
        held = self._all_of(holder, "keyCredentials")
        if any(one.get("keyId") == gone.get("keyId") for one in held):
            return Outcome("The certificate is there already.", changed=False)
        self.calls.send("PATCH", f"/{holder}", {"keyCredentials": [*held, gone]})
        return Outcome("The certificate is put back.")

    def _all_of(self, holder: str, listing: str) -> list[dict[str, Any]]:
        said = self.calls.get(f"/{holder}", **{"$select": f"id,{listing}"})
        return list(said.get(listing) or [])

    def _one_of(self, holder: str, listing: str, key: str) -> dict[str, Any]:
        for one in self._all_of(holder, listing):
            if one.get("keyId") == key:
                return one
        raise Absent(f"{holder} has no {key}.", call=f"GET /{holder}")

    def _remove_federated(self, arguments: Arguments) -> Outcome:
        path = f"/{arguments['object']}/federatedIdentityCredentials/{arguments['key']}"
        gone = self.calls.get(path)
        self.calls.send("DELETE", path)
        kept = {name: gone[name] for name in FEDERATION_PARTS if gone.get(name) is not None}
        return Outcome("The federation is removed.", undo={"federation": kept})

    def _put_federated(self, arguments: Arguments, undo: Arguments) -> Outcome:
        gone = undo.get("federation")
        if not gone:
            raise Refused("What it said is not kept, so it cannot be put back.")
        path = f"/{arguments['object']}/federatedIdentityCredentials"
        if any(one.get("name") == gone["name"] for one in self.calls.pages(path)):
            return Outcome("The federation is there already.", changed=False)
        self.calls.send("POST", path, gone)
        return Outcome("The federation is put back, under a new id.")

    # Whole identities.

    def _disable(self, arguments: Arguments) -> Outcome:
        path, principal = self._principal(arguments)
        if principal.get("accountEnabled") is False:
            return Outcome("It was disabled already.", changed=False)
        tags = [*(principal.get("tags") or []), f"{MARK}{arguments['by']}"]
        self.calls.send("PATCH", path, {"accountEnabled": False, "tags": tags})
        return Outcome("It is disabled: no new token is issued to it.")

    def _enable(self, arguments: Arguments) -> Outcome:
        path, principal = self._principal(arguments)
        if principal.get("accountEnabled") is not False:
            return Outcome("It is enabled already.", changed=False)
        mark, tags = f"{MARK}{arguments['by']}", list(principal.get("tags") or [])
        if mark not in tags:
            raise Refused("It was not disabled by this order, so it stays so.", call=f"GET {path}")
        tags.remove(mark)
        self.calls.send("PATCH", path, {"accountEnabled": True, "tags": tags})
        return Outcome("It is enabled again.")

    def _principal(self, arguments: Arguments) -> tuple[str, dict[str, Any]]:
        path = f"/servicePrincipals/{arguments['principal']}"
        return path, self.calls.get(path, **{"$select": "id,accountEnabled,tags"})

    def _delete(self, arguments: Arguments) -> Outcome:
        self.calls.send("DELETE", f"/{arguments['path']}")
        return Outcome("It is deleted, and kept for 30 days.")

    def _restore(self, arguments: Arguments) -> Outcome:
        path = arguments["path"]
        try:
            self.calls.get(f"/{path}", **{"$select": "id"})
        except Absent:
            key = path.partition("/")[2]
            self.calls.send("POST", f"/directory/deletedItems/{key}/restore")
            return Outcome("It is restored.")
        return Outcome("It is there already.", changed=False)

    # Grants.

    def _remove_assignment(self, arguments: Arguments) -> Outcome:
        path = f"/servicePrincipals/{arguments['principal']}/appRoleAssignments"
        gone = self.calls.get(f"{path}/{arguments['assignment']}")
        self.calls.send("DELETE", f"{path}/{arguments['assignment']}")
        kept = {name: gone[name] for name in ("principalId", "resourceId", "appRoleId")}
        return Outcome("The app role is taken away.", undo={"assignment": kept})

    def _assign(self, arguments: Arguments, undo: Arguments) -> Outcome:
        gone = undo.get("assignment")
        if not gone:
            raise Refused("What was assigned is not kept, so it cannot be put back.")
        path = f"/servicePrincipals/{arguments['principal']}/appRoleAssignments"
        for one in self.calls.pages(path):
            if all(one.get(name) == gone[name] for name in ("resourceId", "appRoleId")):
                return Outcome("It is assigned already.", changed=False)
        self.calls.send("POST", path, gone)
        return Outcome("The app role is assigned again.")

    def _narrow_consent(self, arguments: Arguments) -> Outcome:
        """Take scopes out of a consent, and the whole consent where none is left."""
        path = f"/oauth2PermissionGrants/{arguments['consent']}"
        held = self.calls.get(path)
        scopes = str(held.get("scope") or "").split()
        left = [one for one in scopes if one not in arguments["scopes"]]
        if left == scopes:
            return Outcome("The consent holds none of it already.", changed=False)
        if left:
            self.calls.send("PATCH", path, {"scope": " ".join(left)})
        else:
            self.calls.send("DELETE", path)
        kept = {
            name: held.get(name)
            for name in ("clientId", "consentType", "principalId", "resourceId", "scope")
        }
        return Outcome("It is taken out of the consent.", undo={"consent": kept})

    def _consent(self, arguments: Arguments, undo: Arguments) -> Outcome:
        gone = undo.get("consent")
        if not gone:
            raise Refused("What was consented to is not kept, so it cannot be put back.")
        path = f"/oauth2PermissionGrants/{arguments['consent']}"
        try:
            held = str(self.calls.get(path).get("scope") or "").split()
        except Absent:
            self.calls.send("POST", "/oauth2PermissionGrants", gone)
            return Outcome("The consent is given again.")
        missing = [one for one in gone["scope"].split() if one not in held]
        if not missing:
            return Outcome("The consent is as it was.", changed=False)
        self.calls.send("PATCH", path, {"scope": " ".join([*held, *missing])})
        return Outcome("The consent is given again.")
