"""What the credential did since it was exposed, address by address, and what it made."""

import hashlib
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass

from apps.evidence.content.files import Files, compact
from apps.evidence.content.incident.scope import OUTCOMES, Case, outcome_of
from apps.evidence.content.items import CHUNK
from apps.remediation.selectors.incidents import addresses_of

ADDRESSES = ["address", "calls", "changing", "refused", "first_at", "last_at"]
CALLS = [
    "call",
    "address",
    "at",
    "service",
    "name",
    "resource",
    "error",
    "read_only",
    "client",
    "event_id",
]
MADE = ["made", "kind", "name", "at", "address", "event_id", "steps", "order", "outcome", "words"]
OF_CALL = ("pk", *CALLS[1:])
OF_MADE = ("pk", *MADE[1:7])


@dataclass(frozen=True, slots=True)
class Listed:
    """How many calls the package lists, and the digest of the system's own numbers for them."""

    count: int
    sha256: str


def write_addresses(files: Files, case: Case) -> None:
    title = "What it did, by address"
    with files.csv("data/addresses.csv", title, ADDRESSES) as write:
        for row in addresses_of(case.incident):
            write([row[name] for name in ADDRESSES])


def write_calls(files: Files, case: Case) -> Listed:
    """Write each call twice: for a spreadsheet, and word by word as the log had it."""
    rows = case.incident.calls.order_by("address", "at", "pk").values(*OF_CALL)
    numbers, count = hashlib.sha256(), 0
    with ExitStack() as open_files:
        cells = open_files.enter_context(files.csv("data/calls.csv", "Calls, by address", CALLS))
        whole = open_files.enter_context(
            files.jsonl("data/calls.jsonl", "Calls, by address, word by word")
        )
        for row in rows.iterator(CHUNK):
            count += 1
            numbers.update(f"{row['event_id']}\n".encode("utf-8", "surrogatepass"))
            cells([row[name] for name in OF_CALL])
            whole({"call": row["pk"], **{name: row[name] for name in CALLS[1:]}})
    return Listed(count, numbers.hexdigest())


def write_made(files: Files, case: Case) -> dict[str, int]:
    """Write what was made; returns how much of it has which outcome."""
    rows = case.incident.made.order_by("pk").values(*OF_MADE, "order_id", "order__state")
    outcomes: Counter[str] = Counter()
    with files.csv("data/made.csv", "What was made with it", MADE) as write:
        for row in rows.iterator(CHUNK):
            outcome = outcome_of(row)
            outcomes[outcome] += 1
            row["steps"] = compact(row["steps"])
            told = [row[name] for name in OF_MADE]
            write([*told, row["order_id"], outcome, OUTCOMES[outcome]])
    return dict(sorted(outcomes.items()))
