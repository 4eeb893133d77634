"""The calls behind the steps of a removal, and those that take them back.

Each does twice what it does once: a worker may die after a call and before it is noted. `Absent`
says that there was nothing to change.
"""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from apps.connectors.adapters import aws_policies as policies
from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_documents import deny_older_sessions
from apps.connectors.adapters.aws_holders import holder_told
from apps.connectors.adapters.aws_removal import RECOVERY_DAYS
from apps.connectors.adapters.live import Absent, Outcome, Refused

type Told = Mapping[str, Any]

# How IAM's calls name each kind of credential that can be switched off.
SWITCHED = {
    "access-key": ("access_key", "AccessKeyId"),
    "api-key": ("service_specific_credential", "ServiceSpecificCredentialId"),
    "certificate": ("signing_certificate", "CertificateId"),
}
# What Secrets Manager says to a second withdrawal.
ALREADY = "InvalidRequestException"


def run(clients: Clients, op: str, told: Told) -> Outcome:
    if op not in RUN:
        raise Refused(f"There is no step {op}.")
    return RUN[op](clients, told)


def undo(clients: Clients, op: str, told: Told, kept: Told) -> Outcome:
    if op not in UNDO:
        raise Refused(f"The step {op} cannot be taken back.")
    return UNDO[op](clients, told, kept)


def _key_disable(clients: Clients, told: Told) -> Outcome:
    _switch(clients, told, "Inactive")
    return Outcome(f"{told['id']} of {told['name']} is Inactive.")


def _key_enable(clients: Clients, told: Told, kept: Told) -> Outcome:
    if told.get("was") == "Inactive":
        return Outcome(f"{told['id']} was Inactive before, and stays so.", changed=False)
    _switch(clients, told, "Active")
    return Outcome(f"{told['id']} of {told['name']} is Active again.")


def _switch(clients: Clients, told: Told, status: str) -> None:
    noun, param = SWITCHED[told["what"]]
    clients.call(
        "iam",
        f"update_{noun}",
        account=told["account"],
        UserName=told["name"],
        Status=status,
        **{param: told["id"]},
    )


def _key_delete(clients: Clients, told: Told) -> Outcome:
    noun, param = SWITCHED[told["what"]]
    clients.call(
        "iam",
        f"delete_{noun}",
        account=told["account"],
        UserName=told["name"],
        **{param: told["id"]},
    )
    return Outcome(f"{told['id']} of {told['name']} is deleted.")


def _password_delete(clients: Clients, told: Told) -> Outcome:
    clients.call("iam", "delete_login_profile", account=told["account"], UserName=told["name"])
    return Outcome(f"{told['name']} has no console password any more.")


def _sessions_end(clients: Clients, told: Told) -> Outcome:
    """Deny all sessions up to AWS's own now: its clock issues them, and the key is off by then."""
    holder = holder_told(told)
    before = max(datetime.fromisoformat(told["before"]), clients.now(holder.account))
    document = deny_older_sessions(before)
    policies.put_inline(clients, holder, told["policy"], document)
    return Outcome(
        f"Sessions of {holder.name} issued before {before:%Y-%m-%d %H:%M:%S} are denied."
    )


def _sessions_allow(clients: Clients, told: Told, kept: Told) -> Outcome:
    holder = holder_told(told)
    gone = policies.delete_inline(clients, holder, told["policy"])
    return Outcome(f"Older sessions of {holder.name} work again, until they end.", changed=gone)


def _secret_withdraw(clients: Clients, told: Told) -> Outcome:
    try:
        clients.call(
            "secretsmanager",
            "delete_secret",
            account=told["account"],
            region=told["region"],
            SecretId=told["secret"],
            RecoveryWindowInDays=RECOVERY_DAYS,
        )
    except Refused as error:
        if error.code != ALREADY:
            raise
        return Outcome(f"It was withdrawn already: {error.said}", changed=False)
    return Outcome(f"Nobody can read it; AWS deletes it in {RECOVERY_DAYS} days.")


def _secret_restore(clients: Clients, told: Told, kept: Told) -> Outcome:
    clients.call(
        "secretsmanager",
        "restore_secret",
        account=told["account"],
        region=told["region"],
        SecretId=told["secret"],
    )
    return Outcome("It can be read again.")


def _secret_rotate(clients: Clients, told: Told) -> Outcome:
    clients.call(
        "secretsmanager",
        "rotate_secret",
        account=told["account"],
        region=told["region"],
        SecretId=told["secret"],
    )
    return Outcome("Secrets Manager rotates it now, by the function that it names.")


def _through_rotate(clients: Clients, told: Told) -> Outcome:
    raise Refused("A new secret passes through: ask `rotate` for it, not a step.")


def _deny_put(clients: Clients, told: Told) -> Outcome:
    return policies.deny(clients, holder_told(told), told["policy"], list(told["actions"]))


def _deny_lift(clients: Clients, told: Told) -> Outcome:
    """Lift a denial only once nothing else allows what it denies."""
    holder = holder_told(told)
    left = policies.allowed_without(clients, holder, told["policy"], list(told["actions"]))
    if left:
        return Outcome(
            f"{holder.name} would be allowed {_some(left)} again, so the deny stays.",
            changed=False,
        )
    gone = policies.lift(clients, holder, told["policy"])
    return Outcome("Nothing allows it any more; the deny is taken back.", changed=gone)


def _deny_undo(clients: Clients, told: Told, kept: Told) -> Outcome:
    holder = holder_told(told)
    gone = policies.lift(clients, holder, told["policy"])
    return Outcome(f"The deny is taken back from {holder.name}.", changed=gone)


def _deny_stays(clients: Clients, told: Told, kept: Told) -> Outcome:
    """The step that put the deny in place takes it back, once everything else is."""
    return Outcome("The deny is taken back last.", changed=False)


def _some(actions: list[str]) -> str:
    more = f" and {len(actions) - 3} more" if len(actions) > 3 else ""
    return ", ".join(actions[:3]) + more


def _inline_keep(clients: Clients, told: Told) -> Outcome:
    document = policies.inline(clients, holder_told(told), told["policy"])
    return Outcome("Its text is kept with the order.", changed=False, undo={"document": document})


def _inline_put_back(clients: Clients, told: Told, kept: Told) -> Outcome:
    if not kept.get("document"):
        return Outcome("There was nothing to put back.", changed=False)
    policies.refuse_changed_inline(clients, holder_told(told), told, kept["document"])
    policies.put_inline(clients, holder_told(told), told["policy"], kept["document"])
    return Outcome(f"The inline policy {told['policy']} is as it was.")


def _inline_cut(clients: Clients, told: Told) -> Outcome:
    return policies.cut_inline(clients, holder_told(told), told["policy"], list(told["actions"]))


def _inline_delete(clients: Clients, told: Told) -> Outcome:
    if not policies.delete_inline(clients, holder_told(told), told["policy"]):
        raise Absent(f"There is no inline policy {told['policy']}.")
    return Outcome(f"The inline policy {told['policy']} is deleted.")


def _managed_keep(clients: Clients, told: Told) -> Outcome:
    holder = holder_told(told)
    version = policies.default_version(clients, holder, told["arn"])
    attached = told["arn"] in policies.attached_arns(clients, holder)
    said = f"Version {version} of {told['arn']} is in force."
    return Outcome(said, changed=False, undo={"version": version, "attached": attached})


def _managed_put_back(clients: Clients, told: Told, kept: Told) -> Outcome:
    if not kept.get("version"):
        return Outcome("There was nothing to put back.", changed=False)
    holder = holder_told(told)
    if kept.get("attached"):
        policies.attach(clients, holder, told["arn"])
    now = policies.default_version(clients, holder, told["arn"])
    if now == kept["version"]:
        return Outcome(f"Version {now} is in force.", changed=False)
    policies.refuse_changed_managed(clients, holder, told, now, kept["version"])
    clients.call(
        "iam",
        "set_default_policy_version",
        account=holder.account,
        PolicyArn=told["arn"],
        VersionId=kept["version"],
    )
    return Outcome(f"Version {kept['version']} of {told['arn']} is in force again.")


def _managed_cut(clients: Clients, told: Told) -> Outcome:
    return policies.cut_managed(clients, holder_told(told), told["arn"], list(told["actions"]))


def _managed_detach(clients: Clients, told: Told) -> Outcome:
    holder = holder_told(told)
    policies.detach(clients, holder, told["arn"])
    return Outcome(f"{told['arn']} is detached from {holder.name}.")


def _managed_attach(clients: Clients, told: Told, kept: Told) -> Outcome:
    holder = holder_told(told)
    policies.attach(clients, holder, told["arn"])
    return Outcome(f"{told['arn']} is attached to {holder.name} again.")


def _managed_back(clients: Clients, told: Told) -> Outcome:
    """Put in force the newest version that was there before a moment."""
    return policies.version_back(
        clients, told["account"], told["arn"], datetime.fromisoformat(told["before"])
    )


def _group_leave(clients: Clients, told: Told) -> Outcome:
    clients.call(
        "iam",
        "remove_user_from_group",
        account=told["account"],
        UserName=told["name"],
        GroupName=told["group"],
    )
    return Outcome(f"{told['name']} is in the group {told['group']} no more.")


def _undone_before(clients: Clients, told: Told, kept: Told) -> Outcome:
    """The step before kept what was there, and puts it back."""
    return Outcome("What was there is put back by the step before.", changed=False)


RUN: dict[str, Callable[[Clients, Told], Outcome]] = {
    "deny.lift": _deny_lift,
    "deny.put": _deny_put,
    "group.leave": _group_leave,
    "inline.cut": _inline_cut,
    "inline.delete": _inline_delete,
    "inline.keep": _inline_keep,
    "key.delete": _key_delete,
    "key.disable": _key_disable,
    "key.rotate": _through_rotate,
    "managed.back": _managed_back,
    "managed.cut": _managed_cut,
    "managed.detach": _managed_detach,
    "managed.keep": _managed_keep,
    "password.delete": _password_delete,
    "secret.rotate": _secret_rotate,
    "secret.withdraw": _secret_withdraw,
    "sessions.end": _sessions_end,
}
UNDO: dict[str, Callable[[Clients, Told, Told], Outcome]] = {
    "deny.lift": _deny_stays,
    "deny.put": _deny_undo,
    "inline.cut": _undone_before,
    "inline.delete": _undone_before,
    "inline.keep": _inline_put_back,
    "key.disable": _key_enable,
    "managed.cut": _undone_before,
    "managed.detach": _managed_attach,
    "managed.keep": _managed_put_back,
    "secret.withdraw": _secret_restore,
    "sessions.end": _sessions_allow,
}
