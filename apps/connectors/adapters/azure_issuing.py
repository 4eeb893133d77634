"""What Azure can hand over for a while: a secret for one use, or the federation that needs none.

A value passes through: it is returned once, and kept nowhere.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.adapters.azure_calls import AzureCalls, account_of, told_errors, vault_url
from apps.connectors.adapters.azure_vaults import read_action
from apps.connectors.adapters.live import Beside, Issued, Outcome, Refused, Rotated, Scope
from apps.connectors.adapters.removal import Subject
from apps.connectors.adapters.times import moment
from apps.grants import patterns

LONGEST = timedelta(days=180)
STAYS = (
    "What was handed over stays known: disabling it in Key Vault stops further reading, and what "
    "it opens has to refuse it."
)
AUDIENCE = "api://AzureADTokenExchange"


class AzureIssuing:
    def __init__(self, calls: AzureCalls):
        self.calls = calls

    def issue(self, scope: Scope) -> Issued:
        if scope.expires_at <= datetime.now(UTC):
            raise Refused("The access it would be cut to has ended.")
        if scope.facts.get("federation"):
            return self._federation(scope, scope.facts["federation"])
        return self._secret(scope)

    def _secret(self, scope: Scope) -> Issued:
        vault = vault_url(str(scope.facts.get("vault") or ""))
        name = str(scope.facts.get("secret") or "")
        place = f"{account_of(vault)}/secrets/{name}"
        allowed = [str(one).lower() for one in self.calls.told.get("issue_secrets") or []]
        if vault not in self.calls.vaults or not name or place.lower() not in allowed:
            raise Refused(f"This connection is not to hand over {place}.")
        held = [str(one) for line in scope.statements for one in line.get("actions") or []]
        if not any(patterns.covers(one, read_action(name)) for one in held):
            raise Refused(f"No live grant of {scope.agent} reads {place}.")
        with told_errors(f"get secret {name}"):
            found = self.calls.secrets(vault).get_secret(name)
        ends = found.properties.expires_on
        if ends and ends <= datetime.now(UTC):
            raise Refused(f"{place} has expired.")
        return Issued(
            kind="key-vault-secret",
            external_id=f"{place}/{found.properties.version}",
            secret={"value": str(found.value)},
            expires_at=min(ends, scope.expires_at) if ends else scope.expires_at,
            ends_with=STAYS,
            facts={"vault": vault, "secret": name},
        )

    def _federation(self, scope: Scope, told: Mapping[str, Any]) -> Issued:
        """Look whether the federation is there and right: then no secret is needed."""
        application = str(told.get("application") or "")
        path = f"/applications/{application}/federatedIdentityCredentials"
        wanted = (str(told.get("issuer") or "").rstrip("/"), str(told.get("subject") or ""))
        audience = str(told.get("audience") or AUDIENCE)
        near = ""
        for one in self.calls.pages(path):
            said = (str(one.get("issuer") or "").rstrip("/"), str(one.get("subject") or ""))
            if said == wanted and audience in (one.get("audiences") or []):
                return Issued(
                    kind="federation",
                    external_id=str(one["id"]),
                    secret={},
                    expires_at=scope.expires_at,
                    ends_with="No secret was handed over. Removing the federation ends it.",
                    facts={"application": application, "name": one.get("name") or ""},
                )
            if said[0] == wanted[0] or said[1] == wanted[1]:
                near = f" {one.get('name')} names {said[0]}, {said[1]}, {one.get('audiences')}."
        raise Refused(f"No federation trusts {wanted[1]} of {wanted[0]} for {audience}.{near}")

    def end(self, issued: Mapping[str, Any]) -> Outcome:
        return Outcome(STAYS, changed=False)

    def beside(self, subject: Subject) -> Sequence[Beside]:
        """The client secrets of the same application; Entra does not tell whether one was used."""
        holder = str(subject.facts.get("object") or "")
        if subject.facts.get("what") != "password" or not holder:
            raise Refused("Only a client secret of Entra can have another beside it.")
        said = self.calls.get(f"/{holder}", **{"$select": "id,passwordCredentials"})
        held = said.get("passwordCredentials") or []
        return [Beside(str(one["keyId"]), moment(one.get("startDateTime"))) for one in held]

    def rotate(self, subject: Subject) -> Rotated:
        """Make a new client secret, for as long as the old one was made for, and half a year at
        most. The old one works on until it is removed."""
        holder = str(subject.facts.get("object") or "")
        if subject.facts.get("what") != "password" or not holder:
            raise Refused("Only a client secret of Entra can have another beside it.")
        said = self.calls.get(f"/{holder}", **{"$select": "id,passwordCredentials"})
        lasts = LONGEST
        for one in said.get("passwordCredentials") or []:
            begins, ends = moment(one.get("startDateTime")), moment(one.get("endDateTime"))
            if one.get("keyId") == subject.credential and begins and ends:
                lasts = min(ends - begins, LONGEST)
        ends_at = (datetime.now(UTC) + lasts).isoformat(timespec="seconds").replace("+00:00", "Z")
        body = {"displayName": "Made by Countersign", "endDateTime": ends_at}
        made = self.calls.send("POST", f"/{holder}/addPassword", {"passwordCredential": body})
        return Rotated(
            external_id=str(made["keyId"]),
            secret={"client_secret": str(made["secretText"])},
            said=f"A new client secret of {subject.identity}, until {ends_at}.",
        )
