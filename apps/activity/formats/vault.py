"""Audit log of Vault and OpenBao: a line as a request comes, another as it is answered."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from apps.activity.conventions.spans import Unreadable
from apps.activity.formats.lines import Bad, lines
from apps.activity.formats.pairing import completed
from apps.activity.formats.values import carried, member, nanoseconds, text
from apps.activity.readings import Reading

HEADERS = ("correlation-id", "x-correlation-id", "x-countersign-invocation", "traceparent")
LEVELS = {
    "read": "read", "list": "read", "help": "read",
    "create": "write", "update": "write", "patch": "write", "delete": "write",
}  # fmt: skip
# Changing what others may do, or how they sign in.
ADMIN_PATHS = ("sys/", "auth/", "identity/")
SIGN_INS = ("/login", "/renew-self", "/lookup-self", "/revoke-self")


def readings(file: BinaryIO) -> Iterator[Reading | Bad]:
    return completed(
        lines(file),
        read,
        call_of=lambda line: text(member(line, "request", "id"), 128),
        is_end=lambda line: line.get("type") == "response",
    )


def read(line: dict[str, Any]) -> Reading:
    request, auth = line.get("request"), line.get("auth")
    path, operation = text(member(request, "path")), text(member(request, "operation"), 40)
    if not operation:
        raise Unreadable("It is no line of an audit log of Vault: its request has no operation.")
    headers = member(request, "headers")
    headers = (
        {str(name).lower(): value for name, value in headers.items()}
        if isinstance(headers, dict)
        else {}
    )
    correlation, carried_by = _carried(headers, auth)
    at = nanoseconds(line.get("time"))
    told = text(line.get("type"), 20)
    request_id = text(member(request, "id"), 128)
    credential = member(auth, "accessor") or member(request, "client_token_accessor")
    return Reading(
        kind="api",
        name=f"vault:{operation}",
        happened_at=at,
        ended_at=at,
        correlation=correlation,
        carried_by=carried_by,
        request_id=request_id,
        target=path,
        level=_level(path, operation),
        outcome=_outcome(line, is_answer=told == "response"),
        system="vault",
        account=text(member(request, "namespace", "path")).strip("/"),
        principal=text(member(auth, "entity_id")) or text(member(auth, "display_name")),
        credential=text(credential, 128),
        address=text(member(request, "remote_address"), 64),
        client=text(headers.get("user-agent")),
        original_id=f"{request_id}:{told}" if request_id else "",
        warnings=() if at else ("no time of its own",),
        body=_body(line),
    )


def _carried(headers: dict[str, Any], auth: Any) -> tuple[str, str]:
    """The run's id in a header; else of a token that was made for the run, in its metadata."""
    found = next((carried(headers[name]) for name in HEADERS if name in headers), "")
    if found:
        return found, "header"
    found = carried(member(auth, "metadata", "correlation_id"))
    return found, "session" if found else ""


def _level(path: str, operation: str) -> str:
    level = LEVELS.get(operation, "")
    if level == "write" and path.startswith(ADMIN_PATHS):
        return "" if any(one in path for one in SIGN_INS) else "admin"
    return level


def _outcome(line: dict[str, Any], *, is_answer: bool) -> str:
    error = text(line.get("error"), 2000).lower()
    if error:
        return "denied" if "permission denied" in error or "invalid token" in error else "failed"
    return "ok" if is_answer else ""


def _body(line: dict[str, Any]) -> dict[str, Any]:
    body: dict[str, Any] = {}
    did = member(line, "request", "data")
    if did is not None:
        body["did"] = did
    result = member(line, "response", "data")
    if result is not None:
        body["result"] = result
    if line.get("error"):
        body["outcome"] = text(line["error"], 4000)
    request = line.get("request")
    rest: dict[str, Any] = dict(line)
    if isinstance(request, dict):
        rest["request"] = {name: value for name, value in request.items() if name != "data"}
    response = line.get("response")
    if isinstance(response, dict):
        rest["response"] = {name: value for name, value in response.items() if name != "data"}
    body["rest"] = rest
    return body
