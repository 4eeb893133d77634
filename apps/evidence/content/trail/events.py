"""The records themselves: exact lines, the words beside them, and an index for people."""

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import batched
from typing import Any, Protocol

from django.db.models import F

from apps.activity.models import Event, Payload
from apps.activity.saying import header_said
from apps.evidence.content.files import Files, line, utc
from apps.evidence.content.index import Cover, Workbook
from apps.evidence.content.logs import Run, runs_of, write_proof
from apps.evidence.content.trail.archived import Record
from apps.evidence.content.trail.ocsf import NAME as OCSF
from apps.evidence.content.trail.ocsf import VERSION, Beside, event_of
from apps.evidence.content.trail.scope import Tale
from apps.evidence.subjects import Subject
from apps.inventory.models import Agent

EVENTS, PAYLOADS = "data/events.jsonl", "data/payloads.jsonl"
INDEX = [
    "leaf",
    "happened_at",
    "recorded_at",
    "kind",
    "name",
    "target",
    "level",
    "outcome",
    "severity",
    "agent",
    "identity",
    "system",
    "trace",
    "span",
    "address",
    "payload",
]
CHUNK = 2000


@dataclass(slots=True)
class Listed:
    """What was written: records by kind, payloads by what became of them, places in the log."""

    kinds: Counter[str] = field(default_factory=Counter)
    payloads: Counter[str] = field(default_factory=Counter)
    runs: list[Run] = field(default_factory=list)


def write_events(files: Files, tale: Tale) -> Listed:
    """Write each record's exact line, its payload's state, its row of the index, and the proof."""
    listed = Listed()
    with ExitStack() as open_files:
        title = "Records, word by word as they were sealed"
        exact = open_files.enter_context(files.exact(EVENTS, title))
        words = open_files.enter_context(
            files.exact(PAYLOADS, "What was said, or why it is not here")
        )
        index = open_files.enter_context(files.csv("data/index.csv", "Index of the records", INDEX))
        cover = Cover(tale.name, "Records", INDEX, tale.note, None)
        book = open_files.enter_context(Workbook(files, cover))
        ocsf = open_files.enter_context(files.exact(OCSF, f"The records as OCSF {VERSION} events"))
        beside = _beside(files, tale)

        def places() -> Iterator[int]:
            for event, header, state, told in told_of(tale):
                exact(event.header.encode())
                if told:
                    words(told.encode())
                    listed.payloads[state] += 1
                listed.kinds[event.kind] += 1
                row = _row(event, header, state)
                index(row)
                book.write(row)
                ocsf(line(event_of(event, header, beside)).encode())
                yield event.leaf_index

        listed.runs = runs_of(places())
    write_proof(
        files,
        tale.signed,
        file=EVENTS,
        runs=listed.runs,
        unsigned=tale.unsigned,
        claimed=tale.claimed,
    )
    return listed


def _beside(files: Files, tale: Tale) -> Beside:
    designs = Agent.objects.order_by().values("pk", "version", "model", charter=F("purpose"))
    if tale.about != Subject.WHOLE:
        designs = designs.filter(pk__in=tale.agents)
    origin = tale.signed.note.split("\n", 1)[0]
    return Beside(files.status, origin, {row["pk"]: dict(row) for row in designs})


class Telling(Protocol):
    """Records in the order of the log, and whether their words are told."""

    @property
    def with_payloads(self) -> bool: ...

    def records(self) -> Iterator[Record]: ...


def told_of(tale: Telling) -> Iterator[tuple[Event, dict[str, Any], str, str]]:
    """Each record with its header, and what is told of its payload."""
    for records in batched(tale.records(), CHUNK):
        here = [one.event for one in records if not one.is_archived]
        kept = _payloads(here, with_words=tale.with_payloads) if here else {}
        for record in records:
            event = record.event
            header = header_said(event.header)
            if "payload" not in header:
                yield event, header, "", ""
                continue
            payload = record.words if record.is_archived else kept.get(event.leaf_index)
            state, told = _payload(payload, tale)
            yield event, header, state, line({"i": event.leaf_index, **told})


def _payloads(events: Sequence[Event], *, with_words: bool) -> dict[int, Payload]:
    rows = Payload.objects.filter(
        log_id=events[0].log_id,
        leaf_index__in=[one.leaf_index for one in events],
        recorded_at__gte=min(one.recorded_at for one in events),
        recorded_at__lte=max(one.recorded_at for one in events),
    )
    if not with_words:
        rows = rows.only("log_id", "leaf_index", "recorded_at", "erased_at")
    return {one.leaf_index: one for one in rows}


def _payload(kept: Payload | None, tale: Telling) -> tuple[str, dict[str, Any]]:
    if kept is None:
        return "absent", {"absent": True}
    if kept.erased_at is not None:
        return "erased", {"erased": utc(kept.erased_at)}
    if not tale.with_payloads or kept.salt is None:
        return "redacted", {"redacted": True}
    return "included", {"salt": bytes(kept.salt).hex(), "body": kept.body}


def _row(event: Event, header: dict[str, Any], state: str) -> list[Any]:
    """What the index says of a record is what its line says."""
    whose = header.get("whose", {})
    return [
        event.leaf_index,
        event.happened_at,
        event.recorded_at,
        event.kind,
        *(header.get(name, "") for name in ("name", "target", "level", "outcome")),
        header.get("severity", 0),
        *(whose.get(name, "") for name in ("agent", "identity", "system")),
        *(header.get(name, "") for name in ("trace", "span", "address")),
        state,
    ]
