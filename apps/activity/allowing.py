"""Whether a grant would have allowed an API call, as far as its statements and the log tell.

One rule for all that is said of it. Where the record does not tell enough, it cannot be told: then
the call counts as use, so that nothing is called unused because a log says little; and it is not
said to lie outside the grants either.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum, IntEnum
from functools import lru_cache
from typing import Any

from apps.activity.arns import arn_of_queue, bare_type
from apps.activity.conventions.bounds import NAME
from apps.activity.conventions.calls import level_of
from apps.grants.patterns import matcher
from apps.grants.states import LEVEL_RANK, Level

# Raise it when a rule here changes: all use is then measured anew.
VERSION = 3

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
# Whom it lets somebody become is for the trust of what they become: no grant of theirs tells.
BY_TRUST = frozenset({"sts:AssumeRole"})
# Lambda's events carry the version of its API: ListFunctions20150331.
API_VERSION = re.compile(r"20\d{6}(v\d)?$")
SEPARATORS = re.compile(r"[:./ ]")
SUFFIX = re.compile(r"-[A-Za-z0-9]{6}$")


class Allows(Enum):
    NEVER = "never"
    ALWAYS = "always"
    BY_TARGET = "by target"


class Judged(IntEnum):
    """Lowest first: of several grants the highest holds."""

    OUTSIDE = 0
    UNTOLD = 1
    ALLOWED = 2


@dataclass(frozen=True, slots=True)
class Line:
    """One statement of a grant, or a limit beside it. One that `caps` allows nothing by itself:
    what it names is held only where some such line holds. What a boundary allows without narrowing
    it is no line beside a grant, and what it does not name is in no statement of one."""

    denies: bool
    actions: tuple[str, ...]
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    is_conditional: bool = False
    caps: bool = False

    @property
    def allows(self) -> bool:
        return not (self.denies or self.caps)

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
        return any(line.actions for line in self.lines if line.allows)


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
    denies = statement.get("effect") == "deny"
    return Line(
        denies=denies,
        caps=not denies and statement.get("origin") == "boundary",
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
    if judge(held, call, "") == Judged.OUTSIDE:
        return Allows.NEVER
    if not held.names_actions:
        return Allows.ALWAYS
    named = [line for line in held.lines if _names(line, call)]
    allowing = [line for line in named if line.allows]
    caps = [line for line in named if line.caps]
    is_free = all(any(one.is_anywhere for one in lines) for lines in (allowing, caps) if lines)
    if call.kind == "vault" or not is_free or any(_surely_denies(line) for line in named):
        return Allows.BY_TARGET
    return Allows.ALWAYS


def allows_on(held: Held, call: Call, target: str) -> bool:
    """Whether it may have allowed the call on this target: what use is counted by."""
    return judge(held, call, target) != Judged.OUTSIDE


def judged(held: Iterable[Held], call: Call, target: str) -> Judged:
    """Whether these grants together allowed the call, on what its record names; blank: nothing."""
    return max((judge(one, call, target) for one in held), default=Judged.OUTSIDE)


def judge(held: Held, call: Call, target: str) -> Judged:
    """Whether one grant allowed it: what allows, held back by what denies and what caps."""
    if not held.names_actions:
        return Judged.UNTOLD if _by_level(held, call) else Judged.OUTSIDE
    named = [line for line in held.lines if _names(line, call)]
    allowed = _holds([line for line in named if line.allows], call, target)
    denied = _holds([line for line in named if line.denies], call, target)
    caps = [line for line in named if line.caps]
    capped = _holds(caps, call, target) if caps else Judged.ALLOWED
    return min(allowed, Judged(Judged.ALLOWED - denied), capped)


def hangs_on_resources(held: Held, call: Call) -> bool:
    """Whether what a call was made on may tell more than its name."""
    if not held.names_actions:
        return False
    named = [line for line in held.lines if _names(line, call)]
    return any(call.kind == "vault" or not line.is_anywhere for line in named)


def places_of(held: Held, call: Call) -> list[str]:
    """The resources for which a grant names a call, as its statements write them."""
    lines = [line for line in held.lines if line.allows and _names(line, call)]
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


def _surely_denies(line: Line) -> bool:
    """A denial under conditions may not have held."""
    return line.denies and not line.is_conditional


def _holds(lines: Iterable[Line], call: Call, target: str) -> Judged:
    """Whether one of these lines, which name the call, holds for it."""
    return max((_holds_for(line, call, target) for line in lines), default=Judged.OUTSIDE)


def _holds_for(line: Line, call: Call, target: str) -> Judged:
    """No record tells of the conditions under which a line holds."""
    place = _place(line, call, target)
    return min(place, Judged.UNTOLD) if line.is_conditional else place


def _names(line: Line, call: Call) -> bool:
    if call.kind == "vault":
        return any(_capability(action) in _capabilities(line, call) for action in line.actions)
    return any(_is_action(action, name) for action in line.actions for name in call.actions)


def _is_action(action: str, name: str) -> bool:
    """`contacts:read` and `contacts.read` are one action, written by two people."""
    if matcher(action).fullmatch(name):
        return True
    return matcher(_plain(action)).fullmatch(_plain(name)) is not None


@lru_cache(maxsize=8192)
def _plain(text: str) -> str:
    return SEPARATORS.sub(":", text)


def _place(line: Line, call: Call, target: str) -> Judged:
    """Whether a line speaks of what was called on."""
    if call.kind == "vault":
        return _on_path(line, call, target) if target else Judged.UNTOLD
    if not target:
        return Judged.ALLOWED if line.is_anywhere else Judged.UNTOLD
    left_out = max((_is_it(one, call, target) for one in line.not_resources), default=0)
    named = Judged.ALLOWED
    if line.resources and "*" not in line.resources:
        named = max(_is_it(one, call, target) for one in line.resources)
    return min(named, Judged(Judged.ALLOWED - left_out))


def _on_path(line: Line, call: Call, path: str) -> Judged:
    """Of denials the more exact path goes before, so that one by a pattern may not have held."""
    found = [one for one in _paths(line, call) if _is_path(one, path)]
    if not found:
        return Judged.OUTSIDE
    is_sure = not line.denies or any(one == path for one in found)
    return Judged.ALLOWED if is_sure else Judged.UNTOLD


def _is_it(pattern: str, call: Call, target: str) -> Judged:
    """Whether a resource is what the record names. Where the two name things of different types,
    or things by different names, that they differ says nothing."""
    if target.startswith(("https://", "http://")) and call.service == "sqs":
        target = arn_of_queue(target)
        if not target:
            return Judged.UNTOLD
    found = _is_on(pattern, target)
    if found != Judged.OUTSIDE or call.kind != "aws":
        return found
    if len(target) >= NAME and _may_begin(pattern, target):
        return Judged.UNTOLD
    return Judged.OUTSIDE if _is_another(pattern, call, target) else Judged.UNTOLD


def _may_begin(pattern: str, target: str) -> bool:
    """Whether a target so long that its column cut it may go on as a pattern says."""
    plain = re.split(r"[*?]", pattern, maxsplit=1)[0][: len(target)]
    return target.startswith(plain)


def _is_another(pattern: str, call: Call, target: str) -> bool:
    parts = pattern.split(":", 5)
    if len(parts) < 6:
        return False
    service = parts[2]
    if not target.startswith("arn:"):
        type_of_name = bare_type(service, call.name.partition(":")[2])
        return service == call.service and type_of_name == _type_of(parts)
    named = target.split(":", 5)
    if len(named) < 6 or named[2] != call.service:
        return False
    return service != named[2] or _type_of(parts) == _type_of(named)


def _type_of(parts: list[str]) -> str:
    """What type of thing an ARN names; a bucket, a topic, a queue say none."""
    if parts[2] == "s3" and not parts[3]:
        return ""
    head, *rest = re.split("[/:]", parts[5], maxsplit=1)
    return head if rest else ""


def _is_on(pattern: str, target: str) -> Judged:
    """Whether a resource is what the log names: an ARN, its name alone, or any text."""
    if pattern == "*" or matcher(pattern).fullmatch(target):
        return Judged.ALLOWED
    parts = pattern.split(":", 5)
    if parts[0] != "arn" or len(parts) < 6:
        return Judged.OUTSIDE
    if target.startswith("arn:"):
        return Judged.ALLOWED if matcher(pattern).fullmatch(f"{target}/") else Judged.OUTSIDE
    if parts[2] == "s3":
        return _is_within(parts[5], target)
    return _is_called(parts[2], parts[5], target)


def _is_within(named: str, target: str) -> Judged:
    """In S3: where a bucket is all that is told, it may have been anything in it."""
    if matcher(named).fullmatch(target):
        return Judged.ALLOWED
    (bucket, _, within), (told, _, key) = named.partition("/"), target.partition("/")
    if key or not matcher(bucket).fullmatch(told):
        return Judged.OUTSIDE
    return Judged.ALLOWED if within in {"", "*"} else Judged.UNTOLD


def _is_called(service: str, named: str, target: str) -> Judged:
    """By the name of a thing: all of it, with or without its type. Of a name that is only a piece
    of it, or of any name of its type, it cannot be told whether the two are one."""
    name = re.split("[/:]", named, maxsplit=1)[-1]
    whole = {named, *({name} - {"*"})}
    # A secret's ARN ends in six characters that whoever asks by name leaves out.
    texts = [target, f"{target}-xxxxxx"] if service == "secretsmanager" else [target]
    if any(matcher(one).fullmatch(text) for one in whole for text in texts):
        return Judged.ALLOWED
    begins = {name[: one.start()] for one in re.finditer("[/:]", name)}
    pieces = {name, *begins, *({re.split("[/:]", name)[-1]} - {"*"})}
    if service == "secretsmanager":
        pieces |= {SUFFIX.sub("", name)}
    is_piece = any(matcher(one).fullmatch(text) for one in pieces for text in texts)
    return Judged.UNTOLD if is_piece else Judged.OUTSIDE


def _capability(action: str) -> str:
    return action.partition(" ")[0]


def _capabilities(line: Line, call: Call) -> set[str]:
    """What a line may say for it to be about this call: Vault denies all of a path at once."""
    return {call.name.removeprefix("vault:"), "*"} | ({"deny"} if line.denies else set())


def _paths(line: Line, call: Call) -> Iterable[str]:
    """The paths of a line for which it has the call's capability."""
    for action in line.actions:
        capability, _, path = action.partition(" ")
        if capability in _capabilities(line, call):
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
