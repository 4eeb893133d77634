"""Audit log of GitHub: one event a line, as it is streamed, or a list, as it is exported."""

from collections.abc import Iterator
from typing import Any, BinaryIO

from apps.activity.conventions.spans import Unreadable
from apps.activity.formats.lines import Bad, begins_with_list, lines, members, read_each
from apps.activity.formats.values import marked, nanoseconds, text
from apps.activity.readings import Reading

LEVELS = {
    "access": "read", "authentication": "",
    "create": "write", "modify": "write", "remove": "write", "restore": "write",
    "transfer": "write",
}  # fmt: skip
READ_ACTIONS = frozenset({"git.clone", "git.fetch", "repo.download_zip", "api.request"})
ADMIN_STARTS = ("org.", "business.", "protected_branch.", "team.", "hook.", "role.", "enterprise.")


def readings(file: BinaryIO) -> Iterator[Reading | Bad]:
    found = members(file, "item") if begins_with_list(file) else lines(file)
    return read_each(found, read)


def read(event: dict[str, Any]) -> Reading:
    """One event. The digest of its token stays as GitHub writes it: base64 of SHA-256."""
    action = text(event.get("action"))
    if not action:
        raise Unreadable("It is no event of GitHub's audit log: its action is missing.")
    at = nanoseconds(event.get("@timestamp")) or nanoseconds(event.get("created_at"))
    client = text(event.get("user_agent"))
    correlation = marked(client)
    failed = action.endswith(("_failed", ".failed", "_denied"))
    return Reading(
        kind="api",
        name=action,
        happened_at=at,
        ended_at=at,
        correlation=correlation,
        carried_by="user-agent" if correlation else "",
        request_id=text(event.get("request_id"), 128),
        target=text(event.get("repo")) or text(event.get("name")) or text(event.get("user")),
        level=_level(event, action),
        outcome="failed" if failed else "ok",
        system="github",
        account=text(event.get("org")) or text(event.get("business")),
        principal=text(event.get("actor")),
        credential=text(event.get("hashed_token"), 128) or text(event.get("token_id"), 128),
        address=text(event.get("actor_ip"), 64),
        client=client,
        original_id=text(event.get("_document_id"), 128),
        warnings=() if at else ("no time of its own",),
        body={"rest": event},
    )


def _level(event: dict[str, Any], action: str) -> str:
    level = LEVELS.get(text(event.get("operation_type"), 20), "")
    if action in READ_ACTIONS:
        return "read"
    return "admin" if level == "write" and action.startswith(ADMIN_STARTS) else level
