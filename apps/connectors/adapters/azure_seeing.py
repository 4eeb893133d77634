"""Looking at Azure: is it gone, does it still work, and whose is what somebody pasted."""

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from apps.connectors.adapters.azure_calls import AzureCalls, account_of
from apps.connectors.adapters.azure_discovery import Entra, credential_facts, kind_of
from apps.connectors.adapters.azure_removal import (
    APPLICATION,
    ASSIGNMENT,
    CONSENT,
    KEPT,
    VAULT,
    application_of,
    principal_of,
)
from apps.connectors.adapters.azure_vaults import KINDS, Kept
from apps.connectors.adapters.live import (
    Absent,
    Clue,
    How,
    Located,
    Refused,
    Seen,
    Sighting,
    Unavailable,
)
from apps.connectors.adapters.removal import Subject, Wanted

# What Entra says to a secret that is wrong or removed, one that has expired, and to an
# application that is disabled or is not there.
DEAD = {"AADSTS7000215": "invalid", "AADSTS7000222": "expired", "AADSTS700016": "no application"}
DISABLED = "AADSTS7000112"
LISTINGS = {"password": "passwordCredentials", "key": "keyCredentials"}
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


class AzureSeeing:
    def __init__(self, calls: AzureCalls):
        self.calls = calls
        self.there = Entra(calls)

    def verify(self, wanted: Wanted) -> Sighting:
        subject = wanted.subject
        if subject.identity_kind == VAULT:
            return self._kept(subject)
        if subject.credential or subject.credential_kind:
            return self._credential(subject)
        if subject.actions or subject.service:
            return self._grant(wanted)
        return self._identity(subject)

    def _kept(self, subject: Subject) -> Sighting:
        at, _, name = subject.credential.partition("/")
        kept = Kept(self.calls, subject.identity_id, at)
        versions = kept.versions(name)
        if not versions:
            more = ", and can be recovered" if kept.is_deleted(name) else ""
            return _seen(Seen.ABSENT, f"The {kept.what} is deleted{more}.")
        enabled = [one.version for one in versions if one.enabled]
        if not enabled:
            return _seen(Seen.DISABLED, f"All {len(versions)} versions are disabled.")
        return _seen(Seen.LIVE, f"{len(enabled)} of {len(versions)} versions are enabled.")

    def _credential(self, subject: Subject) -> Sighting:
        holder, what = str(subject.facts.get("object") or ""), subject.facts.get("what")
        if what == "managed" or not holder:
            return self._identity(subject)
        try:
            there = self._has(holder, str(what), subject.credential)
        except Absent as error:
            return _seen(Seen.ABSENT, error.said)
        if not there:
            return _seen(Seen.ABSENT, f"{holder} has no {subject.credential}.")
        if self._is_disabled(principal_of(subject)):
            return _seen(Seen.DISABLED, "Its service principal is disabled.")
        return _seen(Seen.LIVE, f"{holder} has it.")

    def _has(self, holder: str, what: str, key: str) -> bool:
        if what == "federated":
            self.calls.get(f"/{holder}/federatedIdentityCredentials/{key}")
            return True
        listing = LISTINGS[what]
        said = self.calls.get(f"/{holder}", **{"$select": f"id,{listing}"})
        return any(one.get("keyId") == key for one in said.get(listing) or [])

    def _is_disabled(self, principal: str) -> bool:
        if not principal:
            return False
        try:
            said = self._principal(principal)
        except Absent:
            return False
        return said.get("accountEnabled") is False

    def _principal(self, principal: str) -> dict[str, Any]:
        return self.calls.get(f"/servicePrincipals/{principal}", **{"$select": "id,accountEnabled"})

    def _identity(self, subject: Subject) -> Sighting:
        principal, application = principal_of(subject), application_of(subject)
        try:
            if principal:
                said = self._principal(principal)
                if said.get("accountEnabled") is False:
                    return _seen(Seen.DISABLED, "The service principal is disabled.")
                return _seen(Seen.LIVE, "The service principal is enabled.")
            self.calls.get(f"/applications/{application}", **{"$select": "id"})
        except Absent as error:
            return _seen(Seen.ABSENT, error.said)
        return _seen(Seen.LIVE, "The application is there.")

    def _grant(self, wanted: Wanted) -> Sighting:
        subject = wanted.subject
        principal = principal_of(subject)
        if self._is_disabled(principal):
            return _seen(Seen.DISABLED, "The service principal is disabled.")
        left = sorted(set(self._left(wanted, principal)))
        if left:
            return _seen(Seen.LIVE, f"Still given: {', '.join(left[:5])}.")
        return _seen(Seen.ABSENT, "No app role and no consent gives it.")

    def _left(self, wanted: Wanted, principal: str) -> Iterator[str]:
        """What is still given by the assignments and consents that gave it."""
        removed = set(wanted.removed)
        for path in wanted.subject.paths:
            goes = [name for name in path.actions if name in removed]
            try:
                if path.policy.startswith(ASSIGNMENT) and goes:
                    self.calls.get(f"/servicePrincipals/{principal}/{path.policy}")
                    yield from goes
                elif path.policy.startswith(CONSENT) and goes:
                    held = str(self.calls.get(f"/{path.policy}").get("scope") or "").split()
                    yield from (name for name in goes if name.rpartition("/")[2] in held)
            except Absent:
                continue

    # What somebody pasted.

    def try_out(self, clue: Clue) -> Sighting:
        """Sign in once as the application with its secret; the token it gives is dropped."""
        if not clue.secret or not GUID.fullmatch(clue.external_id):
            raise Refused("A client secret is tried together with its application's id alone.")
        response = self.calls.sign_in_with(clue.external_id, clue.secret)
        if response.status_code == 200:
            return Sighting(Seen.LIVE, How.WORKED, "Entra issues a token for it.")
        said = response.text
        if response.status_code >= 500 or response.status_code == 429:
            raise Unavailable(f"Entra answered {response.status_code}.", call="sign in")
        if DISABLED in said:
            return Sighting(Seen.DISABLED, How.REFUSED, f"{DISABLED}: the application is disabled.")
        for code, why in DEAD.items():
            if code in said:
                return Sighting(Seen.ABSENT, How.REFUSED, f"{code}: {why}.")
        raise Refused(f"Entra answered {response.status_code} for another reason.", call="sign in")

    def find(self, clue: Clue) -> Located | None:
        if clue.kind == "id" and "://" in clue.external_id:
            return self._stored(clue.external_id)
        if not self.calls.tenant:
            return None
        if clue.kind == "azure" and clue.secret:
            return self._by_hint(clue.secret)
        if clue.kind in {"guid", "id", "jwt"} and GUID.fullmatch(clue.external_id):
            return self._by_id(clue.external_id.lower())
        return None

    def _stored(self, address: str) -> Located | None:
        """A secret, key, or certificate by its address in a Key Vault."""
        parts = urlsplit(address)
        vault = f"https://{parts.netloc}".lower()
        at, _, rest = parts.path.strip("/").partition("/")
        name = rest.partition("/")[0]
        if vault not in self.calls.vaults or at not in KEPT or not name:
            return None
        versions = Kept(self.calls, vault, at).versions(name)
        if not versions:
            return None
        subject = Subject(
            system=account_of(vault),
            system_kind="azure",
            account=account_of(vault),
            identity=account_of(vault).partition(".")[0],
            identity_kind=VAULT,
            identity_id=vault,
            credential=f"{at}/{name}",
            credential_kind=KINDS[at],
            facts={"what": KEPT[at]},
        )
        active = any(one.enabled for one in versions)
        return Located(subject, active, f"The {KEPT[at]} {name} of {vault}.")

    def _by_id(self, key: str) -> Located | None:
        """By the id of a credential, or of an identity that has only one."""
        everything = list(self._credentials())
        named = [one for one in everything if one[1].get("keyId") == key]
        if named:
            return self._located(named[0], "It has this id.")
        of = [one for one in everything if key in {one[0].get("id"), one[0].get("appId")}]
        return self._only(of, "This is the id of its application; it is the only one there.")

    def _by_hint(self, secret: str) -> Located | None:
        """Entra keeps three characters of a client secret: enough to narrow, never to prove."""
        alike = [
            one
            for one in self._credentials()
            if one[2] == "password" and one[1].get("hint") == secret[:3]
        ]
        said = "Only its first three characters could be compared, and it alone begins like this."
        return self._only(alike, said)

    def _only(self, found: list[tuple[Any, Any, str]], said: str) -> Located | None:
        if len(found) > 1:
            named = ", ".join(
                f"{one.get('displayName')} {told['keyId']}" for one, told, _ in found[:10]
            )
            raise Refused(f"{len(found)} may be meant; which one cannot be told: {named}.")
        return self._located(found[0], said) if found else None

    def _credentials(self) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any], str]]:
        """Every client secret and certificate, with whose it is and what it is."""
        for one in (*self.there.applications.values(), *self.there.principals.values()):
            for what, listing in LISTINGS.items():
                for told in one.get(listing) or []:
                    yield one, told, what

    def _located(
        self, found: tuple[Mapping[str, Any], Mapping[str, Any], str], said: str
    ) -> Located:
        one, told, what = found
        is_principal = one.get("id") in self.there.principals
        key = (
            str(one["id"])
            if is_principal
            else self.there.principal_of_application.get(str(one.get("appId")), "")
        )
        principal = self.there.principals.get(key, {})
        holder = f"{'servicePrincipals' if is_principal else 'applications'}/{one['id']}"
        application = self.there.applications.get(str(one.get("appId")), {})
        disabled = principal.get("accountEnabled") is False
        subject = Subject(
            system=self.calls.tenant,
            system_kind="azure",
            account=self.calls.tenant,
            identity=str(one.get("displayName") or one["id"]),
            identity_kind=kind_of(principal) if principal else APPLICATION,
            identity_id=key or str(one["id"]),
            credential=str(told["keyId"]),
            credential_kind="client-secret" if what == "password" else "certificate",
            facts=credential_facts(told, what, holder),
            identity_facts={
                "app_id": one.get("appId") or "",
                "application": application.get("id") or "",
            },
        )
        return Located(subject, not disabled, said)


def _seen(seen: Seen, said: str) -> Sighting:
    return Sighting(seen, How.RE_READ, said)
