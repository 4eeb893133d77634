"""Vault's policies: what a text allows, what that makes possible, and the text without some of it.

An action is a capability and the path it holds for, "update secret/data/crm/*": a level says
nothing without the path.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.connectors.adapters.contract import ADMIN, READ, WRITE
from apps.grants import patterns

SOURCE = "rules for Vault's paths"
VERSION = "1"
DENY = "deny"
CHANGING = ("create", "update", "patch", "delete")
CAPABILITIES = ("read", "list", "scan", "create", "update", "patch", "delete", "sudo", "subscribe")
# The form before capabilities.
OLD_FORM = {
    "deny": (DENY,),
    "read": ("read", "list"),
    "write": ("create", "read", "update", "delete", "list"),
    "sudo": ("create", "read", "update", "delete", "list", "sudo"),
}
EVERYTHING = 'path "*" { capabilities = ["create","read","update","patch","delete","list","sudo"] }'
# What a token may do with itself, and calls that change nothing though they are updates.
SELF_SERVICE = (
    "auth/token/*-self",
    "auth/token/lookup*",
    "cubbyhole/*",
    "sys/capabilities*",
    "sys/renew*",
    "sys/leases/renew*",
    "sys/leases/lookup*",
    "sys/wrapping/*",
    "sys/tools/*",
    "sys/internal/*",
    "sys/control-group/request",
    "identity/lookup/*",
    "identity/oidc/provider/*/authorize",
)
ADMIN_AREAS = ("sys/*", "auth/*", "identity/*")
MINTS = (
    "auth/token/create*",
    "auth/*/secret-id",
    "auth/*/custom-secret-id",
    "sys/generate-root*",
    "identity/oidc/token/*",
)
# Within a mount: what only describes. Everything else that is read may be a secret.
DESCRIBES = {"metadata", "config", "roles", "role", "subkeys", "keys", "static-roles", "library"}
ENGINE_MINTS = {
    *("creds", "static-creds", "sts", "issue", "sign", "sign-verbatim", "decrypt", "datakey"),
}
ENGINES = {
    *("aws", "azure", "consul", "database", "gcp", "kubernetes", "ldap", "pki", "ssh", "transit"),
}
HIDES = {"encrypt", "verify", "hash", "hmac", "random", "rewrap"}
TOKEN = re.compile(
    r'#[^\n]*|//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\])*"|[{}\[\]=,]|[^\s{}\[\]=,"#]+', re.DOTALL
)


class BadPolicy(Exception):
    """A text that does not read as a policy."""


@dataclass(frozen=True, slots=True)
class Stanza:
    """One path of a policy. `span` and `list_span` are where it stands in the text."""

    path: str
    capabilities: tuple[str, ...]
    limits: tuple[str, ...] = ()
    span: tuple[int, int] = field(default=(0, 0), compare=False)
    list_span: tuple[int, int] = field(default=(0, 0), compare=False)

    @property
    def actions(self) -> tuple[str, ...]:
        return tuple(f"{name} {self.path}" for name in self.capabilities if name != DENY)

    @property
    def denies(self) -> bool:
        return DENY in self.capabilities


def split(action: str) -> tuple[str, str]:
    """An action as capability and path."""
    capability, _, path = action.partition(" ")
    return capability, path


def read(text: str) -> list[Stanza]:
    """The paths of a policy in HCL or JSON, in their order."""
    if text.lstrip().startswith("{"):
        return _from_json(text)
    return list(_Reader(text).stanzas())


def without(text: str, removed: Iterable[str]) -> str:
    """The same text without these actions. A path that keeps nothing goes with its block."""
    gone: dict[str, set[str]] = {}
    for capability, path in map(split, removed):
        gone.setdefault(path, set()).add(capability)
    if text.lstrip().startswith("{"):
        return _json_without(text, gone)
    for stanza in reversed(read(text)):
        dropped = gone.get(stanza.path, set()) & set(stanza.capabilities)
        if not dropped:
            continue
        kept = [name for name in stanza.capabilities if name not in dropped]
        if kept:
            (begin, end), put = stanza.list_span, f"capabilities = {_listed(kept)}"
        else:
            (begin, end), put = _whole_lines(text, stanza.span), ""
        text = text[:begin] + put + text[end:]
    return text


def written(paths: Mapping[str, Sequence[str]]) -> str:
    """A policy of these paths and their capabilities."""
    return "".join(
        f"path {json.dumps(path, ensure_ascii=False)} {{\n  capabilities = {_listed(names)}\n}}\n"
        for path, names in paths.items()
    )


def level_of(action: str) -> str:
    """What an action is able to do. Reading a secret counts as a write, as everywhere."""
    capability, path = split(action)
    if capability == "sudo":
        return ADMIN
    if capability in {"read", "list", "scan", "subscribe"}:
        return WRITE if reads_secrets(action) else READ
    if _within(path, SELF_SERVICE):
        return READ
    return ADMIN if _touches(path, ADMIN_AREAS) else WRITE


def tags_of(action: str) -> dict[str, str]:
    """The capability tags of an action, each with its evidence."""
    capability, path = split(action)
    level = level_of(action)
    tags = {}
    if reads_secrets(action):
        tags["reads-secrets"] = f"{capability} on {path} gives out credentials"
    if level == ADMIN:
        tags["grants-access"] = "changes who may do what"
    elif level == WRITE and capability == "delete":
        tags["deletes"] = "capability delete"
    elif level == WRITE and capability in CHANGING and "reads-secrets" not in tags:
        tags["changes"] = f"capability {capability}"
    return tags


def reads_secrets(action: str) -> bool:
    """Whether an action returns or mints credentials."""
    capability, path = split(action)
    if capability in {"list", "scan", "subscribe"} or _within(path, SELF_SERVICE):
        return False
    if capability in CHANGING and capability != "delete" and _touches(path, MINTS):
        return True
    if capability in {"sudo", "delete"} or path.startswith(("sys/", "identity/", "auth/")):
        return False
    inner = path.split("/")[1:]
    if capability == "read":
        return not (set(inner[:1]) & (DESCRIBES | HIDES))
    engine = path.split("/")[0]
    return bool(set(inner) & ENGINE_MINTS) or (
        engine in {"*", "+"} or (inner in (["*"], ["+", "*"]) and engine in ENGINES)
    )


def service_of(path: str, mounts: Iterable[str] = ()) -> str:
    """The mount a path lies in, or what stands in its place."""
    inside = [mount for mount in mounts if path.startswith(f"{mount}/") or path == mount]
    if inside:
        return max(inside, key=len)[:80]
    parts = path.split("/")
    if parts[0] in {"", "*", "+"} or "*" in parts[0]:
        return "*"
    if parts[0] == "auth" and len(parts) > 1 and not set("*+") & set(parts[1]):
        return f"auth/{parts[1]}"[:80]
    return parts[0][:80]


def covers(pattern: str, path: str) -> bool:
    """Whether a policy's path is certain to hold for another path."""
    ends_open = pattern.endswith("*")
    given = pattern.rstrip("*").split("/")
    asked = path.split("/")
    if ends_open:
        *whole, begun = given
        if len(asked) < len(given) or not asked[len(whole)].startswith(begun):
            return False
        asked = asked[: len(whole)]
        given = whole
    return len(given) == len(asked) and all(
        one in ("+", other) for one, other in zip(given, asked, strict=True)
    )


def _touches(path: str, areas: Iterable[str]) -> bool:
    """Whether a path may reach into one of these."""
    mine = path.replace("+", "*")
    return any(patterns.overlap(mine, area.replace("+", "*")) for area in areas)


def _within(path: str, areas: Iterable[str]) -> bool:
    return any(patterns.covers(area, path) for area in areas)


def _from_json(text: str) -> list[Stanza]:
    try:
        paths = json.loads(text).get("path", {})
        return [Stanza(path, _capabilities(body), _limits(body)) for path, body in paths.items()]
    except (ValueError, AttributeError, TypeError) as error:
        raise BadPolicy("It is no policy in JSON.") from error


def _json_without(text: str, gone: Mapping[str, set[str]]) -> str:
    document = json.loads(text)
    paths = document.get("path", {})
    for path in list(paths):
        before = _capabilities(paths[path])
        kept = [name for name in before if name not in gone.get(path, ())]
        if not kept:
            del paths[path]
        elif len(kept) < len(before):
            paths[path].pop("policy", None)
            paths[path]["capabilities"] = kept
    return json.dumps(document, indent=2)


def _capabilities(body: Mapping[str, Any]) -> tuple[str, ...]:
    names = body.get("capabilities")
    if names is None:
        return OLD_FORM.get(str(body.get("policy", "")), ())
    return tuple(str(name) for name in names)


def _limits(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name for name in names if name not in {"capabilities", "policy"})


def _listed(names: Iterable[str]) -> str:
    return "[" + ", ".join(json.dumps(name) for name in names) + "]"


def _whole_lines(text: str, span: tuple[int, int]) -> tuple[int, int]:
    """A block with the line breaks after it, so that none is left empty."""
    begin, end = span
    while end < len(text) and text[end] in " \t":
        end += 1
    while end < len(text) and text[end] == "\n":
        end += 1
    return begin, end


class _Reader:
    """Reads HCL as far as policies use it: blocks of paths, lists of words, and what to skip."""

    def __init__(self, text: str):
        self.text = text
        found = (one for one in TOKEN.finditer(text) if not one[0].startswith(("#", "//", "/*")))
        self.tokens = [(one[0], one.start(), one.end()) for one in found]
        self.at = 0

    def stanzas(self) -> Iterator[Stanza]:
        while self.at < len(self.tokens):
            word, begin, _ = self._next()
            if _bare(word) == "path" and self._peek(1) == "{":
                yield self._stanza(_bare(self._next()[0]), begin)
            elif self._peek() == "=":
                self._next()
                self._skip()
            else:
                raise BadPolicy(f"It says {word!r} where a path was expected.")

    def _stanza(self, path: str, begin: int) -> Stanza:
        self._next()
        names: tuple[str, ...] = ()
        limits: list[str] = []
        listed = (0, 0)
        while (word := self._next())[0] != "}":
            name = _bare(word[0])
            if name == ",":
                continue
            if self._peek() == "=":
                self._next()
            if name in {"capabilities", "policy"}:
                starts = word[1]
                values, ends = self._values()
                names = values if name == "capabilities" else OLD_FORM.get(values[0], ())
                listed = (starts, ends)
            else:
                limits.append(name)
                self._skip()
        return Stanza(path, names, tuple(limits), (begin, word[2]), listed)

    def _values(self) -> tuple[tuple[str, ...], int]:
        word, _, end = self._next()
        if word != "[":
            return (_bare(word),), end
        values = []
        while (word := self._next()[0]) != "]":
            if word != ",":
                values.append(_bare(word))
        return tuple(values), self.tokens[self.at - 1][2]

    def _skip(self) -> None:
        """Pass over one value, with all that is in its brackets."""
        depth = 0
        while True:
            word = self._next()[0]
            depth += (word in "{[") - (word in "}]")
            if depth == 0:
                return

    def _peek(self, ahead: int = 0) -> str:
        at = self.at + ahead
        return self.tokens[at][0] if at < len(self.tokens) else ""

    def _next(self) -> tuple[str, int, int]:
        if self.at >= len(self.tokens):
            raise BadPolicy("It ends in the middle of a block.")
        self.at += 1
        return self.tokens[self.at - 1]


def _bare(word: str) -> str:
    if not word.startswith('"'):
        return word
    try:
        return str(json.loads(word))
    except ValueError as error:
        raise BadPolicy(f"{word} is no text.") from error
