"""IAM policy documents, read once into statements that are cheap to keep and to combine."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import unquote

from apps.connectors.adapters.aws_catalogue import Catalogue
from apps.connectors.adapters.keeping import flaw_of
from apps.grants import patterns

ALLOW, DENY = "Allow", "Deny"
POLICY, BOUNDARY = "policy", "boundary"
LONGEST_SERVICE, LONGEST_ACTION = 80, 200


class BadPolicy(Exception):
    """A policy cannot be read. `path` is relative to the document."""

    def __init__(self, path: str, reason: str):
        super().__init__(reason)
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a statement comes from: a policy, the group it is held by, its part in judging."""

    policy: str
    key: str = ""
    group: str = ""
    part: str = POLICY


@dataclass(frozen=True, slots=True)
class Statement:
    """One statement; `mask` is what its actions stand for in the catalogue.

    `unknown` lists the patterns of an `Action` that stand for nothing known there.
    """

    allows: bool
    mask: int
    actions: tuple[str, ...]
    not_actions: tuple[str, ...]
    unknown: tuple[str, ...]
    resources: tuple[str, ...]
    not_resources: tuple[str, ...]
    conditions: Mapping[str, Any] = field(hash=False)
    sid: str
    origin: Origin

    @property
    def is_unlimited(self) -> bool:
        """All resources, no condition."""
        everywhere = any(not name.strip("*") for name in self.resources)
        return everywhere and not self.conditions

    def surely_covers(self, action: str) -> bool:
        if self.not_actions:
            return not any(patterns.overlap(name, action) for name in self.not_actions)
        return any(patterns.covers(name, action) for name in self.actions)

    def may_touch(self, action: str) -> bool:
        if self.not_actions:
            return not any(patterns.covers(name, action) for name in self.not_actions)
        return any(patterns.overlap(name, action) for name in self.actions)

    def held_by(self, group: str) -> "Statement":
        return replace(self, origin=replace(self.origin, group=group))

    def as_boundary(self) -> "Statement":
        return replace(self, origin=replace(self.origin, part=BOUNDARY))


def statements_of(document: Any, *, origin: Origin, known: Catalogue) -> tuple[Statement, ...]:
    """Read a policy document, given as an object or as the API's URL-encoded text."""
    document = decoded(document)
    listing = document.get("Statement")
    if listing is None:
        raise BadPolicy("Statement", "The policy has no statement.")
    if isinstance(listing, dict):
        return (_statement(listing, "Statement", origin, known),)
    if not isinstance(listing, list):
        raise BadPolicy("Statement", "It must be an object or a list of objects.")
    return tuple(
        _statement(entry, f"Statement[{at}]", origin, known) for at, entry in enumerate(listing)
    )


def decoded(document: Any) -> dict[str, Any]:
    if isinstance(document, str):
        document = _parsed(document)
    if not isinstance(document, dict):
        raise BadPolicy("", "The policy must be an object.")
    return document


def _parsed(text: str) -> Any:
    """Read a document given as text: as JSON, or as the API writes it, URL-encoded."""
    is_encoded = text.lstrip()[:1] == "%"
    try:
        document = json.loads(unquote(text) if is_encoded else text)
    except ValueError as error:
        raise BadPolicy("", f"The policy is not JSON: {error}.") from error
    except RecursionError as error:
        raise BadPolicy("", "The policy is nested too deeply.") from error
    flaw = flaw_of(document)
    if flaw:
        raise BadPolicy("", flaw)
    return document


def texts(entry: Mapping[str, Any], name: str, path: str) -> tuple[str, ...]:
    """Read a member that may be one text or a list of them."""
    value = entry.get(name)
    if value is None:
        return ()
    listing = [value] if isinstance(value, str) else value
    if not isinstance(listing, list) or not all(isinstance(item, str) for item in listing):
        raise BadPolicy(f"{path}.{name}", "It must be a text or a list of texts.")
    return tuple(dict.fromkeys(listing))


def _statement(entry: Any, path: str, origin: Origin, known: Catalogue) -> Statement:
    if not isinstance(entry, dict):
        raise BadPolicy(path, "A statement must be an object.")
    effect = entry.get("Effect")
    if effect not in (ALLOW, DENY):
        raise BadPolicy(f"{path}.Effect", f"It must be Allow or Deny, not {effect!r}.")
    actions, not_actions = _either(entry, "Action", path)
    resources, not_resources = _either(entry, "Resource", path)
    for name in (*actions, *not_actions):
        _check_action(name, path)
    conditions = entry.get("Condition") or {}
    if not isinstance(conditions, dict):
        raise BadPolicy(f"{path}.Condition", "It must be an object.")
    return Statement(
        allows=effect == ALLOW,
        mask=_mask(actions, not_actions, known),
        actions=actions,
        not_actions=not_actions,
        unknown=tuple(name for name in actions if not known.mask(name)),
        resources=resources,
        not_resources=not_resources,
        conditions=conditions,
        sid=str(entry.get("Sid") or ""),
        origin=origin,
    )


def _check_action(name: str, path: str) -> None:
    service, colon, _ = name.partition(":")
    if not colon and name.strip("*"):
        raise BadPolicy(path, f"{name[:80]!r} is no action: it names no service.")
    if len(service) > LONGEST_SERVICE or len(name) > LONGEST_ACTION:
        raise BadPolicy(path, f"{name[:80]!r} and so on is no action: it is too long.")


def _either(
    entry: Mapping[str, Any], name: str, path: str
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    given, negated = texts(entry, name, path), texts(entry, f"Not{name}", path)
    if bool(given) == bool(negated):
        raise BadPolicy(path, f"It needs exactly one of {name} and Not{name}.")
    if "" in (*given, *negated):
        raise BadPolicy(path, f"{name} and Not{name} may not hold an empty text.")
    return given, negated


def _mask(actions: tuple[str, ...], not_actions: tuple[str, ...], known: Catalogue) -> int:
    mask = 0
    for name in actions or not_actions:
        mask |= known.mask(name)
    return known.everything & ~mask if not_actions else mask
