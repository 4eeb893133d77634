"""Audit entries as OCSF 1.8 events: who allowed, changed, and ended what.

What gives or takes what an identity may do is User Access Management (3005); everything else that
became of a record is Entity Management (3004). Each bears its entry's number.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import batched
from typing import Any

from apps.audit.verbs import Verb
from apps.evidence.content.files import Files, line
from apps.evidence.content.items import CHUNK
from apps.evidence.content.trail.ocsf import OTHER, VERSION, milliseconds
from apps.grants.models import Grant

NAME = "data/ocsf_governance.jsonl"
CATEGORY, MANAGEMENT, ACCESS = 3, 3004, 3005
OF_CLASS = {False: (MANAGEMENT, "Entity Management"), True: (ACCESS, "User Access Management")}
ASSIGN, REVOKE = (1, "Assign Privileges"), (2, "Revoke Privileges")
OF_ACCESS = {
    Verb.GRANT_ISSUED: ASSIGN,
    Verb.GRANT_WIDENED: ASSIGN,
    Verb.GRANT_NARROWED: REVOKE,
    Verb.GRANT_REVOKED: REVOKE,
    Verb.GRANT_EXPIRED: REVOKE,
}
UPDATE = (3, "Update")
# By the last word of what was done; everything else changed something that was there.
ACTIVITIES = {
    **dict.fromkeys(
        ("added", "asked", "cast", "created", "issued", "opened", "planned", "reported",
         "submitted", "written"),
        (1, "Create"),
    ),
    **dict.fromkeys(("downloaded", "exported", "read", "words_opened"), (2, "Read")),
    **dict.fromkeys(("dropped", "ended", "erased", "withdrawn"), (4, "Delete")),
    "moved": UPDATE,
    "bound": (6, "Enroll"),
    "unbound": (7, "Unenroll"),
    **dict.fromkeys(("approved", "confirmed"), (8, "Enable")),
    **dict.fromkeys(
        ("cancelled", "denied", "expired", "invalidated", "lapsed", "refused", "revoked"),
        (9, "Disable"),
    ),
    "activated": (10, "Activate"),
    "retired": (11, "Deactivate"),
    "suspended": (12, "Suspend"),
    "resumed": (13, "Resume"),
}  # fmt: skip
# Whose last word says something else elsewhere.
EXACTLY = {
    str(Verb.BINDING_CREATED): (6, "Enroll"),
    str(Verb.BINDING_ENDED): (7, "Unenroll"),
}


def told_as_ocsf(files: Files, entries: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    """Hand the entries on, and write each of them down as an event as well."""
    with files.exact(NAME, f"The record as OCSF {VERSION} events") as write:
        for some in batched(entries, CHUNK):
            grants = _grants(some)
            for entry in some:
                write(line(event_of(entry, grants, files.status)).encode())
                yield entry


def event_of(
    entry: Mapping[str, Any], grants: Mapping[int, Mapping[str, Any]], package_status: str
) -> dict[str, Any]:
    grant = grants.get(entry["target_id"]) if entry["target_type"] == "grants.grant" else None
    access = OF_ACCESS.get(entry["verb"]) if grant is not None else None
    number, name = OF_CLASS[access is not None]
    activity_id, activity = access or _activity(entry["verb"])
    at = milliseconds(entry["occurred_at"])
    told = {
        "activity_id": activity_id,
        "activity_name": activity,
        "actor": {"user": {"name": entry["actor_label"], "uid": str(entry["actor_id"] or "")}},
        "category_name": "Identity & Access Management",
        "category_uid": CATEGORY,
        "class_name": name,
        "class_uid": number,
        "comment": entry["reason"] or None,
        "entity": _entity(entry) if access is None else None,
        "metadata": {
            "labels": [f"package_status:{package_status}"],
            "log_name": "governance",
            "product": {"name": "Countersign", "vendor_name": "Countersign"},
            "uid": str(entry["pk"]),
            "version": VERSION,
            **({"correlation_uid": entry["request_id"]} if entry["request_id"] else {}),
        },
        "severity": "Informational",
        "severity_id": 1,
        "status": "Success",
        "status_id": 1,
        "time": at,
        "type_name": f"{name}: {activity}",
        "type_uid": number * 100 + activity_id,
        "unmapped": {
            name: entry[name] for name in ("verb", "channel", "changes", "target_type", "target_id")
        },
        **(_access(grant) if access and grant else {}),
    }
    return {name: value for name, value in told.items() if value is not None}


def _activity(verb: str) -> tuple[int, str]:
    return EXACTLY.get(verb) or ACTIVITIES.get(verb.rpartition(".")[2], UPDATE)


def _entity(entry: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "name": entry["target_label"],
        "type": entry["target_type"],
        "uid": str(entry["target_id"] or ""),
    }


def _access(grant: Mapping[str, Any]) -> dict[str, Any]:
    """Whose privileges: the identity of the grant, on its system."""
    return {
        "user": {
            "name": grant["identity__name"],
            "uid": str(grant["identity_id"]),
            "type_id": OTHER,
            "type": "Non-human",
        },
        "privileges": [grant["label"]],
        "resources": [{"name": grant["system__name"], "uid": str(grant["system_id"])}],
    }


def _grants(entries: Iterable[Mapping[str, Any]]) -> dict[int, dict[str, Any]]:
    ids = {one["target_id"] for one in entries if one["target_type"] == "grants.grant"}
    if not ids:
        return {}
    fields = ("label", "identity_id", "identity__name", "system_id", "system__name")
    return {row["pk"]: row for row in Grant.objects.filter(pk__in=ids).values("pk", *fields)}
