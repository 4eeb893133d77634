"""AWS CloudTrail: delivered files (`Records`), answers of LookupEvents, or one event a line."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import orjson

from apps.activity.arns import arn_in
from apps.activity.conventions.bounds import short
from apps.activity.conventions.calls import is_denial, level_of
from apps.activity.conventions.spans import Unreadable
from apps.activity.formats.lines import Bad, first_lines, is_deep, lines, members, read_each
from apps.activity.formats.values import marked, member, nanoseconds, text
from apps.activity.readings import Reading

LISTS = ("Records", "Events")
PLACES = tuple(f"{name}.item" for name in LISTS)
REFUSALS = (
    "AuthFailure",
    "InvalidClientTokenId",
    "UnrecognizedClient",
    "ExpiredToken",
    "SignatureDoesNotMatch",
)
# Where an event names no resource: the first of these parameters that was asked with.
TARGETS = (
    "roleArn", "bucketName", "secretId", "functionName", "tableName", "keyId", "roleName",
    "userName", "policyArn", "groupName", "instanceId", "topicArn", "queueUrl", "trailName",
    "stackName", "dBInstanceIdentifier", "clusterName", "name",
)  # fmt: skip
MAPPED = frozenset({"requestParameters", "responseElements", "errorCode", "errorMessage"})


def readings(file: BinaryIO) -> Iterator[Reading | Bad]:
    first, second = first_lines(file, 2)
    if first.lstrip()[:1] == b"[":
        return read_each(members(file, "item"), read)
    if _is_record(first) or _is_record(second):
        return read_each(lines(file), read)
    return read_each(members(file, *PLACES), read)


def read(event: dict[str, Any]) -> Reading:
    """One event. Who it was is the role for an assumed role; its session stays in the payload."""
    event = _unpacked(event)
    name, source = text(event.get("eventName")), text(event.get("eventSource"))
    if not name or not source:
        raise Unreadable("It is no event of CloudTrail: eventName or eventSource is missing.")
    who = event.get("userIdentity")
    correlation, carried_by = _carried(event, who)
    at = nanoseconds(event.get("eventTime"))
    service = source.partition(".amazonaws.com")[0]
    account = text(event.get("recipientAccountId")) or text(member(who, "accountId"))
    return Reading(
        kind="api",
        name=f"{service}:{name}"[:200],
        happened_at=at,
        ended_at=at,
        correlation=correlation,
        carried_by=carried_by,
        request_id=text(event.get("requestID"), 128),
        target=_target(event, service, name, account),
        level=_level(event, name),
        outcome=_outcome(event),
        claimed_agent=text(member(who, "sessionContext", "sourceIdentity")),
        system="aws",
        account=account,
        principal=_principal(who),
        credential=text(member(who, "accessKeyId"), 128),
        address=text(event.get("sourceIPAddress"), 64),
        client=text(event.get("userAgent")),
        original_id=text(event.get("eventID"), 128),
        warnings=() if at else ("no time of its own",),
        body=_body(event),
    )


def _is_record(line: bytes) -> bool:
    """Whether a line is a record by itself, though perhaps none that can be read."""
    try:
        told = orjson.loads(line)
    except (orjson.JSONDecodeError, RecursionError):
        return False
    return isinstance(told, dict) and told.keys().isdisjoint(LISTS)


def _unpacked(event: dict[str, Any]) -> dict[str, Any]:
    """LookupEvents gives the event as a text within the event."""
    told = event.get("CloudTrailEvent")
    if not isinstance(told, str):
        return event
    try:
        inner = orjson.loads(told)
    except (orjson.JSONDecodeError, RecursionError) as error:
        raise Unreadable("Its CloudTrailEvent is not valid JSON.") from error
    if not isinstance(inner, dict) or is_deep(inner):
        raise Unreadable("Its CloudTrailEvent is not an object.")
    return inner


def _carried(event: dict[str, Any], who: Any) -> tuple[str, str]:
    """An id of ours in the session's name, or in the user agent (`app/cs-...`)."""
    arn = text(member(who, "arn"), 2000)
    sessions = (
        arn.rpartition("/")[2] if ":assumed-role/" in arn else "",
        text(member(who, "principalId"), 2000).partition(":")[2],
        member(event.get("requestParameters"), "roleSessionName"),
    )
    for session in sessions:
        found = marked(session)
        if found:
            return found, "session"
    agent = text(event.get("userAgent"), 2000)
    found = marked(agent[agent.find("app/cs-") :]) if "app/cs-" in agent else ""
    return found, "user-agent" if found else ""


def _principal(who: Any) -> str:
    for value in (
        member(who, "sessionContext", "sessionIssuer", "arn"),
        member(who, "arn"),
        member(who, "principalId"),
        member(who, "invokedBy"),
        member(who, "userName"),
        member(who, "type"),
    ):
        if value:
            return text(value, 400)
    return ""


def _target(event: dict[str, Any], service: str, name: str, account: str) -> str:
    resources = event.get("resources")
    for one in resources if isinstance(resources, list) else ():
        named = text(member(one, "ARN")) or text(member(one, "arn"))
        if named:
            return named
    asked = event.get("requestParameters")
    if not isinstance(asked, dict):
        return ""
    # Where another account's event is looked at, it is not sure in which of the two a name lies.
    own = account if member(event.get("userIdentity"), "accountId") in (None, account) else ""
    if found := arn_in(service, name, event, own):
        return text(found)
    return next((text(asked[one]) for one in TARGETS if isinstance(asked.get(one), str)), "")


def _level(event: dict[str, Any], name: str) -> str:
    is_reading = event.get("readOnly")
    if isinstance(is_reading, str):
        is_reading = {"true": True, "false": False}.get(is_reading.lower())
    if is_reading is None:
        return level_of(name)
    return "read" if is_reading else "write"


def _outcome(event: dict[str, Any]) -> str:
    error = short(event.get("errorCode"))
    if error:
        return "denied" if is_denial(error) or error.startswith(REFUSALS) else "failed"
    if member(event.get("responseElements"), "ConsoleLogin") == "Failure":
        return "denied"
    return "failed" if event.get("errorMessage") else "ok"


def _body(event: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    if event.get("requestParameters") is not None:
        body["did"] = event["requestParameters"]
    if event.get("responseElements") is not None:
        body["result"] = event["responseElements"]
    errors = [short(event[name], 4000) for name in ("errorCode", "errorMessage") if event.get(name)]
    if errors:
        body["outcome"] = ": ".join(errors)
    body["rest"] = {name: value for name, value in event.items() if name not in MAPPED}
    return body
