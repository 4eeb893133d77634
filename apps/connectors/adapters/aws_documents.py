"""IAM policy documents as a removal writes and reads them: what denies, what is left, what holds.

Pure. A document is an object as `json.loads` gives it, or the text of one.
"""

import json
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import unquote

from apps.grants.patterns import covers, overlap

VERSION = "2012-10-17"
EVERYTHING = ("*",)
# What AWS lets a document have. Inline limits count all inline policies of the holder together.
LONGEST_INLINE = {"user": 2048, "role": 10240}
LONGEST_MANAGED = 6144
NARROWED = "CountersignNarrowed"


def deny(actions: Iterable[str]) -> dict[str, Any]:
    """Deny actions on everything, whatever else allows them."""
    return _document({"Effect": "Deny", "Action": list(actions), "Resource": "*"})


def denials(actions: Sequence[str], longest: int) -> list[dict[str, Any]]:
    """Deny actions in as few documents as fit into `longest` characters each."""
    documents: list[dict[str, Any]] = []
    chunk: list[str] = []
    for action in actions:
        if chunk and len(written(deny([*chunk, action]))) > longest:
            documents.append(deny(chunk))
            chunk = []
        chunk.append(action)
    return [*documents, deny(chunk)]


def deny_older_sessions(before: datetime, *, userid: str = "") -> dict[str, Any]:
    """Deny everything to sessions issued before then; a long-term key has no issue time.

    `userid` names the one session meant, as AWS does (role id and session name).
    """
    moment = up_to_second(before).strftime("%Y-%m-%dT%H:%M:%SZ")
    condition: dict[str, Any] = {"DateLessThan": {"aws:TokenIssueTime": moment}}
    if userid:
        condition["StringEquals"] = {"aws:userid": userid}
    return _document({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": condition})


def up_to_second(moment: datetime) -> datetime:
    """The next full second: issue times have no parts of one, and none may slip through."""
    return moment.astimezone(UTC).replace(microsecond=0) + timedelta(seconds=1)


def written(document: Any) -> str:
    return json.dumps(document, separators=(",", ":"))


def read(document: Any) -> dict[str, Any]:
    """A document however an API gives it: an object, text, or URL-encoded text."""
    if isinstance(document, str):
        plain = unquote(document) if document.lstrip()[:1] == "%" else document
        document = json.loads(plain)
    return document if isinstance(document, dict) else {}


def without(document: Any, actions: Sequence[str]) -> dict[str, Any] | None:
    """The document with these actions taken out; None where nothing it allows would be left.

    An entry that stands for more than what goes cannot be cut: it stays, and a statement that
    denies what goes is added, so that exactly these actions are lost.
    """
    before = read(document)
    kept: list[dict[str, Any]] = []
    cut = False
    for statement in _statements(before):
        if not _allows(statement) or "NotAction" in statement:
            kept.append(statement)
            cut = cut or any(_may_allow(statement, action) for action in actions)
            continue
        stay = [one for one in _texts(statement, "Action") if not _is_among(one, actions)]
        cut = cut or any(overlap(one, action) for one in stay for action in actions)
        if stay:
            kept.append(statement | {"Action": stay})
    if not any(_allows(statement) for statement in kept):
        return None
    if cut and not all(_is_denied(kept, action) for action in actions):
        kept.append({"Sid": NARROWED, "Effect": "Deny", "Action": list(actions), "Resource": "*"})
    return before | {"Statement": kept}


def still_allowed(documents: Iterable[Any], actions: Iterable[str]) -> list[str]:
    """Which of the actions these documents together may still allow."""
    statements = [one for document in documents for one in _statements(read(document))]
    return [
        action
        for action in actions
        if any(_may_allow(one, action) for one in statements) and not _is_denied(statements, action)
    ]


def allows_anything(document: Any) -> bool:
    return any(_allows(statement) for statement in _statements(read(document)))


def is_denial_of_sessions(document: Any, before: datetime) -> bool:
    """Whether a document ends at least the sessions issued before then."""
    for statement in _statements(read(document)):
        told = (statement.get("Condition") or {}).get("DateLessThan") or {}
        for key, moment in told.items():
            is_it = key.lower() == "aws:tokenissuetime" and statement.get("Effect") == "Deny"
            if is_it and _moment(moment) >= before.replace(microsecond=0):
                return True
    return False


def _document(statement: dict[str, Any]) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": [statement]}


def _statements(document: dict[str, Any]) -> list[dict[str, Any]]:
    listing = document.get("Statement") or []
    return [listing] if isinstance(listing, dict) else list(listing)


def _texts(statement: dict[str, Any], name: str) -> list[str]:
    value = statement.get(name) or []
    return [value] if isinstance(value, str) else list(value)


def _allows(statement: dict[str, Any]) -> bool:
    return statement.get("Effect") == "Allow"


def _is_among(action: str, actions: Iterable[str]) -> bool:
    return any(covers(one, action) for one in actions)


def _may_allow(statement: dict[str, Any], action: str) -> bool:
    if not _allows(statement):
        return False
    if "NotAction" in statement:
        return not _is_among(action, _texts(statement, "NotAction"))
    return any(overlap(one, action) for one in _texts(statement, "Action"))


def _is_denied(statements: Iterable[dict[str, Any]], action: str) -> bool:
    return any(
        statement.get("Effect") == "Deny"
        and not statement.get("Condition")
        and "*" in _texts(statement, "Resource")
        and _is_among(action, _texts(statement, "Action"))
        for statement in statements
    )


def _moment(text: Any) -> datetime:
    value = text[0] if isinstance(text, list) else text
    return datetime.fromisoformat(str(value)).astimezone(UTC)
