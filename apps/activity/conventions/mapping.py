"""From a span or a log record to a reading, by the tables of the conventions.

A record no table knows becomes a reading of kind "other" with everything it said under "rest".
"""

from collections.abc import Sequence
from typing import Any

from apps.activity.conventions import anomalies, calls
from apps.activity.conventions.bounds import (
    ID,
    JUDGED_FROM,
    NAME,
    TRUNCATED,
    fitted,
    moment,
    short,
)
from apps.activity.conventions.content import Content, body_of
from apps.activity.conventions.envelopes import loaded
from apps.activity.conventions.spans import CLIENT, ERROR, Log, Refused, Source, Span
from apps.activity.conventions.tables import (
    ACTION,
    CALL,
    COLUMN,
    EVENTS,
    FLAG,
    FLAT_STARTS,
    GUARD,
    GUARDRAIL_STARTS,
    INVOCATION,
    KNOWN,
    MCP_METHODS,
    OPENINFERENCE_KINDS,
    OPERATIONS,
    OTHER,
    PART,
    RANKS,
    READING,
    SPAN_NAMES,
    STEP,
    TIERS,
    TRACELOOP_KINDS,
    WRITING,
)
from apps.activity.readings import Reading

LONG = 128
CUT = "cut short by the sender"
# Also said once for all that a process sends, as an attribute of the resource.
AGENT_NAME = "gen_ai.agent.name"
FAILED_WORDS = frozenset({"error", "failed", "failure"})
KINDS = (
    ("operation", OPERATIONS),
    ("openinference", OPENINFERENCE_KINDS),
    ("traceloop", TRACELOOP_KINDS),
    ("mcp", MCP_METHODS),
)
HEXADECIMAL = frozenset("0123456789abcdef")


def readings_of_spans(spans: Sequence[Span], source: Source) -> list[Reading]:
    contents = [sorted_out(span.attributes) for span in spans]
    told = zip(spans, contents, strict=True)
    return [_reading_of_span(span, content, source) for span, content in told]


def readings_of_logs(logs: Sequence[Log], source: Source) -> list[Reading]:
    return [_reading_of_log(log, sorted_out(log.attributes), source) for log in logs]


def _reading_of_span(span: Span, content: Content, source: Source) -> Reading:
    for name, attributes in span.events:
        content.take_event(name, attributes)
    for name, attributes in content.further:
        if name.startswith(("gen_ai.evaluation", "countersign.", "agent.threat")):
            further = sorted_out(attributes)
            content.found = further.found | content.found
            content.is_flagged |= further.is_flagged
    return _reading(
        content,
        source,
        kind=_kind(content, span.name, span.kind),
        name=span.name,
        span=span,
    )


def _reading_of_log(log: Log, content: Content, source: Source) -> Reading:
    """A record of the log belongs to the span it names: that is its parent, not itself."""
    name = log.name or short(log.attributes.get("event.name"))
    if not name and not log.attributes and log.body is None:
        raise Refused("A log record says nothing.")
    if isinstance(log.body, dict) and name in EVENTS:
        content.take_event(name, log.attributes | log.body)
    elif name in EVENTS:
        content.take_event(name, log.attributes | {"content": log.body})
    elif isinstance(log.body, dict) and name.startswith(("gen_ai.", "countersign.", "agent.")):
        inner = sorted_out(log.body)
        content.found = inner.found | content.found
        content.is_flagged |= inner.is_flagged
        content.flat |= inner.flat
        content.rest |= inner.rest
    elif log.body is not None:
        content.rest["body"] = log.body
    kind = _kind(content, name, 0)
    if kind == OTHER and not name:
        name = short(log.body if isinstance(log.body, str) else "log", 80)
    span = Span(
        log.trace_id,
        "",
        log.span_id,
        name,
        0,
        log.at,
        log.at,
        0,
        "",
        log.attributes,
        [],
        log.size,
        log.warnings,
    )
    return _reading(content, source, kind=kind, name=name, span=span, is_log=True)


def sorted_out(attributes: dict[str, Any]) -> Content:
    """What a record says under our names; under its own what no table knows or a column cuts."""
    found: dict[str, Any] = {}
    rest: dict[str, Any] = {}
    flat: dict[str, Any] = {}
    names: dict[str, str] = {}
    is_flagged = False
    known_as = KNOWN.get
    for name, value in attributes.items():
        known = known_as(name)
        if known is None or (not value and (value is None or value == "")):
            (flat if name.startswith(FLAT_STARTS) else rest)[name] = value
            continue
        slot, rank, held = known
        if slot in found:
            other = names[slot]
            loses = RANKS[other] < rank
            if found[slot] != value:
                rest[name if loses else other] = value if loses else found[slot]
            if loses:
                continue
        found[slot] = value
        names[slot] = name
        if held == COLUMN:
            if value.__class__ is not str or len(value) > LONG:
                rest[name] = value
        elif held != PART:
            rest[name] = value
            is_flagged = is_flagged or held == FLAG
    return Content(found, rest, flat, names, is_flagged=is_flagged)


def _kind(content: Content, name: str, span_kind: int) -> str:
    found = content.found
    for slot, kinds in KINDS:
        if slot in found:
            said = found[slot]
            if said.__class__ is str and said in kinds:
                return kinds[said]
    if name in SPAN_NAMES:
        return SPAN_NAMES[name]
    if "request_id" in found or (span_kind == CLIENT and not calls.SLOTS.isdisjoint(found)):
        return CALL
    if content.is_flagged or any(one.startswith(GUARDRAIL_STARTS) for one in content.rest):
        return GUARD
    return OTHER


def _reading(
    content: Content, source: Source, *, kind: str, name: str, span: Span, is_log: bool = False
) -> Reading:
    found = content.found
    agent = short(found["agent"] if "agent" in found else source.resource.get(AGENT_NAME))
    conversation = short(found["conversation"]) if "conversation" in found else ""
    if "metadata" in found:
        told = loaded(found["metadata"])
        if isinstance(told, dict):
            agent = agent or short(told.get("lc_agent_name"))
            conversation = conversation or short(told.get("thread_id"))
    if not agent and kind == INVOCATION:
        agent = _agent_by_name(found, name, source)
    called, target, level, system = _deed(kind, found, name, agent)
    outcome = _outcome(found, span, is_log=is_log)
    body, warnings = body_of(kind, content, span, outcome=outcome, is_log=is_log)
    severity = 0
    if content.is_flagged or kind == GUARD:
        severity, outcome = _judged(kind, found, body, outcome)
    if not severity and span.status == ERROR:
        severity = 1
        body["anomaly"] = {"type": short(found.get("error")) or "error", "severity": severity}
    if found.get("cut") is True:
        warnings += (CUT,)
    if source.telling:
        content.rest["resource"] = source.telling
        body["rest"] = content.rest
    if span.warnings:
        warnings = span.warnings + warnings
    if not (0 < span.size < JUDGED_FROM) and fitted(body):
        warnings += (TRUNCATED,)
    return Reading(
        kind,
        short(called or name or kind),
        moment(span.started_at),
        moment(span.ended_at),
        span.trace_id,
        span.span_id,
        span.parent_id,
        _correlation(found["correlation"]) if "correlation" in found else "",
        "",
        short(found["request_id"], ID) if "request_id" in found else "",
        target,
        level,
        outcome,
        severity,
        agent,
        short(found["agent_id"]) if "agent_id" in found else "",
        short(found["run"]) if "run" in found else "",
        conversation,
        system,
        "",
        "",
        "",
        "",
        "",
        "",
        warnings,
        body,
    )


def _deed(kind: str, found: dict[str, Any], name: str, agent: str) -> tuple[str, str, str, str]:
    """What it is called, what it was done to, its level, and the kind of system."""
    called, target, level = name, "", ""
    operation = found.get("operation", "")
    if kind == ACTION:
        called, target = _tool(found, name), short(found["place"]) if "place" in found else ""
        if operation != "execute_tool":
            done = short(operation or found.get("mcp"), ID)
            level = "read" if done in READING else "write" if done in WRITING else ""
        if "tier" in found:
            level = level or TIERS.get(short(found["tier"], 20).lower(), "")
    elif kind == STEP:
        called, target = short(operation) or name, short(found["model"]) if "model" in found else ""
    elif kind == CALL:
        return calls.described(found, name)
    elif kind == INVOCATION:
        called = (operation == "invoke_workflow" and short(found.get("workflow"))) or agent
    elif kind == GUARD:
        names = ("guard", "anomaly_type", "subject")
        called = next((short(found[one]) for one in names if one in found), name)
    return called, target, level, ""


def _agent_by_name(found: dict[str, Any], name: str, source: Source) -> str:
    """What an invocation is called, where no attribute names its agent."""
    called = short(found.get("workflow")) or short(found.get("entity"))
    if not called:
        called = name.removeprefix("invoke_agent ").removeprefix("invoke_workflow ")
        if "smolagents" in source.scope:
            called = called.removesuffix(".run")
    return short(called)


def _tool(found: dict[str, Any], name: str) -> str:
    called = short(found.get("tool"))
    if called:
        return called
    if "mcp" in found and name.startswith("tools/call "):
        return name.removeprefix("tools/call ")
    return name.removeprefix("execute_tool ").removeprefix("running tool: ")


def _outcome(found: dict[str, Any], span: Span, *, is_log: bool) -> str:
    if "error" in found or "http_status" in found:
        told = calls.went(found)
        if told:
            return told
    if span.status == ERROR:
        return "denied" if calls.is_denial(span.message[:NAME]) else "failed"
    if "said_status" in found and short(found["said_status"], 20).lower() in FAILED_WORDS:
        return "failed"
    if is_log:
        return ""
    return "ok" if span.ended_at or span.status == 1 else ""


def _judged(
    kind: str, found: dict[str, Any], body: dict[str, Any], outcome: str
) -> tuple[int, str]:
    severity, said, told = anomalies.flagged(found)
    if told:
        body["anomaly"] = told
    if kind != GUARD:
        # A tool that its gate refused did nothing, however well its span ended.
        return severity, said if kind == ACTION and said == "denied" else outcome
    answer = anomalies.struck(found.get("output_value"))
    if answer is not None:
        said = said or ("failed" if answer else "ok")
        severity = severity or (2 if answer else 0)
    elif outcome in {"failed", "denied"}:
        severity = severity or 2
    if severity and "anomaly" not in body:
        body["anomaly"] = {"type": found.get("guard", "guardrail"), "severity": severity}
    return severity, said or outcome


def _correlation(value: Any) -> str:
    told = short(value, 50).lower().removeprefix("cs-").replace("-", "")
    return told if len(told) == 32 and HEXADECIMAL.issuperset(told) else ""
