"""Audit events of Kubernetes, one a line or as an EventList."""

import hashlib
from collections.abc import Iterator
from typing import Any, BinaryIO

from apps.activity.conventions.spans import Unreadable
from apps.activity.formats.lines import Bad, lines
from apps.activity.formats.pairing import completed
from apps.activity.formats.values import carried, member, nanoseconds, text
from apps.activity.readings import Reading

CREDENTIAL = "authentication.kubernetes.io/credential-id"
DECISION = "authorization.k8s.io/decision"
ENDS = frozenset({"ResponseComplete", "Panic"})
LEVELS = {
    "get": "read", "list": "read", "watch": "read",
    "create": "write", "update": "write", "patch": "write", "delete": "write",
    "deletecollection": "write", "connect": "write", "post": "write", "put": "write",
    "impersonate": "admin", "bind": "admin", "escalate": "admin", "approve": "admin",
}  # fmt: skip
ADMIN_GROUPS = ("rbac.authorization.k8s.io", "admissionregistration.k8s.io")
MAPPED = frozenset({"requestObject", "responseObject"})


def readings(file: BinaryIO) -> Iterator[Reading | Bad]:
    return completed(
        _flattened(lines(file)),
        read,
        call_of=_request_of,
        is_end=lambda event: text(event.get("stage"), 40) in ENDS,
    )


def read(event: dict[str, Any]) -> Reading:
    verb, audit_id = text(event.get("verb"), 40), text(event.get("auditID"), 128)
    if not verb or not audit_id:
        raise Unreadable("It is no audit event of Kubernetes: auditID or verb is missing.")
    object_of = event.get("objectRef")
    kind = "/".join(
        filter(None, (text(member(object_of, "resource")), text(member(object_of, "subresource"))))
    )
    stage = text(event.get("stage"), 40)
    at = nanoseconds(event.get("requestReceivedTimestamp"))
    correlation = _ours(audit_id)
    user = event.get("user")
    credential = text(member(user, "extra", CREDENTIAL), 128)
    return Reading(
        kind="api",
        name=f"{kind}:{verb}"[:200] if kind else verb,
        happened_at=at,
        ended_at=nanoseconds(event.get("stageTimestamp")) or at,
        correlation=correlation,
        carried_by="header" if correlation else "",
        request_id=audit_id,
        target=_target(event, object_of),
        level=_level(verb, text(member(object_of, "apiGroup"))),
        outcome=_outcome(event, stage),
        system="kubernetes",
        principal=text(member(user, "username"), 400),
        credential=credential.removeprefix("JTI="),
        address=text(event.get("sourceIPs"), 64),
        client=text(event.get("userAgent")),
        original_id=_event_of(event, audit_id, stage),
        warnings=() if at else ("no time of its own",),
        body=_body(event),
    )


def _flattened(
    found: Iterator[tuple[int, dict[str, Any]] | Bad],
) -> Iterator[tuple[int, dict[str, Any]] | Bad]:
    for one in found:
        if isinstance(one, Bad) or one[1].get("kind") != "EventList":
            yield one
            continue
        number, held = one
        items = held.get("items")
        for item in items if isinstance(items, list) else ():
            yield (number, item) if isinstance(item, dict) else Bad(number, "It is no object.")


def _request_of(event: dict[str, Any]) -> str:
    """What the events of one request have in common. Its id alone may be of any number of them:
    the server takes the one that a client sends as it is."""
    said = [text(event.get("auditID"), 128)]
    said += [text(event.get(name), 2000) for name in ("verb", "requestURI")]
    said += [text(member(event, "user", "username"), 400)]
    return " ".join([*said, text(event.get("requestReceivedTimestamp"), 40)])


def _event_of(event: dict[str, Any], audit_id: str, stage: str) -> str:
    """What one event is known again by, which no header that an agent sends can make another's."""
    told = hashlib.sha256(f"{_request_of(event)} {stage}".encode(errors="replace"))
    return f"{audit_id}:{stage}:{told.hexdigest()[:32]}"


def _ours(audit_id: str) -> str:
    """The id, if a client sent it: the server makes random ones (UUID version 4) with dashes."""
    found = carried(audit_id)
    return found if found and ("-" not in audit_id or audit_id[14:15] == "7") else ""


def _target(event: dict[str, Any], object_of: Any) -> str:
    named = (text(member(object_of, "namespace")), text(member(object_of, "name")))
    return "/".join(filter(None, named))[:200] or text(event.get("requestURI")).partition("?")[0]


def _level(verb: str, group: str) -> str:
    level = LEVELS.get(verb, "")
    return "admin" if level == "write" and group in ADMIN_GROUPS else level


def _outcome(event: dict[str, Any], stage: str) -> str:
    code = member(event.get("responseStatus"), "code")
    code = code if isinstance(code, int) else 0
    if code in {401, 403} or member(event.get("annotations"), DECISION) == "forbid":
        return "denied"
    if stage == "Panic" or code >= 400:
        return "failed"
    return "ok" if code else ""


def _body(event: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if event.get("requestObject") is not None:
        body["did"] = event["requestObject"]
    if event.get("responseObject") is not None:
        body["result"] = event["responseObject"]
    message = member(event.get("responseStatus"), "message")
    if message:
        body["outcome"] = text(message, 4000)
    body["rest"] = {name: value for name, value in event.items() if name not in MAPPED}
    return body
