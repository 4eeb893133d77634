"""What an OTLP body holds, made light: the same whether it came as protobuf or as JSON."""

from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct

CLIENT = 3
ERROR = 2

MOST_ATTRIBUTES = 2000
MOST_EVENTS = 512
MOST_RECORDS = 50_000
# So many neighbours are read together, step by step: what one step says is at hand for the next.
TOGETHER = 64
DEEPEST = 32
TOO_DEEP = "(nested too deeply to keep)"


class Unreadable(Exception):
    """A body that cannot be read at all; its message says why, in words the sender may see."""


class Refused(Exception):
    """One record that cannot be kept, while the others of its body can."""


QUIET = ("telemetry.sdk.", "process.", "os.")


@dataclass(slots=True)
class Source:
    """What the records of one scope share: the resource and the instrumentation.

    `telling` is that without what says only how it was measured.
    """

    resource: dict[str, Any] = field(default_factory=dict)
    scope: str = ""
    telling: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        self.telling = {
            name: value for name, value in self.resource.items() if not name.startswith(QUIET)
        }
        if self.scope:
            self.telling["scope"] = self.scope


class Span(Struct, gc=False):
    trace_id: str
    span_id: str
    parent_id: str
    name: str
    kind: int
    started_at: int
    ended_at: int
    status: int
    message: str
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    size: int
    warnings: tuple[str, ...] = ()


class Log(Struct, gc=False):
    trace_id: str
    span_id: str
    name: str
    at: int
    severity: int
    body: Any
    attributes: dict[str, Any]
    size: int
    warnings: tuple[str, ...] = ()


def left_out(
    attributes: int, events: int, links: int, trace_state: str, flags: int = 0
) -> tuple[str, ...]:
    """What the sender itself says it did not send, or others may not have."""
    told = []
    if attributes:
        told.append(f"{attributes} attributes dropped by the sender")
    if events:
        told.append(f"{events} events dropped by the sender")
    if links:
        told.append(f"{links} links dropped by the sender")
    if "th:" in trace_state and _is_sampled(trace_state):
        told.append("sampled: other runs were not sent")
    if is_unsampled(flags):
        told.append("not sampled: what other processes did in this run may not have been sent")
    return tuple(told)


def is_unsampled(flags: int) -> bool:
    """Whether the flags of W3C are told, and without "sampled": who is called then sends nothing.

    They are the lowest byte; where all of it is zero they may not have been told at all.
    """
    return flags & 0xFF != 0 and flags & 1 == 0


def _is_sampled(trace_state: str) -> bool:
    """Whether the state holds a sampling threshold above none (`ot=th:8`)."""
    for member in trace_state[:2000].split(","):
        name, _, value = member.strip().partition("=")
        if name == "ot":
            return any(
                part.startswith("th:") and part[3:].strip("0") != "" for part in value.split(";")
            )
    return False
