"""How a removal is carried out by hand: steps, exact commands, and the difference to apply.

Pure: it reads plain values and knows no database, so a plan can be printed, tested, and frozen
with its order.
"""

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Path:
    """One statement by which a grant comes. `shared` says the policy also carries other grants."""

    policy: str
    group: str
    actions: Sequence[str]
    resources: Sequence[str] = ()
    shared: bool = False


@dataclass(frozen=True, slots=True)
class Held:
    """What an order is about, as plain values."""

    system: str
    system_kind: str
    account: str
    identity: str
    identity_kind: str
    external_id: str
    service: str
    level: str
    actions: Sequence[str] = ()
    paths: Sequence[Path] = field(default_factory=tuple)


def plan_for_grant(
    kind: str, held: Held, target: dict[str, Any], order_name: str
) -> dict[str, Any]:
    """The plan of a revoke, narrow, or suspend order: {"steps": [...], "diff": str, "note": str}.

    A step is {"title", "command", "undo", "reversible"}. What can be undone comes first.
    """
    removed = _removed_actions(kind, held, target)
    if held.system_kind == "aws":
        return _aws_grant(kind, held, removed, target, order_name)
    return {
        "steps": [
            {
                "title": f"In {held.system}, take {held.level} on {held.service} "
                f"from {held.external_id}.",
                "command": "",
                "undo": "",
                "reversible": True,
            }
        ],
        "diff": _diff(held, removed),
        "note": f"No connection to {held.system} exists yet, so a person carries this out there.",
    }


def plan_for_credential(
    kind: str, *, system_kind: str, system: str, identity: str, key: str, credential_kind: str
) -> dict[str, Any]:
    """The plan of a revoke or rotate order of a credential. Shape as in `plan_for_grant`."""
    steps: list[dict[str, Any]] = []
    if kind == "rotate":
        steps.append(
            _step(
                f"Make a new {credential_kind} for {identity} and test it in place.",
                f"aws iam create-access-key --user-name {shlex.quote(identity)}"
                if _is_aws_key(system_kind, credential_kind)
                else "",
            )
        )
    if _is_aws_key(system_kind, credential_kind):
        which = f"--user-name {shlex.quote(identity)} --access-key-id {shlex.quote(key)}"
        steps += [
            _step(
                "Disable the key and watch for use.",
                f"aws iam update-access-key {which} --status Inactive",
                undo=f"aws iam update-access-key {which} --status Active",
                reversible=True,
            ),
            _step("Delete it.", f"aws iam delete-access-key {which}"),
        ]
    else:
        steps += [
            _step(f"In {system}, disable {key} and watch for use.", reversible=True),
            _step(f"In {system}, delete {key}."),
        ]
    return {"steps": steps, "diff": "", "note": ""}


def _is_aws_key(system_kind: str, credential_kind: str) -> bool:
    return system_kind == "aws" and credential_kind == "access-key"


def _step(
    title: str, command: str = "", *, undo: str = "", reversible: bool = False
) -> dict[str, Any]:
    return {"title": title, "command": command, "undo": undo, "reversible": reversible}


def _removed_actions(kind: str, held: Held, target: dict[str, Any]) -> list[str]:
    if kind == "narrow" and target.get("actions"):
        kept = set(target["actions"])
        return [action for action in held.actions if action not in kept]
    return list(held.actions)


def _aws_grant(
    kind: str, held: Held, removed: list[str], target: dict[str, Any], order_name: str
) -> dict[str, Any]:
    deny = _aws_deny(held, removed, order_name)
    steps = [deny]
    note = ""
    if kind == "suspend":
        note = "A deny that can be taken back; nothing else is changed."
    else:
        steps += [_aws_removal(held, path, removed) for path in held.paths]
        steps.append(_step("Take the deny back, once the access is gone.", deny["undo"]))
    if kind == "narrow":
        aim = target.get("level") or f"{len(target.get('actions', []))} actions"
        note = f"Keeps {aim}; what is taken out is shown in the difference."
    return {"steps": steps, "diff": _diff(held, removed), "note": note}


def _aws_deny(held: Held, removed: list[str], order_name: str) -> dict[str, Any]:
    document = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Action": removed, "Resource": "*"}],
        },
        separators=(",", ":"),
    )
    verb = "role" if "role" in held.identity_kind else "user"
    which = f"--{verb}-name {shlex.quote(held.identity)} --policy-name {shlex.quote(order_name)}"
    return _step(
        f"Deny it to {held.identity} at once.",
        f"aws iam put-{verb}-policy {which} --policy-document {shlex.quote(document)}",
        undo=f"aws iam delete-{verb}-policy {which}",
        reversible=True,
    )


def _aws_removal(held: Held, path: Path, removed: list[str]) -> dict[str, Any]:
    holder, kind = (
        (path.group, "group")
        if path.group
        else (held.identity, "role" if "role" in held.identity_kind else "user")
    )
    name = shlex.quote(holder)
    if not path.policy:
        return _step(
            f"Find what gives it to {kind} {holder}: a person put it in place, and no source names "
            "the policy. Take the lines marked - below out of it.",
            f"aws iam list-{kind}-policies --{kind}-name {name}; "
            f"aws iam list-attached-{kind}-policies --{kind}-name {name}",
        )
    keeps_something = path.shared or not set(path.actions) <= set(removed)
    if path.policy.startswith("arn:"):
        if keeps_something:
            return _step(
                f"Make a new version of {path.policy} without the lines marked - below.",
                f"aws iam create-policy-version --policy-arn {shlex.quote(path.policy)} "
                "--policy-document file://new-version.json --set-as-default",
            )
        return _step(
            f"Detach {path.policy} from {kind} {holder}.",
            f"aws iam detach-{kind}-policy --{kind}-name {name} "
            f"--policy-arn {shlex.quote(path.policy)}",
            undo=f"aws iam attach-{kind}-policy --{kind}-name {name} "
            f"--policy-arn {shlex.quote(path.policy)}",
            reversible=True,
        )
    policy = shlex.quote(path.policy)
    if keeps_something:
        return _step(
            f"Write the inline policy {path.policy} of {kind} {holder} anew, without the lines "
            "marked - below.",
            f"aws iam put-{kind}-policy --{kind}-name {name} --policy-name {policy} "
            "--policy-document file://new-policy.json",
        )
    return _step(
        f"Delete the inline policy {path.policy} of {kind} {holder}.",
        f"aws iam delete-{kind}-policy --{kind}-name {name} --policy-name {policy}",
    )


def _diff(held: Held, removed: list[str]) -> str:
    """The statements with what goes marked "-" and what stays marked " "."""
    gone = set(removed)
    paths = held.paths or [Path("", "", held.actions)]
    lines: list[str] = []
    for path in paths:
        by = f"{path.policy or held.service}{f' (group {path.group})' if path.group else ''}"
        lines.append(f"  {by}")
        lines += [f"{'-' if action in gone else ' '}     {action}" for action in path.actions]
    return "\n".join(lines)
