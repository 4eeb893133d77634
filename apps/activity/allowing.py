"""Whether a grant would have allowed an API call, as far as its statements and the log tell.

On doubt it would have: use is not hidden, and nothing is called unused because a log says little.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from apps.activity.conventions.calls import level_of
from apps.grants.patterns import matcher
from apps.grants.states import LEVEL_RANK, Level

# Raise it when a rule here changes: all use is then measured anew.
VERSION = 1

# Where CloudTrail calls a service or a call otherwise than IAM calls what allows it.
AWS_SERVICES = {
    "monitoring": "cloudwatch",
    "email": "ses",
    "tagging": "tag",
    "streams.dynamodb": "dynamodb",
    "models.lex": "lex",
    "signin": "sts",
}
AWS_CALLS = {
    "s3:listobjects": "s3:ListBucket",
    "s3:listobjectsv2": "s3:ListBucket",
    "s3:headbucket": "s3:ListBucket",
    "s3:listbuckets": "s3:ListAllMyBuckets",
    "s3:listobjectversions": "s3:ListBucketVersions",
    "s3:headobject": "s3:GetObject",
    "s3:copyobject": "s3:PutObject",
    "s3:createmultipartupload": "s3:PutObject",
    "s3:uploadpart": "s3:PutObject",
    "s3:completemultipartupload": "s3:PutObject",
    "s3:deleteobjects": "s3:DeleteObject",
    "s3:getbucketencryption": "s3:GetEncryptionConfiguration",
    "s3:putbucketencryption": "s3:PutEncryptionConfiguration",
    "lambda:invoke": "lambda:InvokeFunction",
}
# What AWS lets anybody call who signs in: no statement allows it, and no task need name it.
FREE = frozenset({"sts:GetCallerIdentity", "sts:GetSessionToken", "signin:ConsoleLogin"})
# Lambda's events carry the version of its API: ListFunctions20150331.
API_VERSION = re.compile(r"20\d{6}(v\d)?$")
SEPARATORS = re.compile(r"[:./ ]")


class Allows(Enum):
    NEVER = "never"
    ALWAYS = "always"
    BY_TARGET = "by target"


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of a grant, or a limit beside it."""

    denies: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    is_conditional: bool = False

    @property
    def is_anywhere(self) -> bool:
        return not self.not_resources and (not self.resources or "*" in self.resources)


@dataclass(frozen=True, slots=True)
class Held:
    """A grant as it is matched."""

    grant_id: int
    kind: str
    service: str
    level: str
    lines: tuple[Line, ...]

    @property
    def names_actions(self) -> bool:
        return any(line.actions for line in self.lines if not line.denies)


@dataclass(frozen=True, slots=True)
class Call:
    """An API call's name on a kind of system, and what the catalogue of permissions says of it."""

    kind: str
    name: str
    level: str
    service: str

    @property
    def actions(self) -> tuple[str, ...]:
        """What a statement that allows it may call it."""
        return _aws_actions(self.name) if self.kind == "aws" else (self.name,)


def line_of(statement: Mapping[str, Any]) -> Line:
    """From a statement's columns, or from a limit as it is kept beside a grant."""
    return Line(
        denies=statement.get("effect") == "deny",
        actions=tuple(statement.get("actions") or ()),
        resources=tuple(statement.get("resources") or ()),
        not_resources=tuple(statement.get("not_resources") or ()),
        is_conditional=bool(statement.get("conditions")),
    )


def call_of(kind: str, name: str, known: tuple[str, str] | None) -> Call:
    """`known` is the level and service that the catalogue gives this name, if it knows it."""
    service, _, verb = name.partition(":")
    if not verb:
        service, _, verb = name.rpartition(".")
    if kind == "aws":
        service = AWS_SERVICES.get(service, service)
    if known is not None:
        return Call(kind, name, known[0], known[1] or service)
    return Call(kind, name, level_of(verb) or level_of(verb.capitalize()) or Level.WRITE, service)


def allows(held: Held, call: Call) -> Allows:
    """Before it is known on what: a name alone tells it always, never, or for some targets."""
    if not held.names_actions:
        return Allows.ALWAYS if _by_level(held, call) else Allows.NEVER
    lines = [line for line in held.lines if not line.denies and _names(line, call)]
    if not lines:
        return Allows.NEVER
    denied = [line for line in held.lines if _denies(line, call)]
    if any(line.is_anywhere for line in denied):
        return Allows.NEVER
    if call.kind == "vault" or denied or not any(line.is_anywhere for line in lines):
        return Allows.BY_TARGET
    return Allows.ALWAYS


def allows_on(held: Held, call: Call, target: str) -> bool:
    """Whether it would have allowed the call on this target. A log that tells none leaves doubt."""
    verdict = allows(held, call)
    if verdict != Allows.BY_TARGET or not target:
        return verdict != Allows.NEVER
    if any(_denies(line, call) and _holds_for(line, call, target) for line in held.lines):
        return False
    return any(
        _holds_for(line, call, target)
        for line in held.lines
        if not line.denies and _names(line, call)
    )


def places_of(held: Held, call: Call) -> list[str]:
    """The resources for which a grant names a call, as its statements write them."""
    lines = [line for line in held.lines if not line.denies and _names(line, call)]
    places: dict[str, None] = {}
    for line in lines:
        of = _paths(line, call) if call.kind == "vault" else line.resources
        places |= dict.fromkeys(of)
        places |= dict.fromkeys(f"all but {one}" for one in line.not_resources)
    return list(places)


def _by_level(held: Held, call: Call) -> bool:
    """Without statements: its service, at its level or below."""
    same = held.service in {"", "*"} or held.service.lower() == call.service.lower()
    return same and LEVEL_RANK[call.level] <= LEVEL_RANK[held.level]


def _denies(line: Line, call: Call) -> bool:
    """A denial under conditions may not have held."""
    return line.denies and not line.is_conditional and _names(line, call)


def _names(line: Line, call: Call) -> bool:
    if call.kind == "vault":
        operation = call.name.removeprefix("vault:")
        return any(_capability(action) in {operation, "*"} for action in line.actions)
    return any(_is_action(action, name) for action in line.actions for name in call.actions)


def _is_action(action: str, name: str) -> bool:
    """`contacts:read` and `contacts.read` are one action, written by two people."""
    if matcher(action).fullmatch(name):
        return True
    plain = SEPARATORS.sub(":", action)
    return matcher(plain).fullmatch(SEPARATORS.sub(":", name)) is not None


def _holds_for(line: Line, call: Call, target: str) -> bool:
    if call.kind == "vault":
        return any(_is_path(path, target) for path in _paths(line, call))
    if any(matcher(one).fullmatch(target) for one in line.not_resources):
        return False
    return line.is_anywhere or any(_is_on(one, target) for one in line.resources)


def _is_on(pattern: str, target: str) -> bool:
    """Whether a resource may be what the log names: an ARN, its name alone, or any text."""
    if pattern == "*" or matcher(pattern).fullmatch(target):
        return True
    if not pattern.startswith("arn:"):
        return False
    if target.startswith("arn:"):
        return matcher(pattern).fullmatch(f"{target}/") is not None
    parts = pattern.split(":", 5)
    named = parts[-1]
    if len(parts) > 2 and parts[2] == "s3":
        return matcher(named.partition("/")[0]).fullmatch(target.partition("/")[0]) is not None
    kept = {named, re.split("[/:]", named, maxsplit=1)[-1], re.split("[/:]", named)[-1]}
    # A secret's ARN ends in six characters that whoever asks by name leaves out.
    return any(
        matcher(one).fullmatch(text) for one in kept for text in (target, f"{target}-xxxxxx")
    )


def _capability(action: str) -> str:
    return action.partition(" ")[0]


def _paths(line: Line, call: Call) -> Iterable[str]:
    """The paths of a line for which it has the call's capability."""
    operation = call.name.removeprefix("vault:")
    for action in line.actions:
        capability, _, path = action.partition(" ")
        if capability in {operation, "*"}:
            yield from (path,) if path else line.resources


def _is_path(pattern: str, path: str) -> bool:
    """In Vault `+` stands for one segment, and `*` only at the end for the rest."""
    rest = pattern.endswith("*")
    parts = re.escape(pattern.removesuffix("*")).replace(r"\+", "[^/]+")
    return re.fullmatch(parts + (".*" if rest else ""), path, re.DOTALL) is not None


def _aws_actions(name: str) -> tuple[str, ...]:
    service, _, call = name.partition(":")
    service, call = AWS_SERVICES.get(service, service), API_VERSION.sub("", call)
    plain = f"{service}:{call}"
    other = AWS_CALLS.get(plain.lower())
    return (other,) if other else (plain,)
