"""Records of a run and of systems for tests, kept and projected as they would be."""

import hashlib

from apps.activity.readings import Reading
from apps.activity.services.append import Delivery, deliveries_append
from apps.activity.services.hours import hours_count
from apps.activity.services.projecting import events_project

TRACE = "0af7651916cd43dd8448eb211c80319c"
START = 1_700_000_000_000_000_000
SECOND = 10**9


def said(kind, name, at=0, lasting=1, trace=TRACE, **more):
    begin = START + at * SECOND
    return Reading(kind, name, begin, begin + lasting * SECOND, trace_id=trace, **more)


def api(name="s3:GetObject", at=1, **more):
    return said("api", name, at, 0, trace="", **more)


def run(trace=TRACE, request="REQ1", **more):
    """An invocation, a step, an action that failed, and a call that names its request."""
    root, inner = "a" * 16, "b" * 16
    return [
        said("invocation", "refunds", 0, 60, trace, span_id=root, outcome="ok", **more),
        said("step", "chat", 1, 1, trace, span_id=inner, parent_id=root, **more),
        said("action", "refund", 2, 1, trace, parent_id=root, outcome="failed", **more),
        said("call", "s3:GetObject", 2, 1, trace, parent_id="c" * 16, request_id=request, **more),
    ]


def kept(*readings, whose):
    """Keep these, as they are sent, and project and count what came of it."""
    digest = hashlib.sha256(repr((readings, whose)).encode()).digest()
    deliveries_append([Delivery("test", digest, [(one, whose) for one in readings])])
    events_project()
    hours_count()
