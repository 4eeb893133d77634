"""What takes a credential or a grant away in AWS, step by step. Pure: nothing is asked.

What AWS cannot do for one holder alone (a group, a policy of AWS's own, a policy that others
use too) is never changed for others: there the denial stays, and is the removal.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from apps.connectors.adapters import aws_documents as documents
from apps.connectors.adapters.aws_commands import command, in_turn
from apps.connectors.adapters.aws_grant_removal import plan_for_grant
from apps.connectors.adapters.aws_holders import Holder, holder_of
from apps.connectors.adapters.removal import Plan, Step, Subject, Wanted, When

# A change in IAM works within seconds, and AWS promises no moment: this long it is given.
SETTLES_IN = 120
# How long Secrets Manager keeps what it was told to delete: the longest it can.
RECOVERY_DAYS = 30
ROOT = "aws-root"
PLACEHOLDER = "KEY-ID"


@dataclass(frozen=True, slots=True)
class Switched:
    """A kind of credential that IAM can switch off, and on again, by its id."""

    noun: str
    call: str
    option: str
    id_shape: re.Pattern[str]
    made_by: str = ""


SWITCHED = {
    "access-key": Switched(
        "access key",
        "access-key",
        "access_key_id",
        re.compile(r"A[A-Z0-9]{15,127}"),
        "iam create-access-key",
    ),
    "api-key": Switched(
        "service-specific credential",
        "service-specific-credential",
        "service_specific_credential_id",
        re.compile(r"\w{20,128}"),
    ),
    "certificate": Switched(
        "signing certificate", "signing-certificate", "certificate_id", re.compile(r"\w{24,128}")
    ),
}


def plan(wanted: Wanted) -> Plan:
    subject = wanted.subject
    if subject.identity_kind == ROOT:
        return _by_root(wanted)
    if not subject.credential:
        return plan_for_grant(wanted)
    if ":secretsmanager:" in subject.credential:
        return _secret(wanted)
    if subject.credential_kind == "password":
        return _password(wanted)
    if subject.credential_kind in SWITCHED:
        return _switched(wanted, SWITCHED[subject.credential_kind])
    return _sessions_only(wanted)


def sessions_end(holder: Holder, name: str, before: datetime | None) -> Step:
    """End every session of a user or role that was issued before a moment."""
    before = before or datetime.now(UTC)
    document = documents.deny_older_sessions(before)
    policy = f"{name}-sessions"
    return Step(
        f"End every session of {holder.name} issued before now.",
        command(
            f"iam put-{holder.kind}-policy",
            **holder.option,
            policy_name=policy,
            policy_document=documents.written(document),
        ),
        undo=command(f"iam delete-{holder.kind}-policy", **holder.option, policy_name=policy),
        reversible=True,
        op="sessions.end",
        arguments={**holder.told, "policy": policy, "before": before.isoformat()},
        effective_seconds=SETTLES_IN,
    )


def _switched(wanted: Wanted, what: Switched) -> Plan:
    subject = wanted.subject
    holder = holder_of(subject)
    known = what.id_shape.fullmatch(subject.credential) is not None
    steps = [] if known else [_find_first(holder, what)]
    if wanted.kind == "rotate":
        steps.append(_made_anew(holder, subject, what, known=known))
        if what.call == "service-specific-credential":
            return Plan(steps, note="Its old value ends at the moment it gets a new one.")
    steps += _switch_off(wanted, holder, what, known=known)
    note = "" if known else "Its source gave it no id, so a person has to find it first."
    return Plan(steps, note=note)


def _switch_off(wanted: Wanted, holder: Holder, what: Switched, *, known: bool) -> Iterator[Step]:
    subject = wanted.subject
    named = {**holder.option, what.option: subject.credential if known else PLACEHOLDER}
    arguments = {**holder.told, "what": subject.credential_kind, "id": subject.credential}
    if str(subject.facts.get("status", "")).lower() == "inactive":
        arguments["was"] = "Inactive"
    when = When.LATER if wanted.kind == "rotate" else When.NOW
    yield Step(
        f"Disable the {what.noun} and watch for use.",
        command(f"iam update-{what.call}", **named, status="Inactive"),
        undo=command(f"iam update-{what.call}", **named, status="Active"),
        reversible=True,
        op="key.disable" if known else "",
        arguments=arguments,
        when=when,
        effective_seconds=SETTLES_IN,
    )
    if wanted.kind == "kill":
        yield sessions_end(holder, wanted.name, wanted.sessions_before)
    if wanted.kind != "suspend":
        yield Step(
            f"Delete the {what.noun}.",
            command(f"iam delete-{what.call}", **named),
            op="key.delete" if known else "",
            arguments=arguments,
            when=When.LATER,
            effective_seconds=SETTLES_IN,
        )


def _find_first(holder: Holder, what: Switched) -> Step:
    listing = f"iam list-{what.call}s"
    return Step(
        f"Find the id of the {what.noun}: its source gives none. It goes in for {PLACEHOLDER}.",
        command(listing, **holder.option),
    )


def _made_anew(holder: Holder, subject: Subject, what: Switched, *, known: bool) -> Step:
    if what.made_by:
        told = command(what.made_by, **holder.option)
    elif what.call == "service-specific-credential":
        named = {what.option: subject.credential if known else PLACEHOLDER}
        told = command("iam reset-service-specific-credential", **holder.option, **named)
    else:
        told = ""
    return Step(
        f"Make a new {what.noun} for {holder.name} and test it in place.",
        told,
        op="key.rotate" if told and known else "",
        arguments={**holder.told, "what": subject.credential_kind, "id": subject.credential},
    )


def _password(wanted: Wanted) -> Plan:
    """A password has no off switch: it is there, or it is deleted."""
    holder = holder_of(wanted.subject)
    if wanted.kind == "rotate":
        told = command("iam update-login-profile", "password-reset-required", **holder.option)
        return Plan([Step(f"Give {holder.name} a new console password.", told)])
    steps = [
        Step(
            f"Delete the console password of {holder.name}.",
            command("iam delete-login-profile", **holder.option),
            op="password.delete",
            arguments=holder.told,
            effective_seconds=SETTLES_IN,
        )
    ]
    if wanted.kind == "kill":
        steps.append(sessions_end(holder, wanted.name, wanted.sessions_before))
    note = "AWS cannot switch a password off: once deleted, it takes a new one to undo this."
    return Plan(steps, note=note)


def _secret(wanted: Wanted) -> Plan:
    """A secret kept in Secrets Manager: what it opens is another system's to close."""
    arn = wanted.subject.credential
    region = arn.split(":")[3]
    arguments: dict[str, Any] = {"account": arn.split(":")[4], "region": region, "secret": arn}
    where = {"secret_id": arn, "region": region}
    if wanted.kind == "rotate":
        step = Step(
            "Have Secrets Manager rotate it, by the function that it names.",
            command("secretsmanager rotate-secret", **where),
            op="secret.rotate",
            arguments=arguments,
        )
        return Plan([step])
    step = Step(
        f"Withdraw it: nobody can read it, and AWS deletes it in {RECOVERY_DAYS} days.",
        command(
            "secretsmanager delete-secret", **where, recovery_window_in_days=f"{RECOVERY_DAYS}"
        ),
        undo=command("secretsmanager restore-secret", **where),
        reversible=True,
        op="secret.withdraw",
        arguments=arguments,
        effective_seconds=SETTLES_IN,
    )
    note = "Who read it before still has it: what it opens has to be closed there too."
    return Plan([step], note=note)


def _sessions_only(wanted: Wanted) -> Plan:
    """No secret is held: what can be ended are the sessions that were issued."""
    holder = holder_of(wanted.subject)
    step = sessions_end(holder, wanted.name, wanted.sessions_before)
    note = f"It ends all older sessions of {holder.name}, whoever has them; new ones can be had."
    return Plan([step], note=note)


def _by_root(wanted: Wanted) -> Plan:
    """Only root itself reaches what is root's."""
    subject = wanted.subject
    what = SWITCHED.get(subject.credential_kind)
    steps = [Step(f"Sign in as root of account {subject.account}, and open Security credentials.")]
    if what is not None:
        listed = command(f"iam list-{what.call}s")
        changed = {what.option: PLACEHOLDER}
        steps.append(
            Step(
                f"Disable the {what.noun} and watch for use.",
                in_turn(listed, command(f"iam update-{what.call}", **changed, status="Inactive")),
                undo=command(f"iam update-{what.call}", **changed, status="Active"),
                reversible=True,
            )
        )
        steps.append(
            Step(f"Delete the {what.noun}.", command(f"iam delete-{what.call}", **changed))
        )
    return Plan(steps, note="No connection can change what is root's.")
