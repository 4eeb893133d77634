"""What an identity may do in Vault, from all its policies together, as grants by mount and level.

On one path a deny goes before everything else; on a narrower one it is shown as a limit. Nothing
that may be possible is hidden.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from apps.connectors.adapters.contract import GrantRow, PermissionRow, StatementRow
from apps.connectors.adapters.vault_policy import (
    SOURCE,
    VERSION,
    Stanza,
    covers,
    level_of,
    service_of,
    split,
    tags_of,
)


@dataclass(frozen=True, slots=True)
class Holding:
    """The policies of one identity, each with the group that gives it, and what they say."""

    system: str
    identity: str
    policies: Sequence[tuple[str, str]]
    texts: Mapping[str, Sequence[Stanza]]


def permission(action: str) -> PermissionRow:
    return PermissionRow(
        system_kind="vault",
        key=action,
        level=level_of(action),
        service=service_of(split(action)[1]),
        tags=tags_of(action),
        source=SOURCE,
        version=VERSION,
    )


def grants_of(holding: Holding, mounts: Iterable[str]) -> Iterator[GrantRow]:
    """One grant for each mount and level."""
    engines = list(mounts)
    denied = {one.path for texts in holding.texts.values() for one in texts if one.denies}
    statements: dict[tuple[str, str], list[StatementRow]] = {}
    for policy, group in holding.policies:
        for stanza in holding.texts[policy]:
            if stanza.path in denied:
                continue
            for level, actions in _by_level(stanza).items():
                at = (service_of(stanza.path, engines), level)
                row = _statement("allow", stanza, actions, policy, group)
                statements.setdefault(at, []).append(row)
    for (service, level), rows in sorted(statements.items()):
        held = tuple(dict.fromkeys(name for row in rows for name in row.actions))
        yield GrantRow(
            system=holding.system,
            identity=holding.identity,
            service=service,
            level=level,
            statements=tuple(rows),
            limits=tuple(_limits(holding, rows)),
            actions=held,
            action_count=len(held),
            tags={tag: why for name in held for tag, why in tags_of(name).items()},
            classified_by=f"{SOURCE}, version {VERSION}",
        )


def _by_level(stanza: Stanza) -> Mapping[str, Sequence[str]]:
    found: dict[str, list[str]] = {}
    for name in stanza.actions:
        found.setdefault(level_of(name), []).append(name)
    return found


def _limits(holding: Holding, rows: Iterable[StatementRow]) -> Iterator[StatementRow]:
    paths = [path for row in rows for path in row.resources]
    for policy, group in holding.policies:
        for stanza in holding.texts[policy]:
            if stanza.denies and any(covers(path, stanza.path) for path in paths):
                yield _statement("deny", stanza, [f"deny {stanza.path}"], policy, group)


def _statement(
    effect: str, stanza: Stanza, actions: Sequence[str], policy: str, group: str
) -> StatementRow:
    return StatementRow(
        effect=effect,
        actions=tuple(actions),
        resources=(stanza.path,),
        conditions={"parameters": sorted(stanza.limits)} if stanza.limits else {},
        policy=policy,
        group=group,
    )
