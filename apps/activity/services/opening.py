"""Reading what was said in records, which the record of governance notes."""

import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import models, transaction
from django.db.models import F

from apps.activity.headers import commitment
from apps.activity.models import Erasure, Event, Invocation, Payload
from apps.activity.saying import header_said
from apps.activity.selectors.naming import run_of
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.proof.models import Log

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
PLAIN = "Plain text, not JSON"
MOST_OPENED = 500


@dataclass(frozen=True, slots=True)
class Opened:
    """One record's words, part by part; `holds` says whether they are those that were sealed."""

    event: Event
    parts: list[tuple[str, str]]
    holds: bool
    is_erased: bool
    erasure: Erasure | None = None


@transaction.atomic
def payloads_open(*, invocation: Invocation, actor: Actor) -> list[Opened]:
    """The words of a run's records, and of what others told under its id; noted as read in one
    entry for each agent's run."""
    rows = Event.objects.story_of(invocation).visible_to(actor).annotate(teller=F("told_by"))
    told = list(rows[:MOST_OPENED])
    runs = list(Invocation.objects.under(invocation.log_id, [invocation.trace_id]))
    opened = _opened(told)
    tellers = {one.leaf_index: one.teller for one in told}
    read: dict[Invocation, list[int]] = defaultdict(list)
    for one in opened:
        leaf, header = one.event.leaf_index, header_said(one.event.header)
        read[run_of(runs, tellers[leaf], header) or invocation].append(leaf)
    for run, leaves in read.items():
        _note(run, leaves, actor)
    return opened


@transaction.atomic
def payload_open(*, leaf: int, actor: Actor) -> Opened | None:
    """The words of any one record that the reader may see, noted as read; None if it has none."""
    log = Log.objects.filter(name="activity").first()
    if log is None or leaf >= 2**63:
        return None
    opened = _opened(list(Event.objects.at(log.pk, [leaf]).visible_to(actor)[:1]))
    if not opened:
        return None
    _note(log, [leaf], actor)
    return opened[0]


def _note(target: models.Model, leaves: list[int], actor: Actor) -> None:
    changes = {"records": (None, leaves)}
    record(actor=actor, verb=Verb.PAYLOAD_OPENED, target=target, changes=changes)


def _opened(told: Sequence[Event]) -> list[Opened]:
    payloads = _payloads(told)
    erasures = _erasures(payloads.values())
    return [
        _open(one, payloads[one.leaf_index], erasures.get(one.leaf_index))
        for one in told
        if one.leaf_index in payloads
    ]


def _payloads(events: Sequence[Event]) -> dict[int, Payload]:
    if not events:
        return {}
    times = [one.recorded_at for one in events]
    rows = Payload.objects.filter(
        log_id=events[0].log_id,
        leaf_index__in=[one.leaf_index for one in events],
        recorded_at__gte=min(times),
        recorded_at__lte=max(times),
    )
    return {one.leaf_index: one for one in rows}


def _erasures(payloads: Collection[Payload]) -> dict[int, Erasure]:
    """By whose approval those are gone that are."""
    gone = [one for one in payloads if one.body is None]
    if not gone:
        return {}
    rows = Erasure.objects.approved_of(gone[0].log_id, [one.leaf_index for one in gone])
    return {one.leaf_index: one for one in rows}


def _open(event: Event, payload: Payload, erasure: Erasure | None) -> Opened:
    if payload.body is None or payload.salt is None:
        return Opened(event, [], holds=True, is_erased=True, erasure=erasure)
    told = header_said(event.header).get("payload", "")
    holds = commitment(bytes(payload.salt), payload.body) == told
    return Opened(event, _parts(payload.body), holds=holds, is_erased=False)


def _parts(text: str) -> list[tuple[str, str]]:
    """What was said, in the order of a story; a part no page knows stands under its own name.

    What is no JSON object is shown as it stands.
    """
    try:
        body = json.loads(text)
    except ValueError:
        body = None
    if not isinstance(body, dict):
        return [(PLAIN, text)]
    known = [(word, body[name]) for name, word in WORDS.items() if body.get(name)]
    more = [(name, value) for name, value in body.items() if name not in WORDS and value]
    return [(word, _spoken(value)) for word, value in (*known, *more)]


def _spoken(value: Any) -> str:
    if isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False)
