"""What a record's columns have to be, by its header: they repeat it, and are what is searched."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import orjson

from apps.activity.headers import IDENTIFIER, NAME, moment_of
from apps.activity.models import Event

TEXTS = {
    "kind": "kind",
    "span_id": "span",
    "parent_id": "parent",
    "carried_by": "carried_by",
    "level": "level",
    "outcome": "outcome",
    "address": "address",
}
CUT = {"name": ("name", NAME), "target": ("target", NAME), "request_id": ("request", IDENTIFIER)}
WHOSE = ("agent_id", "identity_id", "credential_id", "system_id")
IDS = {"trace_id": "trace", "correlation": "correlation"}
COLUMNS = (
    "recorded_at", "happened_at", "ended_at", "severity", *TEXTS, *CUT, *WHOSE, *IDS,
)  # fmt: skip


def columns_that_differ(header: str, row: dict[str, Any]) -> list[str]:
    """The columns of a record that say other than its header; `row` holds all of `COLUMNS`."""
    try:
        said = list(_said(orjson.loads(header)))
    except (AttributeError, TypeError, ValueError):
        return ["header"]  # neither what Countersign writes, nor sealed as such
    return [name for name, value in said if row[name] != value]


def columns_said(header: bytes) -> dict[str, Any]:
    """What the columns of a record are, by its header alone."""
    return dict(_said(orjson.loads(header)))


def row_of(event: Event) -> dict[str, Any]:
    """The columns of a record, with ids as headers write them."""
    row = {name: getattr(event, name) for name in COLUMNS}
    return row | {name: row[name].hex for name in IDS if row[name]}


def _said(said: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    recorded = datetime.fromisoformat(said.get("recorded", "0001-01-01T00:00:00+00:00"))
    happened = moment_of(said.get("happened", 0), recorded)
    yield "recorded_at", recorded.astimezone(UTC)
    yield "happened_at", happened
    yield "ended_at", max(moment_of(said.get("ended", 0), happened), happened)
    yield "severity", said.get("severity", 0)
    for column, name in TEXTS.items():
        yield column, _plain(said.get(name, ""))
    for column, (name, longest) in CUT.items():
        yield column, _plain(said.get(name, "")[:longest])
    whose = said.get("whose", {})
    for column in WHOSE:
        yield column, whose.get(column)
    for column, name in IDS.items():
        yield column, said.get(name, "").lower() or None


def _plain(text: str) -> str:
    """A NUL, which PostgreSQL cannot hold, stands in a column as a blank."""
    return text.replace("\0", " ")
