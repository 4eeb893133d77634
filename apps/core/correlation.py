"""Ids that a run of an agent is followed by, in the agent's telemetry and in systems' own logs."""

import secrets
import time


def correlation_new() -> str:
    """A W3C trace id that is a UUIDv7 as well: 32 hexadecimal digits that begin with the time.

    So whoever looks for it knows where in time to look.
    """
    milliseconds = time.time_ns() // 1_000_000
    value = milliseconds << 80 | 0x7 << 76 | secrets.randbits(12) << 64
    value |= 0b10 << 62 | secrets.randbits(62)
    return f"{value:032x}"
