"""What a connected system offers: one contract, behind which orders and readings know no system.

An adapter is built from a connection's settings and a reader of secret references. It keeps no
secret, knows nothing of Django, and names in `capabilities` what it can do; what is not there,
the pages show as not possible. `connectors.md` says what each system can and how fast.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from re import Pattern
from typing import Any, ClassVar

from apps.connectors.adapters.contract import Row
from apps.connectors.adapters.log_parts import LogPart, LogPiece
from apps.connectors.adapters.removal import Plan, Step, Subject, Wanted


class Capability(StrEnum):
    DISCOVER = "discover"
    DISABLE = "disable"
    DELETE = "delete"
    END_SESSIONS = "end-sessions"
    REMOVE_GRANT = "remove-grant"
    NARROW_GRANT = "narrow-grant"
    FIND = "find"
    LOG = "log"
    WHOLE_LOG = "whole-log"
    ROTATE = "rotate"
    ISSUE = "issue"
    PLACE = "place"


class ProviderError(Exception):
    """A call that did not do what it was for. `said` is the provider's own words, kept as they are
    but never with a secret in them; `call` names the call as the provider does. `retry_after` is
    the number of seconds it asked to be left alone, or 0."""

    def __init__(self, said: str, *, call: str = "", code: str = "", retry_after: float = 0.0):
        super().__init__(f"{call}: {said}" if call else said)
        self.said = said
        self.call = call
        self.code = code
        self.retry_after = retry_after


class Unavailable(ProviderError):
    """Trying again may heal it: throttled, timed out, out of reach, or the other side's fault."""


class Refused(ProviderError):
    """Trying again cannot heal it: a right is missing, or the call is wrong."""


class Absent(ProviderError):
    """The provider does not know what the call is about. Counts as gone only after a re-read."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing a connection of this kind is told. Never a secret: `reference` ones name where a
    secret lies ("env:COUNTERSIGN_SECRET_X", "file:name"), and are read when they are used."""

    key: str
    label: str
    help: str = ""
    required: bool = False
    reference: bool = False
    address: bool = False
    several: bool = False
    choices: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Check:
    """One call a connection was tried with. `right` is the provider's name of what it needs."""

    right: str
    worked: bool
    said: str = ""
    needed_for: str = "reading"  # reading, removal, issuing


@dataclass(frozen=True, slots=True)
class Part:
    """One reading that succeeds or fails by itself, and is a source of its own stream.

    `account` is what the systems of its rows carry, by which a connection is found again.
    """

    key: str
    title: str
    stream: str
    account: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a step did. `undo` holds what taking it back needs; `changed` is False where it was
    that way already."""

    said: str
    changed: bool = True
    undo: Mapping[str, Any] = field(default_factory=dict)


class Seen(StrEnum):
    LIVE = "live"
    DISABLED = "disabled"
    ABSENT = "absent"


class How(StrEnum):
    RE_READ = "re-read"
    REFUSED = "refused"
    WORKED = "worked"
    NO_USE = "no-use"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a look at the system showed, and how it was looked.

    `stays` says that what holds it back is all that there will be: nothing else takes it away.
    """

    seen: Seen
    how: How
    said: str
    complete_until: datetime | None = None
    stays: bool = False


@dataclass(frozen=True, slots=True)
class Clue:
    """What was recognised in a pasted text: the id it carries, if any, and what kind it is of.

    `secret` is the text itself, held in memory for a provider that can only be asked with it,
    and for nothing else.
    """

    kind: str
    external_id: str = ""
    account: str = ""
    secret: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class Located:
    """A credential found by asking the provider: who holds it, and whether it works now."""

    subject: Subject
    active: bool
    said: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call that a system's own log recorded."""

    event_id: str
    at: datetime
    service: str
    name: str
    address: str = ""
    client: str = ""
    error: str = ""
    resource: str = ""
    read_only: bool | None = None


@dataclass(frozen=True, slots=True)
class Made:
    """What was made with a credential: an identity, a key, a policy, a session of a role.

    `steps` take it back, each idempotent.
    """

    kind: str
    name: str
    at: datetime
    event_id: str
    address: str
    steps: Sequence[Step]


@dataclass(frozen=True, slots=True)
class Scope:
    """What may be issued: never more than the statements, never past `expires_at`.

    `identity` is what the system calls it. `statements` allow; `limits` are the denies and
    boundaries that hold them back there, and widen nothing. `facts` say which of several things
    the agent means: they are its own words, and are not to be trusted.
    """

    agent: str
    correlation_id: str
    identity: str
    identity_kind: str
    statements: Sequence[Mapping[str, Any]]
    expires_at: datetime
    facts: Mapping[str, Any] = field(default_factory=dict)
    limits: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True, slots=True)
class Issued:
    """A short-lived credential on its way through. `secret` is never kept, logged, or shown
    again; `ends_with` says how far it can be ended before its time."""

    kind: str
    external_id: str
    secret: Mapping[str, str] = field(repr=False)
    expires_at: datetime
    ends_with: str
    facts: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Rotated:
    """A new credential made beside the old one. `secret` passes through as in `Issued`."""

    external_id: str
    secret: Mapping[str, str] = field(repr=False)
    said: str = ""
    stored_at: str = ""


@dataclass(frozen=True, slots=True)
class Beside:
    """One credential that an identity holds now. `used` is None where its system does not tell
    whether it ever was."""

    external_id: str
    made_at: datetime | None
    used: bool | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """What lies where a secret is kept, without its value: the current version, empty where there
    is none, and the mark that this version was written with, if it was by us."""

    version: str
    mark: str


class Adapter(ABC):
    kind: ClassVar[str]
    title: ClassVar[str]
    # In which format its whole log is, for those that can read it.
    log_format: ClassVar[str] = ""
    capabilities: ClassVar[frozenset[Capability]]
    settings: ClassVar[tuple[Setting, ...]]
    # Sentences, shown on the page of a connection and in the docs.
    cannot: ClassVar[tuple[str, ...]] = ()
    calls_per_second: ClassVar[float] = 10.0
    # The provider's own public hosts, as a pattern of whole names in lower case.
    own_hosts: ClassVar[Pattern[str] | None] = None

    def __init__(self, told: Mapping[str, Any], secret: Callable[[str], str]):
        """`told` holds the settings by key, `secret` reads a reference when it is used."""
        self.told = told
        self.secret = secret

    # What needs no connection.

    @classmethod
    def addresses(cls, told: Mapping[str, Any]) -> list[str]:
        """Every address these settings lead to that is not the provider's by nature."""
        given = (told.get(setting.key) for setting in cls.settings if setting.address)
        return [str(one) for one in given if one]

    @classmethod
    @abstractmethod
    def plan(cls, wanted: Wanted) -> Plan:
        """The steps of a removal, with the provider's own commands. Pure: nothing is asked."""

    @classmethod
    @abstractmethod
    def rights(cls, told: Mapping[str, Any], purpose: str) -> str:
        """The least rights for "reading", "removal", or "issuing", as text to copy there."""

    # Every method below calls the provider, and raises `ProviderError` where a call fails.

    @abstractmethod
    def accounts(self) -> Sequence[str]:
        """The accounts it speaks for, asked of the provider: as `System.account` has them."""

    @abstractmethod
    def check(self, *, removal: bool, issuing: bool = False) -> Iterator[Check]:
        """Try what the rights promise, call by call, changing nothing. Never raises.

        Reading is tried always; the rest where it is asked for, or named in what was told.
        """

    @abstractmethod
    def parts(self) -> Sequence[Part]:
        """What can be read, each by itself."""

    @abstractmethod
    def discover(self, part: Part) -> Iterator[Row]:
        """Read one part, as an import's rows; the first is its `Header`. Pages and waits by
        itself; raises only for what cannot be had."""

    @abstractmethod
    def run(self, op: str, arguments: Mapping[str, Any]) -> Outcome:
        """Carry out one step. Twice does what once does; `Absent` where there is nothing."""

    @abstractmethod
    def undo(self, op: str, arguments: Mapping[str, Any], undo: Mapping[str, Any]) -> Outcome:
        """Take one reversible step back. Twice does what once does."""

    @abstractmethod
    def verify(self, wanted: Wanted) -> Sighting:
        """Look whether what was wanted gone still works, by reading it anew."""

    def find(self, clue: Clue) -> Located | None:
        """Ask for what a clue names. None where the provider does not know it."""
        raise NotImplementedError(Capability.FIND)

    def try_out(self, clue: Clue) -> Sighting:
        """Make one harmless call with the secret at hand, to see it work or be refused."""
        raise NotImplementedError(Capability.FIND)

    def calls(self, subject: Subject, *, since: datetime) -> Iterator[Call]:
        """What the system's log holds of a credential since then, oldest first."""
        raise NotImplementedError(Capability.LOG)

    def log_complete_until(self, now: datetime) -> datetime | None:
        """Until when the log can be relied on to be complete. None: there is no log."""
        return None

    def log_parts(self) -> Sequence[LogPart]:
        """What of the accounts' logs can be read as a whole, each by itself."""
        raise NotImplementedError(Capability.WHOLE_LOG)

    def log_read(self, part: LogPart, *, since: datetime, now: datetime) -> Iterator[LogPiece]:
        """What a part recorded since then, oldest first. What was handed on before it raises
        stands: reading goes on from the last `until`."""
        raise NotImplementedError(Capability.WHOLE_LOG)

    def made_with(self, subject: Subject, *, since: datetime) -> Sequence[Made]:
        """What was made with a credential since then, with the steps that take it back."""
        raise NotImplementedError(Capability.LOG)

    def rotate(self, subject: Subject) -> Rotated:
        """Make a new credential beside the old one, for the same identity."""
        raise NotImplementedError(Capability.ROTATE)

    def beside(self, subject: Subject) -> Sequence[Beside]:
        """What the same identity holds of the same kind now, the subject's own among it."""
        raise NotImplementedError(Capability.ROTATE)

    def place_look(self, where: str) -> Place:
        """What lies at a place that this connection may write to. Its value is not read."""
        raise NotImplementedError(Capability.PLACE)

    def place(self, where: str, secret: Mapping[str, str], *, mark: str, after: str) -> Outcome:
        """Write a secret to its place as the version after `after`, and refuse if another is
        there. The whole value becomes these names and values."""
        raise NotImplementedError(Capability.PLACE)

    def issue(self, scope: Scope) -> Issued:
        """Issue a short-lived credential cut to the scope."""
        raise NotImplementedError(Capability.ISSUE)

    def end_issued(self, issued: Mapping[str, Any]) -> Outcome:
        """End what was issued before its time, as far as the system allows, and say how far.
        `issued` holds `kind`, `external_id`, and `facts` of what `issue` returned. `Absent` where
        it is gone already; an outcome that changed nothing says that it works on."""
        raise NotImplementedError(Capability.ISSUE)


def heals(error: ProviderError) -> bool:
    return isinstance(error, Unavailable)


def latest(steps: Iterable[Step]) -> timedelta:
    """How long after the last of these steps a removal can be relied on."""
    return timedelta(seconds=max((step.effective_seconds for step in steps), default=0))
