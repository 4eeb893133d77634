"""How access in Azure is taken away: the steps, with Azure's own commands. Pure.

Key Vault stops handing a secret out at once. Entra stops issuing tokens at once, but those that
were issued live on: up to an hour, of a managed identity up to a day.
"""

import json
import shlex
from collections.abc import Iterator
from typing import Any

from apps.connectors.adapters.removal import Path, Plan, Step, Subject, Wanted, When, diff_of

VAULT, APPLICATION, PRINCIPAL = "azure-key-vault", "entra-application", "entra-service-principal"
MANAGED, AGENT = "entra-managed-identity", "entra-agent-identity"
HOUR, DAY = 3600, 86400
# What the address of a credential in a vault begins with, and what az calls it.
KEPT = {"secrets": "secret", "keys": "key", "certificates": "certificate"}
ASSIGNMENT, CONSENT = "appRoleAssignments/", "oauth2PermissionGrants/"
ONLY_HERE = (
    "Key Vault stops handing it out; whoever has read it before still has it. What it opens has "
    "to refuse it as well."
)
LIVE_ON = "Tokens that were issued before cannot be ended: they work for up to {}."
NO_PAUSE = (
    "Entra cannot pause one client secret, and does not give a removed one back; what can be "
    "undone is to disable the whole service principal."
)


def plan(wanted: Wanted) -> Plan:
    subject = wanted.subject
    if subject.identity_kind == VAULT:
        return _kept(wanted)
    if subject.credential or subject.credential_kind:
        return _credential(wanted)
    if subject.actions or subject.service:
        return _grant(wanted)
    return _identity(wanted)


def principal_of(subject: Subject) -> str:
    """The id of the service principal; empty where an application has none."""
    if subject.identity_kind == APPLICATION:
        return ""
    return subject.identity_id


def application_of(subject: Subject) -> str:
    if subject.identity_kind == APPLICATION:
        return subject.identity_id
    return str(subject.identity_facts.get("application") or "")


def lives_on(subject: Subject) -> int:
    return DAY if subject.identity_kind == MANAGED else HOUR


def _note(subject: Subject) -> str:
    return LIVE_ON.format("a day" if lives_on(subject) == DAY else "an hour")


# Key Vault.


def _kept(wanted: Wanted) -> Plan:
    subject = wanted.subject
    at, _, name = subject.credential.partition("/")
    if at not in KEPT:
        return Plan([Step(f"Look for {subject.credential} in {subject.identity}.")])
    which = f"--vault-name {shlex.quote(subject.identity)} --name {shlex.quote(name)}"
    arguments = {"vault": subject.identity_id, "at": at, "name": name, "by": wanted.name}
    az = f"az keyvault {KEPT[at]}"
    disable = Step(
        f"Disable every version of the {KEPT[at]} {name}.",
        command=f"{az} set-attributes {which} --enabled false",
        undo=f"{az} set-attributes {which} --enabled true",
        reversible=True,
        op="vault-disable",
        arguments=arguments,
    )
    if wanted.kind == "suspend":
        return Plan([disable], note=ONLY_HERE)
    delete = Step(
        f"Delete the {KEPT[at]} {name}; Key Vault keeps it to be recovered.",
        command=f"{az} delete {which}",
        undo=f"{az} recover {which}",
        reversible=True,
        op="vault-delete",
        arguments=arguments,
        when=When.NOW if wanted.kind == "kill" else When.LATER,
    )
    return Plan([disable, delete], note=ONLY_HERE)


# Entra.


def _credential(wanted: Wanted) -> Plan:
    subject = wanted.subject
    what = subject.facts.get("what")
    holder = str(subject.facts.get("object") or "")
    if what == "managed" or (subject.credential_kind == "managed" and what != "federated"):
        final = "az identity delete makes it final, in the subscription it belongs to."
        return Plan([_disable(wanted)], note=f"It holds no secret. {_note(subject)} {final}")
    if what == "password" and wanted.kind == "suspend":
        return Plan([Step(NO_PAUSE)], note=NO_PAUSE)
    if what not in {"password", "key", "federated"} or not holder:
        return Plan([Step(f"Find {subject.credential} of {subject.identity} in Entra.")])
    return Plan([_remove(subject, str(what), holder)], note=_note(subject))


def _remove(subject: Subject, what: str, holder: str) -> Step:
    of = holder.partition("/")[2]
    key = subject.credential
    az = "az ad app" if holder.startswith("applications/") else "az ad sp"
    commands = {
        "password": f"{az} credential delete --id {of} --key-id {key}",
        "key": f"{az} credential delete --id {of} --key-id {key} --cert",
        "federated": f"az ad app federated-credential delete --id {of} "
        f"--federated-credential-id {key}",
    }
    named = {"password": "client secret", "key": "certificate", "federated": "federation"}
    reversible = what != "password"
    return Step(
        f"Remove the {named[what]} {key} of {subject.identity}.",
        command=commands[what],
        undo="Put it back as it was: the public part is kept." if reversible else "",
        reversible=reversible,
        op=f"remove-{what}",
        arguments={"object": holder, "key": key},
        effective_seconds=HOUR,
    )


def _disable(wanted: Wanted) -> Step:
    subject = wanted.subject
    principal = principal_of(subject)
    az = f"az ad sp update --id {principal} --set accountEnabled="
    return Step(
        f"Disable {subject.identity}: no new token is issued to it.",
        command=f"{az}false",
        undo=f"{az}true",
        reversible=True,
        op="disable-principal",
        arguments={"principal": principal, "by": wanted.name},
        effective_seconds=lives_on(subject),
    )


def _identity(wanted: Wanted) -> Plan:
    subject = wanted.subject
    principal, application = principal_of(subject), application_of(subject)
    steps = [_disable(wanted)] if principal else []
    if wanted.kind == "suspend":
        by_hand = Step(f"{subject.identity} has no service principal to disable.")
        return Plan(steps or [by_hand], note=_note(subject))
    if subject.identity_kind == MANAGED:
        final = "az identity delete makes it final, in the subscription it belongs to."
        return Plan(steps, note=f"{_note(subject)} {final}")
    when = When.NOW if wanted.kind == "kill" or not principal else When.LATER
    paths = (f"applications/{application}", f"servicePrincipals/{principal}")
    steps += [_delete(subject, path, when) for path in paths if not path.endswith("/")]
    return Plan(steps, note=_note(subject))


def _delete(subject: Subject, path: str, when: When) -> Step:
    at, _, key = path.partition("/")
    what, az = ("application", "app") if at == "applications" else ("service principal", "sp")
    restore = f"https://graph.microsoft.com/v1.0/directory/deletedItems/{key}/restore"
    return Step(
        f"Delete the {what} of {subject.identity}; Entra keeps it for 30 days.",
        command=f"az ad {az} delete --id {key}",
        undo=f"az rest --method post --url {restore}",
        reversible=True,
        op="delete-object",
        arguments={"path": path},
        when=when,
        effective_seconds=lives_on(subject),
    )


def _grant(wanted: Wanted) -> Plan:
    subject = wanted.subject
    removed = set(wanted.removed)
    steps: list[Step] = []
    for path in subject.paths or [Path("", "", subject.actions)]:
        steps += _removal(subject, path, removed)
    return Plan(steps, diff_of(wanted), _note(subject))


def _removal(subject: Subject, path: Path, removed: set[str]) -> Iterator[Step]:
    goes = [name for name in path.actions if name in removed]
    if not goes:
        return
    principal = principal_of(subject)
    if path.policy.startswith(ASSIGNMENT):
        url = f"https://graph.microsoft.com/v1.0/servicePrincipals/{principal}/{path.policy}"
        yield _taken(
            subject,
            f"Take {', '.join(goes)} from {subject.identity}.",
            f"az rest --method delete --url {url}",
            "remove-assignment",
            {"principal": principal, "assignment": path.policy.removeprefix(ASSIGNMENT)},
        )
    elif path.policy.startswith(CONSENT):
        scopes = [name.rpartition("/")[2] for name in goes]
        url = f"https://graph.microsoft.com/v1.0/{path.policy}"
        kept = [name.rpartition("/")[2] for name in path.actions if name not in removed]
        body = shlex.quote(json.dumps({"scope": " ".join(kept)}))
        yield _taken(
            subject,
            f"Take the consent to {', '.join(scopes)} from {subject.identity}.",
            f"az rest --method patch --url {url} --body {body}  # with what else it holds",
            "narrow-consent",
            {"consent": path.policy.removeprefix(CONSENT), "scopes": scopes},
        )
    else:
        yield Step(f"Find what gives it to {subject.identity}: no source names the assignment.")


def _taken(subject: Subject, title: str, command: str, op: str, arguments: Any) -> Step:
    return Step(
        title,
        command=command,
        undo="Assign it again as it was.",
        reversible=True,
        op=op,
        arguments=arguments,
        effective_seconds=lives_on(subject),
    )
