"""Short-lived credentials from Vault, and new secret ids beside old ones. What is secret passes
through: it is returned once, and kept nowhere.
"""

from collections.abc import Iterable, Mapping
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.adapters.live import Issued, Outcome, Refused, Rotated, Scope
from apps.connectors.adapters.removal import Subject
from apps.connectors.adapters.vault_calls import VaultCalls
from apps.connectors.adapters.vault_policy import DENY, BadPolicy, Stanza, covers, split
from apps.connectors.adapters.vault_reading import Directory
from apps.connectors.adapters.vault_removal import role_path
from apps.connectors.adapters.vault_steps import VaultSteps

TOKENS = "auth/token/create"
LEASE_ENDED = "Its lease is revoked, and what it stands for with it: at once."
ACCESSOR_ENDED = "Its accessor is revoked, and every token made with it: at once."


class VaultIssuing:
    def __init__(self, calls: VaultCalls, told: Mapping[str, Any]):
        self.calls = calls
        self.told = told

    def issue(self, scope: Scope) -> Issued:
        path = str(scope.facts.get("path") or "").strip("/")
        if path not in [str(one).strip("/") for one in self.told.get("issue_paths") or []]:
            raise Refused(f"This connection is not to issue anything from {path or 'nowhere'}.")
        seconds = int((scope.expires_at - datetime.now(UTC)).total_seconds())
        if seconds < 1:
            raise Refused("The access it would be cut to has ended.")
        if path == TOKENS or path.startswith(f"{TOKENS}/"):
            return self._token(scope, path, seconds)
        return self._dynamic(scope, path, seconds)

    def _dynamic(self, scope: Scope, path: str, seconds: int) -> Issued:
        parameters = scope.facts.get("parameters")
        _demand_held("update" if parameters else "read", path, scope)
        said = self.calls.send("POST" if parameters else "GET", path, parameters or None)
        lease_id = str(said.get("lease_id") or "")
        if not lease_id:
            raise Refused(f"{path} gave no lease, so nothing could end it before its time.")
        with ExitStack() as undo:
            undo.callback(self.calls.post, "sys/leases/revoke", lease_id=lease_id, sync=True)
            lasts = self._shortened(lease_id, int(said.get("lease_duration") or 0), seconds)
            undo.pop_all()
        return Issued(
            kind="lease",
            external_id=lease_id,
            secret={name: str(value) for name, value in (said.get("data") or {}).items()},
            expires_at=datetime.now(UTC) + timedelta(seconds=lasts),
            ends_with=LEASE_ENDED,
            facts={"path": path},
        )

    def _shortened(self, lease_id: str, lasts: int, seconds: int) -> int:
        """Never past the end of the access: renewing for less shortens a lease."""
        if lasts <= seconds:
            return lasts
        said = self.calls.send(
            "POST", "sys/leases/renew", {"lease_id": lease_id, "increment": seconds}
        )
        lasts = int(said.get("lease_duration") or lasts)
        if lasts > seconds:
            raise Refused("Its lease would outlive the access, and cannot be made shorter.")
        return lasts

    def _token(self, scope: Scope, path: str, seconds: int) -> Issued:
        policies = self._policies(scope)
        said = self.calls.send(
            "POST",
            path,
            {
                "policies": policies,
                "no_default_policy": True,
                "ttl": f"{seconds}s",
                "explicit_max_ttl": f"{seconds}s",
                "num_uses": int(scope.facts.get("num_uses") or 0),
                "renewable": False,
                "type": "service",
                "display_name": "countersign",
                "meta": {"agent": scope.agent, "correlation_id": scope.correlation_id},
            },
        )
        auth = said.get("auth") or {}
        accessor, given = str(auth.get("accessor") or ""), set(auth.get("policies") or [])
        if not accessor or given - set(policies):
            if accessor:
                self.calls.post("auth/token/revoke-accessor", accessor=accessor)
            more = ", ".join(sorted(given - set(policies))) or "no accessor"
            raise Refused(f"The token came with {more}, so it was not handed over.", call=path)
        return Issued(
            kind="token",
            external_id=accessor,
            secret={"token": str(auth["client_token"])},
            expires_at=datetime.now(UTC) + timedelta(seconds=int(auth["lease_duration"])),
            ends_with=ACCESSOR_ENDED,
            facts={"policies": policies},
        )

    def _policies(self, scope: Scope) -> list[str]:
        """The policies of the live grants, and of those only what allows nothing besides them.

        Those that hold the grants back come along, whatever is asked for.
        """
        held = _named(scope.statements)
        wanted = [str(name) for name in scope.facts.get("policies") or held]
        foreign = set(wanted) - set(held)
        if not wanted or foreign:
            named = ", ".join(sorted(foreign)) or "No policy"
            raise Refused(f"{named} is not among the live grants of {scope.agent}.")
        wanted = list(dict.fromkeys([*wanted, *_named(scope.limits)]))
        there = Directory(self.calls)
        allowed, outright = _actions(scope), _actions(scope, limited=False)
        for policy in wanted:
            for stanza in _stanzas(there, policy):
                by = allowed if stanza.limits else outright
                more = [name for name in stanza.actions if not _covered(name, by)]
                if more:
                    raise Refused(f"{policy} also allows {more[0]}: no live grant does.")
        return wanted

    def end(self, issued: Mapping[str, Any]) -> Outcome:
        steps = VaultSteps(self.calls)
        if issued["kind"] == "lease":
            return steps.run("revoke-lease", {"lease_id": issued["external_id"]})
        return steps.run("revoke-token", {"accessor": issued["external_id"]})

    def rotate(self, subject: Subject) -> Rotated:
        """Make a new secret id under the same bounds. The old one works on until it is revoked."""
        if subject.credential_kind != "client-secret":
            raise Refused("Only a secret id can have another beside it.")
        body: dict[str, Any] = {"metadata": "{}"}
        if subject.facts.get("cidrs"):
            body["cidr_list"] = subject.facts["cidrs"]
        if subject.facts.get("token_cidrs"):
            body["token_bound_cidrs"] = subject.facts["token_cidrs"]
        made = self.calls.post(f"{role_path(subject)}/secret-id", **body)
        return Rotated(
            external_id=str(made["secret_id_accessor"]),
            secret={"secret_id": str(made["secret_id"])},
            said=f"A new secret id of {subject.identity}.",
        )


def _stanzas(there: Directory, policy: str) -> list[Stanza]:
    try:
        return there.stanzas_of(policy)
    except BadPolicy as error:
        raise Refused(f"{policy} cannot be read: {error}") from error


def _named(lines: Iterable[Mapping[str, Any]]) -> list[str]:
    """The policies of some statements, each once."""
    return list(dict.fromkeys(str(one["policy"]) for one in lines if one.get("policy")))


def _actions(scope: Scope, *, limited: bool = True) -> list[str]:
    """What the grants allow; without `limited` only what no policy ties to parameters."""
    lines = [one for one in scope.statements if limited or not one.get("conditions")]
    return [str(name) for one in lines for name in one.get("actions") or []]


def _covered(action: str, allowed: list[str]) -> bool:
    capability, path = split(action)
    return any(
        capability == held and (covers(pattern, path) or pattern == path)
        for held, pattern in map(split, allowed)
    )


def _demand_held(verb: str, path: str, scope: Scope) -> None:
    """Whether Vault itself would let the identity do it: of all paths that fit, the closest one
    speaks alone. What a policy ties to parameters only Vault itself can judge."""
    lines = [*scope.statements, *scope.limits]
    told = [
        (*split(str(name)), bool(one.get("conditions")))
        for one in lines
        for name in one.get("actions") or []
    ]
    fitting = [pattern for _, pattern, _ in told if covers(pattern, path) or pattern == path]
    closest = max(fitting, key=_rank, default="")
    speaks = {capability: tied for capability, pattern, tied in told if pattern == closest}
    if verb not in speaks or DENY in speaks:
        raise Refused(f"No live grant of {scope.agent} lets it {verb} {path}.")
    if any(speaks.values()):
        raise Refused(f"A policy ties {path} to parameters, so it is asked for at Vault itself.")


def _rank(pattern: str) -> tuple[int, bool, int, int, str]:
    """How close a path of a policy is, by Vault's own rules: the highest counts."""
    open_at = min(pattern.find(one) % (len(pattern) + 1) for one in "+*")
    plain = not pattern.endswith("*")
    return open_at, plain, -pattern.count("+"), len(pattern), pattern
