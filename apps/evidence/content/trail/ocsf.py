"""Records as OCSF 1.8 events, for who reads logs with tools that know that schema.

Derived from the sealed lines: class API Activity (6003), and Authentication (3002) where a system
recorded that a credential was used to sign in; with the profiles `trace` and `ai_operation`. The
objects `ai_agent` and `record_integrity` are those of OCSF 1.9, which 1.8 passes over. Version,
charter, and model of an agent are as they stand now. What has no place stands under `unmapped`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.activity.models import Event
from apps.activity.states import Kind, Outcome
from apps.proof.merkle import leaf_hash

NAME = "data/ocsf.jsonl"
VERSION = "1.8.0"
API, AUTHENTICATION = 6003, 3002
# What signs in, by the last part of its name; in Vault it is a path.
SIGNS_IN = frozenset(
    (
        *("assumerole", "assumerolewithsaml", "assumerolewithwebidentity", "assumeroot"),
        *("consolelogin", "getfederationtoken", "getsessiontoken"),
    )
)
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


@dataclass(frozen=True, slots=True)
class Beside:
    """What stands beside the records: the package, the log, and the agents by their ids."""

    status: str
    origin: str
    designs: Mapping[int, Mapping[str, Any]]


def event_of(event: Event, header: dict[str, Any], beside: Beside) -> dict[str, Any]:
    """One record, with its place in the log as its number."""
    is_sign_in = event.kind == Kind.API and _signs_in(header)
    number, class_name = (AUTHENTICATION, "Authentication") if is_sign_in else (API, "API Activity")
    status_id, status = STATUS.get(header.get("outcome", ""), UNKNOWN)
    activity_id, activity = _activity(event, header.get("name", ""))
    if is_sign_in:
        activity_id, activity = 1, "Logon"
    severity_id, severity = SEVERITIES.get(header.get("severity", 0), WORST)
    told = {
        "activity_id": activity_id,
        "activity_name": activity,
        "actor": _actor(header),
        "api": _api(header),
        "category_name": "Identity & Access Management" if is_sign_in else "Application Activity",
        "category_uid": number // 1000,
        "class_name": class_name,
        "class_uid": number,
        "cloud": _cloud(header) if is_sign_in else None,
        "end_time": milliseconds(event.ended_at),
        "http_request": {"user_agent": header["client"]} if header.get("client") else None,
        "metadata": {
            **_metadata(event, header, is_sign_in=is_sign_in),
            "labels": [f"package_status:{beside.status}"],
        },
        "record_integrity": _integrity(event, beside.origin),
        "resources": [{"name": header["target"]}] if header.get("target") else None,
        "severity": severity,
        "severity_id": severity_id,
        "src_endpoint": _source(header),
        "start_time": milliseconds(event.happened_at),
        "status": status,
        "status_detail": "Denied" if header.get("outcome") == Outcome.DENIED else None,
        "status_id": status_id,
        "time": milliseconds(event.happened_at),
        "type_name": f"{class_name}: {activity}",
        "type_uid": number * 100 + activity_id,
        "unmapped": {name: header[name] for name in UNMAPPED if name in header},
        "trace": _trace(event, header),
        "ai_agent": _agent(header, beside.designs),
        "user": _actor(header)["user"] if is_sign_in else None,
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


def _metadata(event: Event, header: dict[str, Any], *, is_sign_in: bool) -> dict[str, Any]:
    profiles = ["trace"] if "trace" in header else []
    profiles += ["cloud"] if is_sign_in else []
    profiles += ["ai_operation"] if "agent_id" in header.get("whose", {}) else []
    told = {
        "logged_time": milliseconds(event.recorded_at),
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
            "start_time": milliseconds(event.happened_at),
            "end_time": milliseconds(event.ended_at),
            "operation": header.get("name", ""),
        }
        if header.get("parent"):
            told["span"]["parent_uid"] = header["parent"]
    return told


def _agent(
    header: dict[str, Any], designs: Mapping[int, Mapping[str, Any]]
) -> dict[str, Any] | None:
    """The agent as its credential says; what it claims to be stays under `unmapped`."""
    whose = header.get("whose", {})
    if "agent_id" not in whose:
        return None
    told: dict[str, Any] = {"uid": str(whose["agent_id"]), "name": whose.get("agent", "")}
    design = designs.get(whose["agent_id"], {})
    told |= {name: design[name] for name in ("version", "charter") if design.get(name)}
    if design.get("model"):
        told["ai_model"] = {"name": design["model"]}
    if header.get("trace"):
        told["instance_uid"] = header["trace"]
    return told


def _integrity(event: Event, origin: str) -> dict[str, Any]:
    """The leaf that the record is in its log, and which log that is."""
    leaf = leaf_hash(event.header.encode()).hex()
    fingerprint = {"algorithm": "SHA-256", "algorithm_id": 3, "value": leaf}
    return {"attestation_list": [{"chain_uid": origin, "fingerprint": fingerprint}]}


def _signs_in(header: dict[str, Any]) -> bool:
    target = header.get("target", "")
    if header.get("name", "").rpartition(":")[2].lower() in SIGNS_IN:
        return True
    return bool(target.startswith("auth/") and "/login" in target)


def _cloud(header: dict[str, Any]) -> dict[str, Any]:
    whose = header.get("whose", {})
    told: dict[str, Any] = {"provider": whose.get("system") or "Unknown"}
    if header.get("account"):
        told["account"] = {"uid": header["account"]}
    return told


def milliseconds(moment: Any) -> int:
    return int(moment.timestamp() * 1000)
