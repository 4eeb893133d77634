"""Reading what was said in one record, which the record of governance notes."""

import json
from dataclasses import dataclass
from typing import Any

from django.db import transaction

from apps.activity.headers import commitment
from apps.activity.models import Event, Invocation, Payload
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor


@dataclass(frozen=True, slots=True)
class Opened:
    """One record's words, part by part; `holds` says whether they are those that were sealed."""

    event: Event
    parts: list[tuple[str, str]]
    holds: bool
    is_erased: bool


WORDS = {
    "told": "Told",
    "instructions": "Its instructions",
    "decided": "Decided",
    "did": "Did",
    "result": "Answered",
    "outcome": "Outcome",
    "anomaly": "Flagged",
    "missing": "Not captured",
    "rest": "Everything else it said",
}


@transaction.atomic
def payload_open(*, invocation: Invocation, leaf: int, actor: Actor) -> Opened | None:
    """The payload of a record of this invocation, noted as read; None if it has none such."""
    event = (
        Event.objects.at(invocation.log_id, [leaf])
        .recorded_between(invocation.first_recorded, invocation.last_recorded)
        .filter(trace_id=invocation.trace_id)
        .first()
    )
    payload = (
        Payload.objects.filter(
            log_id=event.log_id, leaf_index=leaf, recorded_at=event.recorded_at
        ).first()
        if event is not None
        else None
    )
    if event is None or payload is None:
        return None
    record(
        actor=actor,
        verb=Verb.PAYLOAD_OPENED,
        target=invocation,
        changes={"record": (None, leaf)},
    )
    if payload.body is None or payload.salt is None:
        return Opened(event, [], holds=True, is_erased=True)
    told = json.loads(event.header).get("payload", "")
    holds = commitment(bytes(payload.salt), payload.body) == told
    return Opened(event, _parts(json.loads(payload.body)), holds=holds, is_erased=False)


def _parts(body: dict[str, Any]) -> list[tuple[str, str]]:
    """What was said, in the order of a story; a part no page knows stands under its own name."""
    known = [(word, body[name]) for name, word in WORDS.items() if body.get(name)]
    more = [(name, value) for name, value in body.items() if name not in WORDS and value]
    return [(word, _spoken(value)) for word, value in (*known, *more)]


def _spoken(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)
