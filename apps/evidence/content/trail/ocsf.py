"""Records as OCSF 1.8 events, for who reads logs with tools that know that schema.

Derived from the sealed lines and nothing else: class API Activity (6003), with the profiles
`trace` and `ai_operation`. The object `ai_agent` is that of OCSF 1.9, which 1.8 passes over. What
has no place in the schema stands under `unmapped`.
"""

from typing import Any

from apps.activity.models import Event
from apps.activity.states import Kind, Outcome

NAME = "data/ocsf.jsonl"
VERSION = "1.8.0"
CATEGORY, CLASS = 6, 6003
OTHER = 99
STATUS = {
    Outcome.OK: (1, "Success"),
    Outcome.FAILED: (2, "Failure"),
    Outcome.DENIED: (2, "Failure"),
}
UNKNOWN = (0, "Unknown")
# What a call is called tells what it does, where the system says no more.
VERBS = (
    (1, "Create", ("create", "put", "add", "insert", "post", "run")),
    (2, "Read", ("get", "list", "describe", "read", "search", "lookup", "head")),
    (3, "Update", ("update", "modify", "set", "patch", "change")),
    (4, "Delete", ("delete", "remove", "terminate")),
)
# From a record's own severity, 0 where nothing was flagged.
SEVERITIES = {0: (1, "Informational"), 1: (2, "Low"), 2: (3, "Medium"), 3: (4, "High")}
WORST = (5, "Critical")
UNMAPPED = (
    *("kind", "level", "correlation", "carried_by", "original", "account", "warnings"),
    *("claimed", "payload"),
)


def event_of(event: Event, header: dict[str, Any], package_status: str) -> dict[str, Any]:
    """One record, with its place in the log as its number."""
    status_id, status = STATUS.get(header.get("outcome", ""), UNKNOWN)
    activity_id, activity = _activity(event, header.get("name", ""))
    severity_id, severity = SEVERITIES.get(header.get("severity", 0), WORST)
    told = {
        "activity_id": activity_id,
        "activity_name": activity,
        "actor": _actor(header),
        "api": _api(header),
        "category_name": "Application Activity",
        "category_uid": CATEGORY,
        "class_name": "API Activity",
        "class_uid": CLASS,
        "end_time": _milliseconds(event.ended_at),
        "http_request": {"user_agent": header["client"]} if header.get("client") else None,
        "metadata": {**_metadata(event, header), "labels": [f"package_status:{package_status}"]},
        "resources": [{"name": header["target"]}] if header.get("target") else None,
        "severity": severity,
        "severity_id": severity_id,
        "src_endpoint": _source(header),
        "start_time": _milliseconds(event.happened_at),
        "status": status,
        "status_detail": "Denied" if header.get("outcome") == Outcome.DENIED else None,
        "status_id": status_id,
        "time": _milliseconds(event.happened_at),
        "type_name": f"API Activity: {activity}",
        "type_uid": CLASS * 100 + activity_id,
        "unmapped": {name: header[name] for name in UNMAPPED if name in header},
        "trace": _trace(event, header),
        "ai_agent": _agent(header),
    }
    return {name: value for name, value in told.items() if value is not None}


def _activity(event: Event, name: str) -> tuple[int, str]:
    if event.kind == Kind.API:
        called = name.rpartition(":")[2].lower()
        for number, word, beginnings in VERBS:
            if called.startswith(beginnings):
                return number, word
    return OTHER, Kind(event.kind).label if event.kind in Kind.values else "Unknown"


def _actor(header: dict[str, Any]) -> dict[str, Any]:
    whose = header.get("whose", {})
    name = whose.get("identity") or whose.get("agent") or header.get("principal", "")
    uid = whose.get("identity_id") or whose.get("agent_id") or header.get("principal", "")
    user = {"name": name or "Unknown", "uid": str(uid), "type_id": OTHER, "type": "Non-human"}
    if header.get("credential"):
        user["credential_uid"] = header["credential"]
    return {"user": user}


def _api(header: dict[str, Any]) -> dict[str, Any]:
    name = header.get("name", "")
    system = header.get("whose", {}).get("system") or header.get("claimed", {}).get("system", "")
    told: dict[str, Any] = {"operation": name or "Unknown"}
    if system:
        told["service"] = {"name": system}
    if header.get("request"):
        told["request"] = {"uid": header["request"]}
    return told


def _source(header: dict[str, Any]) -> dict[str, Any]:
    """Where it came from; the schema wants an answer also where nobody said one."""
    return {"ip": header["address"]} if header.get("address") else {"name": "Unknown"}


def _metadata(event: Event, header: dict[str, Any]) -> dict[str, Any]:
    profiles = ["trace"] if "trace" in header else []
    profiles += ["ai_operation"] if "agent_id" in header.get("whose", {}) else []
    told = {
        "logged_time": _milliseconds(event.recorded_at),
        "product": {"name": "Countersign", "vendor_name": "Countersign"},
        "profiles": profiles,
        "uid": str(event.leaf_index),
        "version": VERSION,
    }
    if header.get("trace") or header.get("correlation"):
        told["correlation_uid"] = header.get("trace") or header["correlation"]
    if header.get("original"):
        told["original_event_uid"] = header["original"]
    return told


def _trace(event: Event, header: dict[str, Any]) -> dict[str, Any] | None:
    if "trace" not in header:
        return None
    told: dict[str, Any] = {"uid": header["trace"]}
    if header.get("span"):
        told["span"] = {
            "uid": header["span"],
            "start_time": _milliseconds(event.happened_at),
            "end_time": _milliseconds(event.ended_at),
            "operation": header.get("name", ""),
        }
        if header.get("parent"):
            told["span"]["parent_uid"] = header["parent"]
    return told


def _agent(header: dict[str, Any]) -> dict[str, Any] | None:
    """The agent as its credential says; what it claims to be stays under `unmapped`."""
    whose = header.get("whose", {})
    if "agent_id" not in whose:
        return None
    told = {"uid": str(whose["agent_id"]), "name": whose.get("agent", "")}
    if header.get("trace"):
        told["instance_uid"] = header["trace"]
    return told


def _milliseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
