"""What comes in, in one shape: whichever door it came by, and before it is known whose it is."""

from typing import Any

from msgspec import Struct


# Nothing that is read can refer to what refers to it, so no such struct is for the collector.
class Reading(Struct, gc=False):
    """One thing an agent said or a system recorded, before it is known whose it is.

    Times are nanoseconds since the epoch, 0 where nobody said. `trace_id` and `correlation` are 32
    hexadecimal digits, `span_id` and `parent_id` 16. `claimed_*` is what the telemetry says of its
    agent, never who it is. `correlation` is an id of ours that the other side carried, and
    `carried_by` what carried it. `request_id` is the system's own id of the call, `original_id` the
    log's own id of the record. `body` is what may be erased later: told, decided, did, result,
    outcome, and under "rest" what no convention knows.
    """

    kind: str
    name: str
    happened_at: int
    ended_at: int
    trace_id: str = ""
    span_id: str = ""
    parent_id: str = ""
    correlation: str = ""
    carried_by: str = ""
    request_id: str = ""
    target: str = ""
    level: str = ""
    outcome: str = ""
    severity: int = 0
    claimed_agent: str = ""
    claimed_id: str = ""
    run: str = ""
    conversation: str = ""
    system: str = ""
    account: str = ""
    principal: str = ""
    credential: str = ""
    address: str = ""
    client: str = ""
    original_id: str = ""
    warnings: tuple[str, ...] = ()
    body: dict[str, Any] = {}
