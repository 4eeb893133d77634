"""Short-lived credentials from STS, cut to what is granted, and new keys beside old ones.

What is secret passes through: it is returned once, and kept nowhere.
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from apps.connectors.adapters import aws_documents as documents
from apps.connectors.adapters import aws_policies as policies
from apps.connectors.adapters.aws_client import FAILURES, Clients, translated
from apps.connectors.adapters.aws_documents import written
from apps.connectors.adapters.aws_holders import Holder, holder_of
from apps.connectors.adapters.aws_steps import run
from apps.connectors.adapters.live import Issued, Outcome, Refused, Rotated, Scope
from apps.connectors.adapters.removal import Subject
from apps.grants.patterns import overlap

# AWS's own bounds for a session.
SHORTEST, LONGEST = 900, 3600
LONGEST_POLICY = 2048
LONGEST_NAME, SHORTEST_NAME = 64, 2
MOST_KEYS = 2
UNNAMEABLE = re.compile(r"[^\w+=,.@-]", re.ASCII)
GET_VALUE = "secretsmanager:GetSecretValue"
RESET_GIVES = (
    "ServiceUserName",
    "ServicePassword",
    "ServiceCredentialAlias",
    "ServiceCredentialSecret",
)
ENDED = "countersign-ended-"
# No session of a role lives longer; then what ended it has done its work.
LONGEST_SESSION = timedelta(hours=12)


def issue(clients: Clients, scope: Scope) -> Issued:
    """A session of the agent's role that may do no more than the statements, and not for longer.

    With `facts["secret"]`, an ARN: that secret's value, read under the agent's own grant.
    """
    role = _role(scope)
    now = clients.now(role.account)
    left = int((scope.expires_at - now).total_seconds())
    if left < 1:
        raise Refused("The access it would be cut to has ended.")
    secret = str(scope.facts.get("secret") or "")
    said = _assumed(clients, scope, role, _policy(scope, left, secret), left)
    if secret:
        return _handed_over(clients, scope, said["Credentials"], secret)
    keys = said["Credentials"]
    return Issued(
        kind="session",
        external_id=keys["AccessKeyId"],
        secret={
            "AWS_ACCESS_KEY_ID": keys["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": keys["SecretAccessKey"],
            "AWS_SESSION_TOKEN": keys["SessionToken"],
        },
        expires_at=min(keys["Expiration"], scope.expires_at),
        ends_with="A policy on its role denies this session everything: within seconds.",
        facts={
            **role.told,
            "userid": said["AssumedRoleUser"]["AssumedRoleId"],
            "session": name_of(scope.correlation_id),
        },
    )


def name_of(text: str) -> str:
    """A name as sessions may have one."""
    return UNNAMEABLE.sub("-", text)[:LONGEST_NAME].ljust(SHORTEST_NAME, "-")


def _role(scope: Scope) -> Holder:
    arn = scope.identity if scope.identity.startswith("arn:") else str(scope.facts.get("arn", ""))
    parts = arn.split(":")
    if "role" not in scope.identity_kind or len(parts) < 6:
        raise Refused(f"Only a role has sessions; {scope.identity} is none that is known by ARN.")
    return Holder("role", arn.rpartition("/")[2], parts[4], parts[1])


def _assumed(
    clients: Clients, scope: Scope, role: Holder, policy: str, left: int
) -> dict[str, Any]:
    arn = scope.identity if scope.identity.startswith("arn:") else str(scope.facts["arn"])
    return clients.call(
        "sts",
        "assume_role",
        account=role.account,
        RoleArn=arn,
        RoleSessionName=name_of(scope.correlation_id),
        SourceIdentity=name_of(scope.agent),
        DurationSeconds=max(SHORTEST, min(left, LONGEST)),
        Policy=policy,
    )


def _policy(scope: Scope, left: int, secret: str) -> str:
    """The session's policy. What a session may do is in it *and* in its role's own policies."""
    statements = list(_one_secret(scope, secret) if secret else _statements(scope))
    if not any(one["Effect"] == "Allow" for one in statements):
        raise Refused(f"Nothing is granted to {scope.agent} that a session could be cut to.")
    if left < SHORTEST:
        statements.append(_over_at(scope.expires_at))
    text = written({"Version": documents.VERSION, "Statement": statements})
    if len(text) > LONGEST_POLICY:
        raise Refused(
            f"What is granted takes {len(text)} characters of policy; AWS takes {LONGEST_POLICY} "
            "for a session. Ask for a part of it."
        )
    return text


def _statements(scope: Scope) -> Iterator[dict[str, Any]]:
    for one in scope.statements:
        if not one.get("actions"):
            continue
        statement: dict[str, Any] = {
            "Effect": "Deny" if one.get("effect") == "deny" else "Allow",
            "Action": list(one["actions"]),
        }
        if one.get("not_resources"):
            statement["NotResource"] = list(one["not_resources"])
        else:
            statement["Resource"] = list(one.get("resources") or ["*"])
        if one.get("conditions"):
            statement["Condition"] = one["conditions"]
        yield statement


def _one_secret(scope: Scope, secret: str) -> Iterator[dict[str, Any]]:
    """Of all that is granted, reading this one secret."""
    for one in _statements(scope):
        if any(overlap(action, GET_VALUE) for action in one["Action"]):
            if one["Effect"] == "Deny":
                yield one
            elif "NotResource" in one:
                raise Refused("A grant for all but some secrets cannot be cut to one of them.")
            elif any(overlap(name, secret) for name in one["Resource"]):
                yield {**one, "Action": GET_VALUE, "Resource": secret}


def _over_at(moment: datetime) -> dict[str, Any]:
    """AWS issues nothing for less than a quarter of an hour: the policy itself ends it before."""
    at = moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition = {"DateGreaterThanEquals": {"aws:CurrentTime": at}}
    return {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition}


def _handed_over(clients: Clients, scope: Scope, keys: Mapping[str, Any], secret: str) -> Issued:
    client = clients.with_keys(
        "secretsmanager",
        key=keys["AccessKeyId"],
        secret=keys["SecretAccessKey"],
        token=keys["SessionToken"],
        region=secret.split(":")[3],
    )
    try:
        said = client.get_secret_value(SecretId=secret)
    except FAILURES as error:
        raise translated(error, GET_VALUE) from None
    return Issued(
        kind="secret",
        external_id=f"{secret}#{said['VersionId']}",
        secret={"value": said.get("SecretString") or said["SecretBinary"].decode("latin-1")},
        expires_at=min(keys["Expiration"], scope.expires_at),
        ends_with="It works until it is rotated: what was read cannot be taken back.",
        facts={"secret": secret},
    )


# Ending what was issued.


def end(clients: Clients, issued: Mapping[str, Any]) -> Outcome:
    if issued["kind"] != "session":
        raise Refused("What was read cannot be taken back: rotate it.")
    facts = issued["facts"]
    role = Holder("role", facts["name"], facts["account"], facts["partition"])
    now = clients.now(role.account)
    _clear(clients, role, now)
    try:
        policies.put_inline(
            clients,
            role,
            f"{ENDED}{facts['session']}",
            documents.deny_older_sessions(now, userid=str(facts["userid"])),
        )
    except Refused as error:
        if error.code not in policies.LIMITS:
            raise
        told = {**role.told, "policy": f"{ENDED}all", "before": now.isoformat()}
        said = run(clients, "sessions.end", told).said
        return Outcome(f"{said} All of them, since no policy for one alone fits any more.")
    return Outcome(
        f"The session {facts['session']} of {role.name} is denied everything, within seconds; "
        "its other sessions go on."
    )


def _clear(clients: Clients, role: Holder, now: datetime) -> None:
    """Take away what ended sessions that are over by now anyway."""
    pages = clients.pages("iam", "list_role_policies", account=role.account, **role.param)
    for name in [name for page in pages for name in page["PolicyNames"]]:
        if name.startswith(ENDED):
            document = policies.inline(clients, role, name)
            if not documents.is_denial_of_sessions(document, now - LONGEST_SESSION):
                policies.delete_inline(clients, role, name)


# A new one beside the old one.


def rotate(clients: Clients, subject: Subject) -> Rotated:
    if ":secretsmanager:" in subject.credential:
        return _rotated_there(clients, subject)
    if subject.credential_kind == "api-key":
        return _reset(clients, subject)
    if subject.credential_kind != "access-key":
        raise Refused("AWS makes no other beside it: only access keys can be two.")
    holder = holder_of(subject)
    said = clients.call("iam", "list_access_keys", account=holder.account, **holder.param)
    held = [key["AccessKeyId"] for key in said["AccessKeyMetadata"]]
    if len(held) >= MOST_KEYS:
        other = next((key for key in held if key != subject.credential), held[0])
        raise Refused(
            f"{holder.name} has two keys, the most AWS allows: end {other} first, if nothing "
            "uses it."
        )
    made = clients.call("iam", "create_access_key", account=holder.account, **holder.param)
    key = made["AccessKey"]
    return Rotated(
        external_id=key["AccessKeyId"],
        secret={
            "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
        },
        said=f"A second key of {holder.name}; {subject.credential} works on until it is ended.",
    )


def _reset(clients: Clients, subject: Subject) -> Rotated:
    holder = holder_of(subject)
    made = clients.call(
        "iam",
        "reset_service_specific_credential",
        account=holder.account,
        ServiceSpecificCredentialId=subject.credential,
        **holder.param,
    )["ServiceSpecificCredential"]
    return Rotated(
        external_id=made["ServiceSpecificCredentialId"],
        secret={name: made[name] for name in RESET_GIVES if made.get(name)},
        said="It has a new value; the old one ended with it.",
    )


def _rotated_there(clients: Clients, subject: Subject) -> Rotated:
    parts = subject.credential.split(":")
    told = {"account": parts[4], "region": parts[3], "secret": subject.credential}
    said = run(clients, "secret.rotate", told).said
    return Rotated(subject.credential, secret={}, said=said, stored_at=subject.credential)
