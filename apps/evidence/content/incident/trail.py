"""What the trail holds of the credential: sealed records of its calls, with their proof."""

import heapq
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import QuerySet

from apps.activity.headers import moment_of
from apps.activity.models import Event
from apps.activity.services.append import LOG
from apps.activity.states import Kind
from apps.evidence.content.files import Files
from apps.evidence.content.incident.scope import Case
from apps.evidence.content.items import CHUNK
from apps.evidence.content.logs import SignedLog, runs_of, signed_log, write_proof
from apps.evidence.content.readings import gap
from apps.evidence.content.trail.archived import Record, Stock, stock_of, withheld_of
from apps.evidence.content.trail.events import EVENTS, PAYLOADS, told_of
from apps.evidence.content.trail.gaps import redacted, write_redactions
from apps.evidence.content.trail.scope import ABOUT

NOT_SIGNED = (
    "What the trail holds of the credential",
    "No checkpoint of the trail is signed, so nothing in it can be proven.",
)
NO_RECORD = (
    "Records of the trail",
    "It holds no call with this credential since the exposure; only connected logs are read.",
)
NO_RANGE = (
    "Records of the trail that came later",
    "They claim no range of the log: what is here is proven, not that there is no more.",
)


@dataclass(frozen=True, slots=True)
class Seen:
    """The calls with the credential since it was exposed, as far as they are sealed and signed."""

    case: Case
    signed: SignedLog | None
    stock: Stock = field(default_factory=Stock)
    with_payloads: bool = False

    @property
    def unsigned(self) -> int:
        return self._kept().filter(leaf_index__gte=self.signed.size).count() if self.signed else 0

    def records(self) -> Iterator[Record]:
        if self.signed is None:
            return iter(())
        rows = self._kept().filter(leaf_index__lt=self.signed.size).order_by("leaf_index")
        archived = self.stock.streams(self._is_wanted, withheld_of(self.signed.log.pk))
        here = map(Record, rows.iterator(CHUNK))
        return heapq.merge(here, *archived, key=lambda one: one.event.leaf_index)

    def _kept(self) -> QuerySet[Event]:
        incident = self.case.incident
        rows: QuerySet[Event] = Event.objects.in_trail().filter(
            kind=Kind.API,
            credential_id=incident.credential_id,
            happened_at__gte=incident.exposed_since,
            recorded_at__gte=incident.exposed_since - ABOUT,
        )
        return rows

    def _is_wanted(self, leaf: int, said: Mapping[str, Any]) -> bool:
        incident, whose = self.case.incident, said.get("whose", {})
        if said.get("kind") != Kind.API or whose.get("credential_id") != incident.credential_id:
            return False
        assert self.signed is not None  # noqa: S101
        happened = moment_of(said.get("happened", 0), incident.opened_at)
        return leaf < self.signed.size and happened >= incident.exposed_since


@dataclass(frozen=True, slots=True)
class Sealed:
    """What was written, and what of the trail is not here."""

    records: int
    payloads: dict[str, int]
    redactions: list[dict[str, Any]]
    gaps: list[dict[str, Any]]


def write_seen(files: Files, case: Case) -> Sealed:
    """Write each record's exact line, what became of its payload, and the proof; no words."""
    signed = signed_log(LOG)
    if signed is None:
        return Sealed(0, {}, [], [gap(*NOT_SIGNED)])
    seen = Seen(case, signed, stock_of(signed.log, [(0, signed.size)]))
    payloads: Counter[str] = Counter()
    leaves = []
    with (
        files.exact(EVENTS, "Its calls, word by word as the trail sealed them") as exact,
        files.exact(PAYLOADS, "That what was said in them is left out") as words,
    ):
        for event, _, state, told in told_of(seen):
            exact(event.header.encode())
            leaves.append(event.leaf_index)
            if told:
                words(told.encode())
                payloads[state] += 1
    unsigned = seen.unsigned
    write_proof(files, signed, file=EVENTS, runs=runs_of(leaves), unsigned=unsigned)
    redactions = redacted(payloads["redacted"])
    write_redactions(files, redactions)
    gaps = [gap(*NO_RANGE)] if leaves else [gap(*NO_RECORD)]
    if unsigned:
        why = "The next checkpoint covers them, and a later package proves them."
        gaps.append(gap("Records newer than the last checkpoint", why, unsigned))
    if seen.stock.troubles:
        gaps.append(gap("Records in a part of the archive", seen.stock.trouble))
    return Sealed(len(leaves), dict(sorted(payloads.items())), redactions, gaps)
