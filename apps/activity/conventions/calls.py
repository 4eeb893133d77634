"""What a span says of a call to another system: its name, its target, and how it went."""

from typing import Any

from apps.activity.conventions.bounds import short
from apps.activity.conventions.tables import (
    DENIALS,
    HOSTS,
    HTTP_LEVELS,
    READ_VERBS,
    SQL_LEVELS,
    WRITE_VERBS,
)

SLOTS = frozenset({"http_method", "rpc_system", "rpc_method", "db_system", "messaging"})


def described(found: dict[str, Any], span_name: str) -> tuple[str, str, str, str]:
    """Name, target, level, and kind of system."""
    target = short(found.get("place"))
    if "rpc_method" in found or "rpc_system" in found:
        return _rpc(found, span_name, target)
    if "db_system" in found:
        system = short(found["db_system"], 40)
        query = short(found.get("db_query"), 40).split(maxsplit=1)
        verb = short(found.get("db_operation"), 40) or (query[0] if query else "")
        name = f"{system}:{verb}" if verb else span_name
        return name, target, SQL_LEVELS.get(verb.upper(), ""), system
    if "messaging" in found:
        system = short(found["messaging"], 40)
        verb = short(found.get("messaging_operation"), 40)
        level = "write" if verb in {"send", "publish", "create"} else ""
        return f"{system}:{verb}" if verb else span_name, target, level, system
    method = short(found.get("http_method"), 20).upper()
    url = short(found.get("url"), 2000).partition("?")[0].partition("#")[0]
    host = short(found.get("server")) or url.partition("://")[2].partition("/")[0]
    host = host.rpartition("@")[2]
    name = span_name if span_name.upper() != method else f"{method} {host}".strip()
    return name, _without_user(url)[:200] or target, HTTP_LEVELS.get(method, ""), system_of(host)


def went(found: dict[str, Any]) -> str:
    """The outcome that the answer's status or the error's type tells; empty where neither does."""
    status = short(found.get("http_status"), 3)
    if status in {"401", "403"}:
        return "denied"
    if status.isdigit() and int(status) >= 400:
        return "failed"
    if "error" in found:
        return "denied" if is_denial(short(found["error"])) else "failed"
    return ""


def is_denial(error: str) -> bool:
    lowered = error.lower()
    return any(mark in lowered for mark in DENIALS)


def system_of(host: str) -> str:
    host = host.partition(":")[0].lower()
    return next((kind for end, kind in HOSTS.items() if host.endswith(end)), "")


def level_of(verb: str) -> str:
    """What an operation named in the manner of AWS does, by its first word."""
    if verb.startswith(READ_VERBS):
        return "read"
    return "write" if verb.startswith(WRITE_VERBS) else ""


def _rpc(found: dict[str, Any], span_name: str, target: str) -> tuple[str, str, str, str]:
    service, _, method = short(found.get("rpc_method")).rpartition("/")
    service = short(found.get("rpc_service")) or service
    system = short(found.get("rpc_system"), 40)
    if not method:
        return span_name, target, "", "aws" if system == "aws-api" else ""
    if system == "aws-api" or "aws" in system:
        service = service.lower().replace(" ", "").replace("-", "")
        return f"{service}:{method}"[:200], target or service, level_of(method), "aws"
    service = service.rpartition(".")[2] or service
    name = f"{service}:{method}" if service else method
    return name[:200], target, level_of(method), system_of(short(found.get("server")))


def _without_user(url: str) -> str:
    scheme, mark, rest = url.partition("://")
    host, slash, path = rest.partition("/")
    return scheme + mark + host.rpartition("@")[2] + slash + path
