"""A small run of an agent and calls that systems recorded, kept as the doors keep them."""

import hashlib
import time

from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.projecting import events_project

TRACE, OTHER = "0af7651916cd43dd8448eb211c80319c", "1bf7651916cd43dd8448eb211c80319c"
START = 1_700_000_000_000_000_000
SECOND = 10**9
# An hour ago, in seconds after the clock of the sample run.
NOW = int(time.time()) - START // SECOND - 3600


def said(kind, name, at=0, lasting=1, trace=TRACE, **more):
    start = START + at * SECOND
    return Reading(kind, name, start, start + lasting * SECOND, trace_id=trace, **more)


def api(name="s3:GetObject", at=1, **more):
    return said("api", name, at, 0, trace="", **more)


def run(trace=TRACE):
    return [
        said(
            "invocation", "refunds", 0, 60, trace, span_id="a" * 16, outcome="ok", conversation="c"
        ),
        said("step", "chat", 1, 1, trace, span_id="b" * 16, parent_id="a" * 16),
        said("action", "refund", 2, 1, trace, parent_id="a" * 16, outcome="failed"),
        said("call", "s3:GetObject", 2, 1, trace, parent_id="c" * 16, request_id="REQ1"),
    ]


def keep(*readings, whose):
    digest = hashlib.sha256(repr((readings, whose)).encode()).digest()
    deliveries_append([Delivery("test", digest, [(one, whose) for one in readings])])
    events_project()


def shifted(readings, seconds):
    """The same so many seconds later."""
    for one in readings:
        one.happened_at += seconds * SECOND
        one.ended_at += seconds * SECOND
    return readings
