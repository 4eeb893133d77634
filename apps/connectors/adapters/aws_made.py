"""What was made with a credential: identities, keys, passwords, policies, sessions of roles; with
the steps that take each back. Also what was made with what was made.

What it started (instances, functions) is not looked for, and stands among its calls.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

from apps.connectors.adapters.aws_client import Clients
from apps.connectors.adapters.aws_commands import command
from apps.connectors.adapters.aws_grant_removal import deny_step
from apps.connectors.adapters.aws_holders import Holder
from apps.connectors.adapters.aws_removal import SETTLES_IN, SWITCHED, sessions_end
from apps.connectors.adapters.aws_trail import PREFIXES, Event, events, events_of
from apps.connectors.adapters.live import Absent, Made
from apps.connectors.adapters.removal import Step, Subject, When

# How many keys are followed in all, so that a long chain still ends.
MOST_KEYS = 25
# A key that an event does not name was made this close to it.
CLOSE = timedelta(seconds=5)

type Found = tuple[str, str, Sequence[Step]]


def made_with(clients: Clients, subject: Subject, since: datetime) -> list[Made]:
    return _Following(clients, subject).all(since)


class _Following:
    def __init__(self, clients: Clients, subject: Subject):
        self.clients = clients
        self.subject = subject
        self.partition = clients.partition
        self.followed = {subject.credential}
        self.waiting: list[tuple[str, str]] = []

    def all(self, since: datetime) -> list[Made]:
        found = [(event, self.subject) for event in events_of(self.clients, self.subject, since)]
        made: dict[tuple[str, str], Made] = {}
        while found:
            for event, by in found:
                if event.error:
                    continue
                for kind, name, steps in self._found(event, by):
                    entry = Made(kind, name, event.at, event.id, event.address, steps)
                    made.setdefault((kind, name), entry)
            found = self._next(since)
        return sorted(made.values(), key=lambda one: (one.at, one.kind, one.name))

    def _next(self, since: datetime) -> list[tuple[Event, Subject]]:
        """The events of one more key that was made, if any is left to be followed."""
        while self.waiting and len(self.followed) <= MOST_KEYS:
            key, name = self.waiting.pop(0)
            if key in self.followed:
                continue
            self.followed.add(key)
            account = self.subject.account
            by = Subject(
                system=self.subject.system,
                system_kind=self.subject.system_kind,
                account=account,
                identity=name,
                identity_kind="iam-user",
                identity_id="",
                credential=key,
            )
            found = events(self.clients, account, "AccessKeyId", key, since)
            if found:
                return [(event, by) for event in found]
        return []

    def _found(self, event: Event, by: Subject) -> Iterator[Found]:
        reader = READERS.get(event.name)
        if reader is not None and event.service in {"iam", "sts"}:
            yield from reader(self, event, by)

    def follow(self, key: object, name: str) -> None:
        if isinstance(key, str) and key.startswith(PREFIXES):
            self.waiting.append((key, name))

    def holder(self, kind: str, name: str) -> Holder:
        return Holder(kind, name, self.subject.account, self.partition)

    def user(self, event: Event, by: Subject) -> Holder:
        """Whom a call is about: the caller itself, where it names nobody."""
        return self.holder("user", str(event.asked("userName") or by.identity))


def _named(event: Event) -> str:
    return f"countersign-made-{event.id[:13]}"


def _identity(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    kind = "role" if "Role" in event.name else "user"
    holder = following.holder(kind, str(event.asked(f"{kind}Name")))
    yield "identity", f"{kind} {holder.name}", [deny_step(holder, ["*"], _named(event))]


def _access_key(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    holder = following.user(event, by)
    told = event.answered("accessKey", "accessKeyId") or event.asked("accessKeyId")
    for key in [str(told)] if told else _keys_made_at(following, holder, event.at):
        following.follow(key, holder.name)
        yield "access key", f"{key} of {holder.name}", _switched_off(holder, "access-key", key)


def _reactivated(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    if str(event.asked("status")) == "Active":
        yield from _access_key(following, event, by)


def _keys_made_at(following: _Following, holder: Holder, at: datetime) -> list[str]:
    try:
        said = following.clients.call(
            "iam", "list_access_keys", account=holder.account, **holder.param
        )
    except Absent:
        return []
    listed = said["AccessKeyMetadata"]
    return [key["AccessKeyId"] for key in listed if abs(key["CreateDate"] - at) <= CLOSE]


def _service_credential(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    holder = following.user(event, by)
    key = str(
        event.answered("serviceSpecificCredential", "serviceSpecificCredentialId")
        or event.asked("serviceSpecificCredentialId")
    )
    if key:
        steps = _switched_off(holder, "api-key", key)
        yield "service credential", f"{key} of {holder.name}", steps


def _switched_off(holder: Holder, kind: str, key: str) -> list[Step]:
    what = SWITCHED[kind]
    named = {**holder.option, what.option: key}
    arguments = {**holder.told, "what": kind, "id": key}
    return [
        Step(
            f"Disable {key} of {holder.name}.",
            command(f"iam update-{what.call}", **named, status="Inactive"),
            undo=command(f"iam update-{what.call}", **named, status="Active"),
            reversible=True,
            op="key.disable",
            arguments=arguments,
            effective_seconds=SETTLES_IN,
        ),
        Step(
            f"Delete {key} of {holder.name}.",
            command(f"iam delete-{what.call}", **named),
            op="key.delete",
            arguments=arguments,
            when=When.LATER,
            effective_seconds=SETTLES_IN,
        ),
    ]


def _password(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    holder = following.user(event, by)
    step = Step(
        f"Delete the console password of {holder.name}.",
        command("iam delete-login-profile", **holder.option),
        op="password.delete",
        arguments=holder.told,
        effective_seconds=SETTLES_IN,
    )
    yield "password", f"console password of {holder.name}", [step]


def _inline(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    """A policy written into a user, role, or group; what it said before, if it was there, no
    event tells."""
    holder = following.holder(*_whose(event))
    policy = str(event.asked("policyName"))
    named = {**holder.option, "policy_name": policy}
    arguments = {**holder.told, "policy": policy}
    keep = Step(
        f"Keep the text of the inline policy {policy} of {holder.name}.",
        f"{command(f'iam get-{holder.kind}-policy', **named)} > made-policy.json",
        op="inline.keep",
        arguments=arguments,
    )
    delete = Step(
        f"Delete the inline policy {policy} of {holder.kind} {holder.name}.",
        command(f"iam delete-{holder.kind}-policy", **named),
        op="inline.delete",
        arguments=arguments,
        effective_seconds=SETTLES_IN,
    )
    yield "policy", f"{policy} in {holder.kind} {holder.name}", [keep, delete]


def _attached(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    holder = following.holder(*_whose(event))
    arn = str(event.asked("policyArn"))
    named = {**holder.option, "policy_arn": arn}
    step = Step(
        f"Detach {arn} from {holder.kind} {holder.name}.",
        command(f"iam detach-{holder.kind}-policy", **named),
        op="managed.detach",
        arguments={**holder.told, "arn": arn},
        effective_seconds=SETTLES_IN,
    )
    yield "policy", f"{arn} on {holder.kind} {holder.name}", [step]


def _whose(event: Event) -> tuple[str, str]:
    kind = next(kind for kind in ("user", "role", "group") if kind in event.name.lower())
    return kind, str(event.asked(f"{kind}Name"))


def _version(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    arn = str(event.asked("policyArn"))
    if event.name == "CreatePolicyVersion" and not _is_true(event.asked("setAsDefault")):
        return
    step = Step(
        f"Put the version of {arn} back in force that was there before.",
        command("iam set-default-policy-version", policy_arn=arn, version_id="OLD-VERSION"),
        op="managed.back",
        arguments={
            "account": following.subject.account,
            "arn": arn,
            "before": event.at.isoformat(),
        },
        effective_seconds=SETTLES_IN,
    )
    yield "policy", f"version in force of {arn}", [step]


def _trust(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    role = following.holder("role", str(event.asked("roleName")))
    back = Step(
        f"Put the trust policy of {role.name} back: no event tells what it said before.",
        command(
            "iam update-assume-role-policy",
            **role.option,
            policy_document="file://old-trust-policy.json",
        ),
    )
    yield (
        "trust",
        f"who may become {role.name}",
        [
            sessions_end(role, _named(event), event.at),
            back,
        ],
    )


def _member(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    user, group = following.user(event, by), str(event.asked("groupName"))
    step = Step(
        f"Take {user.name} out of the group {group}.",
        command("iam remove-user-from-group", **user.option, group_name=group),
        op="group.leave",
        arguments={**user.told, "group": group},
        effective_seconds=SETTLES_IN,
    )
    yield "membership", f"{user.name} in {group}", [step]


def _role_session(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    arn = str(event.asked("roleArn"))
    parts = arn.split(":")
    if len(parts) < 6:
        return
    role = Holder("role", arn.rpartition("/")[2], parts[4], parts[1])
    following.follow(event.answered("credentials", "accessKeyId"), role.name)
    yield "session", f"session of {arn}", [sessions_end(role, _named(event), event.at)]


def _user_session(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    user = following.holder("user", by.identity)
    following.follow(event.answered("credentials", "accessKeyId"), user.name)
    yield "session", f"session of {user.name}", [sessions_end(user, _named(event), event.at)]


def _sign_in(following: _Following, event: Event, by: Subject) -> Iterator[Found]:
    """A provider whose word AWS takes from then on: only a person can say what it is for."""
    kind = "saml" if "SAML" in event.name else "open-id-connect"
    arn = str(
        event.asked("sAMLProviderArn")
        or event.answered("sAMLProviderArn")
        or event.answered("openIDConnectProviderArn")
        or event.asked("name")
        or event.asked("url")
    )
    option = "saml_provider_arn" if kind == "saml" else "open_id_connect_provider_arn"
    step = Step(
        f"Delete the identity provider {arn}, if nobody else needs it.",
        command(f"iam delete-{kind}-provider", **{option: arn}),
    )
    yield "identity provider", arn, [step]


def _is_true(value: object) -> bool:
    return str(value).lower() in {"true", "1"}


READERS: dict[str, Callable[[_Following, Event, Subject], Iterator[Found]]] = {
    "AddUserToGroup": _member,
    "AssumeRole": _role_session,
    "AttachGroupPolicy": _attached,
    "AttachRolePolicy": _attached,
    "AttachUserPolicy": _attached,
    "CreateAccessKey": _access_key,
    "CreateLoginProfile": _password,
    "CreateOpenIDConnectProvider": _sign_in,
    "CreatePolicyVersion": _version,
    "CreateRole": _identity,
    "CreateSAMLProvider": _sign_in,
    "CreateServiceSpecificCredential": _service_credential,
    "CreateUser": _identity,
    "GetFederationToken": _user_session,
    "GetSessionToken": _user_session,
    "PutGroupPolicy": _inline,
    "PutRolePolicy": _inline,
    "PutUserPolicy": _inline,
    "ResetServiceSpecificCredential": _service_credential,
    "SetDefaultPolicyVersion": _version,
    "UpdateAccessKey": _reactivated,
    "UpdateAssumeRolePolicy": _trust,
    "UpdateLoginProfile": _password,
    "UpdateSAMLProvider": _sign_in,
}
