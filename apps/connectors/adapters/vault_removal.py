"""How access in Vault is taken away: the steps, with Vault's own commands. Pure.

A token, secret id, or lease cannot be paused: it is revoked, or its whole entity is disabled. A
grant of an entity is stopped at once by a policy that denies its paths, and then taken out of the
policies that give it.
"""

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from apps.connectors.adapters.contract import LEVELS
from apps.connectors.adapters.removal import Path, Plan, Step, Subject, Wanted, When
from apps.connectors.adapters.vault_policy import DENY, level_of, split, written

ENTITY, ROLE, HOLDER, DYNAMIC = "vault-entity", "vault-role", "vault-token-holder", "vault-dynamic"
NO_PAUSE = (
    "Vault cannot pause one {what}; what can be undone is to disable its entity, which stops "
    "everything that the identity has."
)
BATCH = "A batch token has no accessor: nothing can revoke it before it ends by itself{when}."
OVERREACH = "Vault's deny stops everything on a path, reading too, until it is taken back."
OTHERS = (
    "A policy that others use as well is not rewritten from here: the step then says who they are, "
    "and a person applies the difference."
)


def plan(wanted: Wanted) -> Plan:
    subject = wanted.subject
    if subject.credential or subject.credential_kind:
        return _credential(wanted)
    if subject.actions or subject.service:
        return _grant(wanted)
    return _identity(wanted)


def entity_of(subject: Subject) -> str:
    """The entity behind an identity, whose being disabled stops all it has. Empty without one."""
    if subject.identity_kind == ENTITY:
        return subject.identity_id
    return str(subject.identity_facts.get("entity_id") or "")


def removed_of(wanted: Wanted) -> list[str]:
    """The actions that go, also where a level is what stays."""
    if wanted.kind != "narrow" or not wanted.keep_level:
        return wanted.removed
    kept = LEVELS.index(wanted.keep_level)
    return [name for name in wanted.subject.actions if LEVELS.index(level_of(name)) > kept]


def _credential(wanted: Wanted) -> Plan:
    subject = wanted.subject
    what = {"lease": "lease", "client-secret": "secret id"}.get(subject.credential_kind, "token")
    if subject.facts.get("type") == "batch" or not subject.credential:
        return _batch(wanted)
    if wanted.kind == "suspend":
        step = Step(f"{NO_PAUSE.format(what=what)} Choose one of the two for {subject.identity}.")
        return Plan([step], note=NO_PAUSE.format(what=what))
    if subject.credential_kind == "lease":
        return Plan([_revoke_lease(subject)], note=_note(what))
    if subject.credential_kind == "client-secret":
        steps = [_destroy_secret_id(subject)]
        if wanted.kind == "kill":
            steps.append(_end_sessions(wanted))
        more = (
            "Tokens that were issued through any secret id of the role go with it."
            if wanted.kind == "kill"
            else "Tokens that were issued through it live on until they expire."
        )
        return Plan(steps, note=f"{_note(what)} {more}")
    return Plan([_revoke_token(subject)], note=f"{_note(what)} Tokens made with it go with it.")


def _note(what: str) -> str:
    return f"A {what} that was revoked cannot be brought back."


def _batch(wanted: Wanted) -> Plan:
    subject = wanted.subject
    ends = subject.facts.get("expire_time")
    said = BATCH.format(when=f" at {ends}" if ends else "")
    entity = entity_of(subject)
    if not entity:
        return Plan([Step(said)], note="Revoking the token it was made with ends it as well.")
    return Plan([_disable(entity, subject, wanted.name)], note=f"{said} Its entity is disabled.")


def _revoke_token(subject: Subject) -> Step:
    return Step(
        f"Revoke the token {subject.credential}, and every token made with it.",
        command=f"vault token revoke -accessor {shlex.quote(subject.credential)}",
        op="revoke-token",
        arguments={"accessor": subject.credential},
    )


def _destroy_secret_id(subject: Subject) -> Step:
    role = role_path(subject)
    return Step(
        f"Destroy the secret id {subject.credential} of {subject.identity}.",
        command=f"vault write {shlex.quote(role)}/secret-id-accessor/destroy "
        f"secret_id_accessor={shlex.quote(subject.credential)}",
        op="destroy-secret-id",
        arguments={"role": role, "accessor": subject.credential},
    )


def _revoke_lease(subject: Subject) -> Step:
    return Step(
        f"Revoke the lease {subject.credential}.",
        command=f"vault lease revoke -sync {shlex.quote(subject.credential)}",
        op="revoke-lease",
        arguments={"lease_id": subject.credential},
    )


def role_path(subject: Subject) -> str:
    """Where the role of an identity lies: its key, or where its secret id says."""
    return str(subject.facts.get("role") or subject.identity_id)


def _end_sessions(wanted: Wanted) -> Step:
    subject = wanted.subject
    before = wanted.sessions_before
    return Step(
        f"Revoke the tokens of {subject.identity} issued before now.",
        command="vault list auth/token/accessors  # then revoke those whose entity_id or role fits",
        op="end-sessions",
        arguments={
            "entity_id": entity_of(subject),
            "role": role_path(subject) if subject.identity_kind == ROLE else "",
            "before": before.isoformat() if before else "",
        },
    )


def _disable(entity: str, subject: Subject, name: str) -> Step:
    which = f"vault write identity/entity/id/{shlex.quote(entity)}"
    return Step(
        f"Disable the entity of {subject.identity}: its tokens and sign-ins are refused.",
        command=f"{which} disabled=true",
        undo=f"{which} disabled=false",
        reversible=True,
        op="disable-entity",
        arguments={"entity_id": entity, "name": name},
    )


def _identity(wanted: Wanted) -> Plan:
    subject = wanted.subject
    entity = entity_of(subject)
    if not entity and subject.identity_kind != ROLE:
        title = f"{subject.identity} has no entity: revoke each of its tokens."
        return Plan([Step(title)], note="Only an entity can be disabled.")
    steps = [_disable(entity, subject, wanted.name)] if entity else []
    if wanted.kind == "suspend":
        note = "" if entity else "It has never signed in, so there is no entity to disable."
        return Plan(steps or [Step(f"Take the policies from {subject.identity}.")], note=note)
    if wanted.kind == "kill":
        steps.append(_end_sessions(wanted))
    when = When.LATER if entity and wanted.kind != "kill" else When.NOW
    if subject.identity_kind == ROLE:
        # First the role: it would make itself a new entity at its next sign-in.
        steps.append(_delete(subject.identity_id, f"Delete the role {subject.identity}.", when))
    if entity:
        path = f"identity/entity/id/{entity}"
        steps.append(_delete(path, f"Delete the entity of {subject.identity}.", when))
    return Plan(steps)


def _delete(path: str, title: str, when: When) -> Step:
    return Step(
        title,
        command=f"vault delete {shlex.quote(path)}",
        op="delete",
        arguments={"path": path},
        when=when,
    )


def _grant(wanted: Wanted) -> Plan:
    subject = wanted.subject
    removed = removed_of(wanted)
    entity = entity_of(subject)
    deny = _deny(wanted, removed, entity)
    note = [OVERREACH] if deny else []
    if wanted.kind == "suspend":
        if deny:
            return Plan([deny], _diff(subject, removed), OVERREACH)
        return Plan(
            [Step(f"Take these policies from {subject.identity}; put them back to undo it.")],
            _diff(subject, removed),
            "Only an entity can be denied something at once, and this identity has none.",
        )
    when = When.LATER if deny else When.NOW
    steps = [deny] if deny else []
    for path in _by_policy(subject):
        steps += _removal(wanted, path, set(removed), when)
    if deny:
        steps.append(_lift(deny))
    if any(step.op == "narrow-policy" for step in steps):
        note.append(OTHERS)
    if subject.identity_kind == ROLE:
        steps.append(_end_sessions(wanted) if not deny else _later(_end_sessions(wanted)))
        note.append("A token keeps the policies it was issued with, so the role's are ended.")
    return Plan(steps, _diff(subject, removed), " ".join(note))


def _deny(wanted: Wanted, removed: Sequence[str], entity: str) -> Step | None:
    """Deny the paths that keep nothing. Vault cannot deny one capability of a path."""
    kept = {split(name)[1] for name in wanted.subject.actions if name not in set(removed)}
    paths = list(dict.fromkeys(path for _, path in map(split, removed) if path not in kept))
    if not entity or not paths:
        return None
    text = written({path: [DENY] for path in paths})
    which = f"identity/entity/id/{shlex.quote(entity)}"
    return Step(
        f"Deny it to the entity of {wanted.subject.identity} at once.",
        command=f"printf %s {shlex.quote(text)} | vault policy write {wanted.name} - && "
        f"vault write {which} policies=<those it has>,{wanted.name}",
        undo=f"vault write {which} policies=<those it had> && vault policy delete {wanted.name}",
        reversible=True,
        op="deny",
        arguments={"entity_id": entity, "policy": wanted.name, "paths": paths},
    )


def _lift(deny: Step) -> Step:
    return Step(
        "Take the deny back, once the access is gone.",
        command=deny.undo,
        op="lift-deny",
        arguments=deny.arguments,
        when=When.LATER,
    )


def _removal(wanted: Wanted, path: Path, removed: set[str], when: When) -> Iterator[Step]:
    subject = wanted.subject
    goes = [name for name in path.actions if name in removed]
    if not goes:
        return
    if not path.policy:
        yield Step(f"Find what gives it to {subject.identity}: no source names the policy.")
    elif path.group:
        yield Step(
            f"The group {path.group} gives it by {path.policy}, to its other members too: take "
            f"{subject.identity} out of it, or the lines marked - below out of the policy.",
            command=f"vault read identity/group/name/{shlex.quote(path.group)}",
        )
    elif not path.shared and len(goes) == len(path.actions) and _holder(subject):
        yield _detach(subject, path.policy, when)
    else:
        yield from _narrow(wanted, path.policy, goes, when)


def _by_policy(subject: Subject) -> list[Path]:
    """What each policy gives, from all its paths together: it is written anew once."""
    merged: dict[tuple[str, str], Path] = {}
    for path in subject.paths or [Path("", "", subject.actions)]:
        one = merged.get((path.policy, path.group), Path(path.policy, path.group, ()))
        actions = [*one.actions, *path.actions]
        merged[path.policy, path.group] = replace(
            one, actions=actions, shared=one.shared or path.shared
        )
    return list(merged.values())


def _holder(subject: Subject) -> dict[str, Any]:
    """Where a policy is written beside an identity."""
    if subject.identity_kind == ENTITY:
        return {"path": f"identity/entity/id/{subject.identity_id}", "field": "policies"}
    if subject.identity_kind == ROLE:
        return {"path": subject.identity_id, "field": "token_policies"}
    return {}


def _detach(subject: Subject, policy: str, when: When) -> Step:
    holder = _holder(subject)
    which = f"vault write {shlex.quote(holder['path'])} {holder['field']}"
    return Step(
        f"Take the policy {policy} from {subject.identity}.",
        command=f"{which}=<those it has, without {policy}>",
        undo=f"{which}=<those it has>,{shlex.quote(policy)}",
        reversible=True,
        op="detach-policy",
        arguments={**holder, "policy": policy},
        when=when,
    )


def _narrow(wanted: Wanted, policy: str, goes: Sequence[str], when: When) -> Iterator[Step]:
    copy = f"{wanted.name}-before-{policy}"[:120]
    arguments = {
        "policy": policy,
        "removed": list(goes),
        "copy": copy,
        "identity": wanted.subject.identity_id,
        "entity_id": entity_of(wanted.subject),
    }
    yield Step(
        f"Write the policy {policy} anew, without the lines marked - below.",
        command=f"vault policy read {shlex.quote(policy)} > old.hcl; "
        f"vault policy write {shlex.quote(policy)} new.hcl",
        undo=f"vault policy write {shlex.quote(policy)} old.hcl",
        reversible=True,
        op="narrow-policy",
        arguments=arguments,
        when=when,
    )


def _later(step: Step) -> Step:
    return replace(step, when=When.LATER)


def _diff(subject: Subject, removed: Iterable[str]) -> str:
    """The lines of each policy, those that go marked "-"."""
    gone = set(removed)
    lines: list[str] = []
    for path in _by_policy(subject):
        by = f"{path.policy or subject.service}{f' (group {path.group})' if path.group else ''}"
        lines.append(f"  {by}")
        lines += [f"{'-' if name in gone else ' '}     {name}" for name in path.actions]
    return "\n".join(lines)
