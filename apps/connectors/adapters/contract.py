"""What every adapter yields: plain rows, in an order in which each refers only to earlier ones.

One importer applies any format, because it knows these rows and nothing else. Adapters know
nothing of Django.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

READ, WRITE, ADMIN = "read", "write", "admin"
LEVELS = (READ, WRITE, ADMIN)
TAGS = (
    "reads-private",
    "reads-secrets",
    "takes-untrusted",
    "sends-out",
    "changes",
    "deletes",
    "spends",
    "runs-code",
    "grants-access",
)


class UnreadableSource(Exception):
    """The file as a whole cannot be used: nothing of it may be applied."""

    def __init__(self, *, file: str, where: str, reason: str):
        super().__init__(f"{file}: {where}: {reason}" if where else f"{file}: {reason}")
        self.file = file
        self.where = where
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Header:
    """What the file says of itself; always the first row.

    `kinds` names what the file is the whole truth about: what it no longer lists of those
    kinds, in its own stream, is gone. A file that shows only a part names none.
    """

    format: str
    stream: str
    account: str
    provider_at: datetime | None = None
    kinds: frozenset[str] = frozenset()
    made_with: str = ""


@dataclass(frozen=True, slots=True)
class SystemRow:
    """Other rows refer to it by `key`. `account` finds it again under another name.

    `None` says nothing of the member: what is known stays.
    """

    kind: str
    key: str
    name: str
    account: str = ""
    description: str | None = None
    environment: str | None = None
    labels: tuple[str, ...] | None = None
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class IdentityRow:
    system: str
    key: str
    name: str
    kind: str
    created_at: datetime | None = None
    last_used_at: datetime | None = None
    service_linked: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)
    trust: Mapping[str, Any] = field(default_factory=dict)
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class CredentialRow:
    """`by_place` says that the key is no id but a place in a listing, which another source of
    the stream may know an id for: the one of the same kind and identity, issued at that second.
    """

    system: str
    identity: str
    key: str
    kind: str
    active: bool = True
    created_at: datetime | None = None
    rotated_at: datetime | None = None
    expires_at: datetime | None = None
    last_used_at: datetime | None = None
    use_known: bool = False
    rotation_days: int | None = None
    label: str = ""
    fingerprint: str = ""
    stored_in: str = "unknown"
    stored_at: str = ""
    by_place: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class PermissionRow:
    """One action or pattern; `tags` maps each capability tag to its evidence."""

    system_kind: str
    key: str
    level: str
    service: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    known: bool = True
    source: str = ""
    version: str = ""
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Via:
    policy: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class StatementRow:
    """One condition with the actions it holds for, and the policy that says so.

    `origin` is `policy` or `boundary`. A boundary's Allow caps: outside it nothing is held.
    """

    effect: str
    actions: tuple[str, ...]
    not_actions: tuple[str, ...] = ()
    resources: tuple[str, ...] = ()
    not_resources: tuple[str, ...] = ()
    conditions: Mapping[str, Any] = field(default_factory=dict)
    policy: str = ""
    policy_key: str = ""
    group: str = ""
    sid: str = ""
    origin: str = "policy"


@dataclass(frozen=True, slots=True)
class GrantRow:
    """One identity, on one system and service, holds one access level.

    `statements` allow; `limits` are narrower denials and boundaries that hold them back.
    """

    system: str
    identity: str
    service: str
    level: str
    statements: tuple[StatementRow, ...]
    limits: tuple[StatementRow, ...] = ()
    actions: tuple[str, ...] = ()
    unknown_actions: tuple[str, ...] = ()
    tags: Mapping[str, str] = field(default_factory=dict)
    classified_by: str = ""
    last_used_at: datetime | None = None
    use_known: bool = False
    expires_at: datetime | None = None
    action_count: int = 0
    path: str = field(default="", compare=False)

    @property
    def resources(self) -> tuple[str, ...]:
        return _distinct(name for row in self.statements for name in row.resources)

    @property
    def not_resources(self) -> tuple[str, ...]:
        return _distinct(name for row in self.statements for name in row.not_resources)

    @property
    def conditions(self) -> tuple[Mapping[str, Any], ...]:
        blocks: list[Mapping[str, Any]] = []
        for row in self.statements:
            if row.conditions and row.conditions not in blocks:
                blocks.append(row.conditions)
        return tuple(blocks)

    @property
    def via(self) -> tuple[Via, ...]:
        return _distinct(Via(row.policy, row.group) for row in self.statements if row.policy)


@dataclass(frozen=True, slots=True)
class NeedRow:
    """What a task needs: a level on a system's service; a blank service means any of it."""

    system: str
    level: str
    service: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TaskRow:
    title: str
    needs: tuple[NeedRow, ...] = ()


@dataclass(frozen=True, slots=True)
class AgentRow:
    """An agent as a file declares it. People are named by mail address, agents by name.

    `None` says nothing of the member: what is known stays.
    """

    name: str
    purpose: str | None = None
    tasks: tuple[TaskRow, ...] | None = None
    owner: str | None = None
    technical_owner: str | None = None
    team: str | None = None
    environment: str | None = None
    platform: str | None = None
    autonomy: str | None = None
    has_human_step: bool | None = None
    version: str | None = None
    model: str | None = None
    instructions_sha256: str | None = None
    tools: tuple[Any, ...] | None = None
    calls: tuple[str, ...] | None = None
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class BindingRow:
    agent: str
    system: str
    identity: str
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class JustificationRow:
    system: str
    identity: str
    service: str
    level: str
    reason: str
    task: str = ""
    agent: str = ""
    ticket: str = ""
    given_by: str = ""
    given_at: datetime | None = None
    until: date | None = None
    path: str = field(default="", compare=False)


@dataclass(frozen=True, slots=True)
class Tally:
    """How many entries the file holds, where rows do not match its entries one to one."""

    entries: int


@dataclass(frozen=True, slots=True)
class Rejected:
    """One entry that cannot be read. `key` protects what is already known of it: unreadable
    is not the same as gone."""

    path: str
    reason: str
    kind: str = ""
    key: str = ""


Row = (
    Header
    | SystemRow
    | IdentityRow
    | CredentialRow
    | PermissionRow
    | GrantRow
    | AgentRow
    | BindingRow
    | JustificationRow
    | Tally
    | Rejected
)


def _distinct[T](values: Any) -> tuple[T, ...]:
    return tuple(dict.fromkeys(values))
