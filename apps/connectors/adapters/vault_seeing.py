"""Looking at Vault: is it gone, does it still work, and whose is what somebody pasted."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from apps.connectors.adapters.live import (
    Absent,
    Clue,
    How,
    Located,
    ProviderError,
    Refused,
    Seen,
    Sighting,
)
from apps.connectors.adapters.removal import Subject, Wanted
from apps.connectors.adapters.vault_calls import VaultCalls, quoted
from apps.connectors.adapters.vault_discovery import holder_of, secret_id_facts, token_facts
from apps.connectors.adapters.vault_policy import DENY, covers, split
from apps.connectors.adapters.vault_reading import Directory, Role
from apps.connectors.adapters.vault_removal import (
    DYNAMIC,
    ROLE,
    entity_of,
    removed_of,
    role_path,
)
from apps.connectors.adapters.vault_steps import VaultSteps, is_session

# What a pasted text may be for it to concern Vault; nothing else of it is sent there.
OURS = {"vault", "guid", "id"}
GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
BY_ROLE = "vault-secret-id"
TOKEN_BEGINS = ("hvs.", "hvb.", "hvr.", "s.", "b.", "r.")


class VaultSeeing:
    def __init__(self, calls: VaultCalls, account: str):
        self.calls = calls
        self.account = account
        self.there = Directory(calls)

    def verify(self, wanted: Wanted) -> Sighting:
        subject = wanted.subject
        if not subject.credential and (subject.actions or subject.service):
            return self._grant(wanted)
        if not subject.credential and not subject.credential_kind:
            return self._identity(wanted)
        if subject.facts.get("type") == "batch":
            return self._batch(subject)
        try:
            said = self._credential(subject)
        except Absent as error:
            return self._ended(wanted, f"{subject.credential}: {error.said}")
        if self._is_disabled(subject):
            return Sighting(Seen.DISABLED, How.RE_READ, "Its entity is disabled.")
        return Sighting(Seen.LIVE, How.RE_READ, said)

    def _credential(self, subject: Subject) -> str:
        if subject.credential_kind == "lease":
            said = self.calls.post("sys/leases/lookup", lease_id=subject.credential)
            return f"The lease lasts until {said.get('expire_time') or 'it is revoked'}."
        if subject.credential_kind == "client-secret":
            self.calls.post(
                f"{role_path(subject)}/secret-id-accessor/lookup",
                secret_id_accessor=subject.credential,
            )
            return "The secret id is still there."
        said = self.calls.post("auth/token/lookup-accessor", accessor=subject.credential)
        return f"The token lasts until {said.get('expire_time') or 'it is revoked'}."

    def _ended(self, wanted: Wanted, said: str) -> Sighting:
        """Gone; but after a kill the sessions that came of a secret id have to be gone too."""
        subject = wanted.subject
        if wanted.kind == "kill" and subject.credential_kind == "client-secret":
            before = wanted.sessions_before
            left = VaultSteps(self.calls).sessions(
                {
                    "entity_id": entity_of(subject),
                    "role": role_path(subject),
                    "before": before.isoformat() if before else "",
                }
            )
            if left and not self._is_disabled(subject):
                said = f"{len(left)} tokens issued before are still valid."
                return Sighting(Seen.LIVE, How.RE_READ, said)
        return Sighting(Seen.ABSENT, How.RE_READ, said)

    def _batch(self, subject: Subject) -> Sighting:
        if self._is_disabled(subject):
            return Sighting(Seen.DISABLED, How.RE_READ, "Its entity is disabled.")
        said = "A batch token cannot be looked up without the token itself; it may still work."
        return Sighting(Seen.LIVE, How.RE_READ, said)

    def _is_disabled(self, subject: Subject) -> bool:
        entity = self._entity(entity_of(subject))
        return bool(entity and entity.get("disabled"))

    def _entity(self, entity_id: str) -> dict[str, Any]:
        if not entity_id:
            return {}
        try:
            return self.calls.get(f"identity/entity/id/{quoted(entity_id)}")
        except Absent:
            return {}

    def _identity(self, wanted: Wanted) -> Sighting:
        subject = wanted.subject
        entity = self._entity(entity_of(subject))
        if entity:
            seen = Seen.DISABLED if entity.get("disabled") else Seen.LIVE
            word = "disabled" if entity.get("disabled") else "enabled"
            return Sighting(seen, How.RE_READ, f"The entity is {word}.")
        if subject.identity_kind == ROLE:
            try:
                self.calls.get(subject.identity_id)
            except Absent as error:
                return Sighting(Seen.ABSENT, How.RE_READ, error.said)
            return Sighting(Seen.LIVE, How.RE_READ, "The role is there, and can sign in.")
        return Sighting(Seen.ABSENT, How.RE_READ, "There is no such entity.")

    def _grant(self, wanted: Wanted) -> Sighting:
        """Whether the policies that the identity has now allow any of what was to go."""
        subject = wanted.subject
        entity = self._entity(entity_of(subject))
        if entity.get("disabled"):
            return Sighting(Seen.DISABLED, How.RE_READ, "Its entity is disabled.")
        held = [name for name, _ in self.there.policies_of_entity(entity)]
        if subject.identity_kind == ROLE:
            held += self._role_policies(subject)
            held += self._session_policies(subject, entity_of(subject))
        stanzas = [stanza for name in dict.fromkeys(held) for stanza in self.there.stanzas_of(name)]
        denied = {stanza.path for stanza in stanzas if stanza.denies}
        allowed = {name for stanza in stanzas for name in stanza.actions}
        left = [name for name in removed_of(wanted) if name in allowed]
        if not left:
            return Sighting(Seen.ABSENT, How.RE_READ, "None of its policies allows it.")
        free = [name for name in left if split(name)[1] not in denied]
        if not free:
            said = f"Denied: {', '.join(sorted({split(name)[1] for name in left})[:5])}."
            return Sighting(Seen.DISABLED, How.RE_READ, said)
        return Sighting(Seen.LIVE, How.RE_READ, f"Still allowed: {', '.join(free[:5])}.")

    def _role_policies(self, subject: Subject) -> list[str]:
        try:
            told = self.calls.get(subject.identity_id)
        except Absent:
            return []
        return Role(subject.identity_id, subject.identity, "", "", told).policies

    def _session_policies(self, subject: Subject, entity_id: str) -> Iterable[str]:
        """A token keeps the policies that it was issued with."""
        of = {"entity_id": entity_id, "role": subject.identity_id}
        for token in self.there.tokens():
            if is_session(token, of):
                yield from token.get("policies") or []

    # What somebody pasted.

    def try_out(self, clue: Clue) -> Sighting:
        """Let the token look itself up: the least a token may do, and it changes nothing."""
        if clue.kind == BY_ROLE:
            return self._tried_secret_id(clue)
        if not clue.secret.startswith(TOKEN_BEGINS):
            raise Refused("Only a token can be tried without using it for something.")
        try:
            said = self.calls.looked_up_with(clue.secret)
        except (Refused, Absent) as error:
            if error.code not in {"401", "403"}:
                raise
            still = self._is_known(clue.secret)
            seen = Seen.DISABLED if still else Seen.ABSENT
            return Sighting(seen, How.REFUSED, f"GET auth/token/lookup-self: {error.said}")
        return Sighting(Seen.LIVE, How.WORKED, f"It works, by {said.get('display_name')}.")

    def _tried_secret_id(self, clue: Clue) -> Sighting:
        """Look it up by itself: signing in with it would use it up where uses are counted."""
        found = self._secret_id_by({"secret_id": clue.secret}, "secret-id/lookup")
        if found is None or found.subject.credential != clue.external_id:
            return Sighting(Seen.ABSENT, How.REFUSED, "No role knows this secret id.")
        return Sighting(Seen.LIVE, How.WORKED, f"Looked up by itself: {found.said}")

    def _is_known(self, token: str) -> bool:
        try:
            self.calls.post("auth/token/lookup", token=token)
        except ProviderError:
            return False
        return True

    def find(self, clue: Clue) -> Located | None:
        """Ask this server for a token by itself, or for what an accessor or id names."""
        if clue.kind not in OURS:
            return None
        wanted = clue.external_id or clue.secret
        if wanted.startswith(TOKEN_BEGINS):
            return self._known(lambda: self.calls.post("auth/token/lookup", token=wanted))
        if "/" in wanted:
            return self._lease(wanted)
        if GUID.fullmatch(wanted):
            return self._secret_id_by(
                {"secret_id_accessor": wanted}, "secret-id-accessor/lookup"
            ) or self._secret_id_by({"secret_id": wanted}, "secret-id/lookup")
        return self._known(lambda: self.calls.post("auth/token/lookup-accessor", accessor=wanted))

    def _known(self, ask: Any) -> Located | None:
        try:
            token: Mapping[str, Any] = ask()
        except Absent:
            return None
        holder = holder_of(token, self._roles_of(token))
        entity = self._entity(str(token.get("entity_id") or ""))
        disabled = bool(entity.get("disabled"))
        subject = Subject(
            system=self.account,
            system_kind="vault",
            account=self.account,
            identity=str(entity.get("name") or holder.name) if holder.is_entity else holder.name,
            identity_kind=holder.kind,
            identity_id=holder.key,
            credential=str(token.get("accessor") or ""),
            credential_kind="token",
            facts=token_facts(token),
            identity_facts={"entity_id": token.get("entity_id") or ""},
        )
        said = "Its entity is disabled." if disabled else "It is valid."
        return Located(subject, not disabled, said)

    def _roles_of(self, token: Mapping[str, Any]) -> Mapping[str, str]:
        """The role that stands behind the token's entity, if it is one role and nothing else."""
        entity_id = str(token.get("entity_id") or "")
        try:
            role = self.there.role_of_entity(self._entity(entity_id)) if entity_id else ""
        except ProviderError:
            role = ""
        return {entity_id: role} if role else {}

    def _secret_id_by(self, body: Mapping[str, str], at: str) -> Located | None:
        for role in self.there.roles.values():
            if role.mount_type != "approle":
                continue
            try:
                told = self.calls.post(f"{role.path}/{at}", **body)
            except Absent:
                continue
            if not told.get("secret_id_accessor"):
                continue
            subject = Subject(
                system=self.account,
                system_kind="vault",
                account=self.account,
                identity=role.name,
                identity_kind=ROLE,
                identity_id=role.path,
                credential=str(told["secret_id_accessor"]),
                credential_kind="client-secret",
                facts=secret_id_facts(told, role),
                identity_facts={"entity_id": self.there.entity_of_role.get(role.path, "")},
            )
            return Located(subject, active=True, said=f"A secret id of {role.path}.")
        return None

    def _lease(self, lease_id: str) -> Located | None:
        try:
            told = self.calls.post("sys/leases/lookup", lease_id=lease_id)
        except Absent:
            return None
        prefix = lease_id.rpartition("/")[0]
        subject = Subject(
            system=self.account,
            system_kind="vault",
            account=self.account,
            identity=prefix,
            identity_kind=DYNAMIC,
            identity_id=prefix,
            credential=lease_id,
            credential_kind="lease",
            facts={"expire_time": told.get("expire_time") or ""},
        )
        return Located(subject, active=True, said=f"A lease of {prefix}.")


def allows(stanzas: Iterable[Any], capability: str, path: str) -> bool:
    """Whether policies let somebody do one thing to one path, by the path that fits best."""
    fitting = [stanza for stanza in stanzas if covers(stanza.path, path)]
    if not fitting:
        return False
    best = max(fitting, key=lambda one: (not one.path.endswith("*"), len(one.path)))
    named = [name for one in fitting if one.path == best.path for name in one.capabilities]
    return DENY not in named and capability in named
