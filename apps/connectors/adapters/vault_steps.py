"""The steps of a removal in Vault, carried out. Each twice does what once does."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.connectors.adapters.live import Absent, Outcome, ProviderError, Refused, Unavailable
from apps.connectors.adapters.vault_calls import VaultCalls, quoted
from apps.connectors.adapters.vault_policy import BadPolicy, without, written
from apps.connectors.adapters.vault_reading import Directory

MARK = "countersign-disabled-by"
POLLS, POLL_SECONDS = 10, 0.5

type Arguments = Mapping[str, Any]


class VaultSteps:
    def __init__(self, calls: VaultCalls):
        self.calls = calls
        self._run: Mapping[str, Callable[[Arguments], Outcome]] = {
            "revoke-token": self._revoke_token,
            "destroy-secret-id": self._destroy_secret_id,
            "revoke-lease": self._revoke_lease,
            "disable-entity": self._disable_entity,
            "delete": self._delete,
            "end-sessions": self._end_sessions,
            "deny": self._deny,
            "lift-deny": self._lift_deny,
            "detach-policy": self._detach_policy,
            "narrow-policy": self._narrow_policy,
        }
        self._undo: Mapping[str, Callable[[Arguments, Arguments], Outcome]] = {
            "disable-entity": self._enable_entity,
            "deny": lambda arguments, _: self._lift_deny(arguments),
            "detach-policy": self._attach_policy,
            "narrow-policy": self._restore_policy,
        }

    def run(self, op: str, arguments: Arguments) -> Outcome:
        return self._run[op](arguments)

    def undo(self, op: str, arguments: Arguments, undo: Arguments) -> Outcome:
        if op not in self._undo:
            raise Refused("Vault cannot take this back.", call=op)
        return self._undo[op](arguments, undo)

    # Single credentials.

    def _revoke_token(self, arguments: Arguments) -> Outcome:
        said = self.calls.post("auth/token/revoke-accessor", accessor=arguments["accessor"])
        if said.get("warnings"):
            raise Absent(" ".join(said["warnings"]), call="POST auth/token/revoke-accessor")
        return Outcome("The token and those made with it are revoked.")

    def _destroy_secret_id(self, arguments: Arguments) -> Outcome:
        self.calls.post(
            f"{arguments['role']}/secret-id-accessor/destroy",
            secret_id_accessor=arguments["accessor"],
        )
        return Outcome("The secret id is destroyed.")

    def _revoke_lease(self, arguments: Arguments) -> Outcome:
        """Revoke at once, and wait a little where the server only takes it into its queue."""
        lease_id = arguments["lease_id"]
        self.calls.post("sys/leases/lookup", lease_id=lease_id)
        self.calls.post("sys/leases/revoke", lease_id=lease_id, sync=True)
        for _ in range(POLLS):
            try:
                self.calls.post("sys/leases/lookup", lease_id=lease_id)
            except Absent:
                return Outcome("The lease is revoked, and what it stood for is gone.")
            time.sleep(POLL_SECONDS)
        raise Unavailable(
            "The revocation waits in its queue; the lease is still there.",
            call="POST sys/leases/revoke",
        )

    # Whole identities.

    def _disable_entity(self, arguments: Arguments) -> Outcome:
        path, entity = self._entity(arguments)
        marks = dict(entity.get("metadata") or {})
        if entity.get("disabled"):
            ours = marks.get(MARK) == arguments["name"]
            return Outcome("It was disabled already.", changed=False, undo={"ours": ours})
        self.calls.post(path, disabled=True, metadata={**marks, MARK: arguments["name"]})
        return Outcome("The entity is disabled.", undo={"ours": True})

    def _enable_entity(self, arguments: Arguments, undo: Arguments) -> Outcome:
        path, entity = self._entity(arguments)
        marks = dict(entity.get("metadata") or {})
        if not entity.get("disabled"):
            return Outcome("It is enabled already.", changed=False)
        if marks.get(MARK) != arguments["name"]:
            who = f" by {marks[MARK]}" if MARK in marks else ", and not by this order"
            raise Refused(f"The entity was disabled{who}, so it stays so.", call=f"POST {path}")
        del marks[MARK]
        self.calls.post(path, disabled=False, metadata=marks)
        return Outcome("The entity is enabled again.")

    def _entity(self, arguments: Arguments) -> tuple[str, dict[str, Any]]:
        path = f"identity/entity/id/{quoted(arguments['entity_id'])}"
        return path, self.calls.get(path)

    def _delete(self, arguments: Arguments) -> Outcome:
        path = arguments["path"]
        self.calls.get(path)  # deleting what is not there says nothing
        self.calls.delete(path)
        return Outcome(f"{path} is deleted.")

    def _end_sessions(self, arguments: Arguments) -> Outcome:
        ended, failed = 0, []
        for token in self.sessions(arguments):
            try:
                self.calls.post("auth/token/revoke-accessor", accessor=token["accessor"])
                ended += 1
            except Absent:
                continue
            except ProviderError as error:
                failed.append(error)
        if failed:
            raise failed[0]
        return Outcome(f"{ended} tokens revoked.", changed=bool(ended))

    def sessions(self, arguments: Arguments) -> list[dict[str, Any]]:
        """The tokens of an entity or role issued before a moment, by the server's clock."""
        before = arguments.get("before")
        own = self.calls.own_accessor()
        limit = datetime.fromisoformat(before) + self.calls.skew if before else None
        return [
            token
            for token in Directory(self.calls).tokens()
            if token.get("accessor") != own
            and is_session(token, arguments)
            and (limit is None or int(token.get("creation_time") or 0) <= limit.timestamp())
        ]

    # Grants.

    def _deny(self, arguments: Arguments) -> Outcome:
        """The policy first: named and not written, it would deny nothing."""
        policy = arguments["policy"]
        path, entity = self._entity(arguments)
        text = written({path: ["deny"] for path in arguments["paths"]})
        self.calls.post(f"sys/policies/acl/{quoted(policy)}", policy=text)
        held = list(entity.get("policies") or [])
        if policy in held:
            return Outcome("It was denied already.", changed=False)
        self.calls.post(path, policies=[*held, policy])
        return Outcome("It is denied to the entity.")

    def _lift_deny(self, arguments: Arguments) -> Outcome:
        policy = arguments["policy"]
        changed = False
        try:
            path, entity = self._entity(arguments)
            held = list(entity.get("policies") or [])
            if policy in held:
                self.calls.post(path, policies=[name for name in held if name != policy])
                changed = True
        except Absent:
            pass  # nothing is denied to an entity that is gone
        self.calls.delete(f"sys/policies/acl/{quoted(policy)}")
        return Outcome("The deny is taken back.", changed=changed)

    def _detach_policy(self, arguments: Arguments) -> Outcome:
        held = self._held(arguments)
        policy = arguments["policy"]
        if policy not in held:
            return Outcome(f"{policy} was taken from it already.", changed=False)
        kept = [name for name in held if name != policy]
        self.calls.post(arguments["path"], **{arguments["field"]: kept})
        return Outcome(f"{policy} is taken from it.")

    def _attach_policy(self, arguments: Arguments, undo: Arguments) -> Outcome:
        held = self._held(arguments)
        policy = arguments["policy"]
        if policy in held:
            return Outcome(f"{policy} is there already.", changed=False)
        self.calls.post(arguments["path"], **{arguments["field"]: [*held, policy]})
        return Outcome(f"{policy} is given back.")

    def _held(self, arguments: Arguments) -> list[str]:
        return list(self.calls.get(arguments["path"]).get(arguments["field"]) or [])

    def _narrow_policy(self, arguments: Arguments) -> Outcome:
        """Write the policy anew. The old text is kept beside it first, so that it is never lost."""
        policy = arguments["policy"]
        path = f"sys/policies/acl/{quoted(policy)}"
        old = str(self.calls.get(path).get("policy", ""))
        try:
            new = without(old, arguments["removed"])
        except BadPolicy as error:
            raise Refused(str(error), call=f"GET {path}") from error
        if new == old:
            kept = self._copy(arguments)
            undo = {"text": kept, "new_sha256": _digest(old)} if kept else {}
            return Outcome("The policy allows none of it already.", changed=False, undo=undo)
        others = self._others(arguments)
        if others:
            raise Refused(
                f"{policy} is also used by {', '.join(others[:5])}"
                f"{f' and {len(others) - 5} more' if others[5:] else ''}; "
                "a person applies the difference.",
                call=f"POST {path}",
            )
        self.calls.post(f"sys/policies/acl/{quoted(arguments['copy'])}", policy=old)
        self.calls.post(path, policy=new)
        return Outcome(
            f"{policy} is written anew; its old text is kept as {arguments['copy']}.",
            undo={"text": old, "new_sha256": _digest(new)},
        )

    def _restore_policy(self, arguments: Arguments, undo: Arguments) -> Outcome:
        path = f"sys/policies/acl/{quoted(arguments['policy'])}"
        old = undo.get("text") or self._copy(arguments)
        if not old:
            raise Refused("The old text of the policy is not kept.", call=f"POST {path}")
        now = str(self.calls.get(path).get("policy", ""))
        if now == old:
            return Outcome("The policy is as it was.", changed=False)
        if undo.get("new_sha256") and _digest(now) != undo["new_sha256"]:
            raise Refused("Somebody has changed the policy since; compare first.", call=path)
        self.calls.post(path, policy=old)
        self.calls.delete(f"sys/policies/acl/{quoted(arguments['copy'])}")
        return Outcome("The policy has its old text again.")

    def _copy(self, arguments: Arguments) -> str:
        try:
            kept = self.calls.get(f"sys/policies/acl/{quoted(arguments['copy'])}")
        except Absent:
            return ""
        return str(kept.get("policy", ""))

    def _others(self, arguments: Arguments) -> list[str]:
        """Who else has this policy: entities, groups, roles, and tokens of their own."""
        policy, mine = arguments["policy"], {arguments["identity"], arguments["entity_id"]}
        there = Directory(self.calls)
        roles = there.roles.values()
        if there.unread:
            raise next(iter(there.unread.values()))  # who else uses it is not known
        others = [
            f"entity {entity.get('name')}"
            for entity_id, entity in there.entities.items()
            if policy in (entity.get("policies") or []) and entity_id not in mine
        ]
        others += [
            f"group {group.get('name')}"
            for group in there.groups.values()
            if policy in (group.get("policies") or [])
        ]
        others += [role.path for role in roles if policy in role.policies and role.path not in mine]
        others += [
            f"token {token.get('accessor')}"
            for token in there.tokens()
            if policy in (token.get("policies") or []) and not self._is_of(token, mine)
        ]
        return others

    @staticmethod
    def _is_of(token: Mapping[str, Any], mine: set[str]) -> bool:
        return token.get("entity_id") in mine - {""} or role_of_token(token) in mine


def role_of_token(token: Mapping[str, Any]) -> str:
    """The AppRole by which a token was issued; empty for any other."""
    path, name = str(token.get("path", "")), (token.get("meta") or {}).get("role_name")
    return f"{path.removesuffix('/login')}/role/{name}" if name and path.endswith("/login") else ""


def is_session(token: Mapping[str, Any], of: Arguments) -> bool:
    """Whether a token was issued to this entity, or by this role."""
    if of.get("entity_id") and token.get("entity_id") == of["entity_id"]:
        return True
    return bool(of.get("role")) and role_of_token(token) == of["role"]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
