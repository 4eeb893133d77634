"""Looking after the trail: every record read anew against its leaf, its words, and its columns."""

import time
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from apps.activity.headers import commitment
from apps.activity.models import Archive, Erasure
from apps.activity.saying import header_said
from apps.activity.selectors.repeating import COLUMNS, IDS, columns_that_differ
from apps.audit.models import AuditEntry
from apps.audit.verbs import Verb
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.services.sweeping import Kept, Sweep, log_sweep
from apps.proof.tiles import WIDTH

SIZE = 4 * WIDTH
CHUNKS = 400
LONGEST = timedelta(seconds=20)
# A whole pass over millions of records is worth its while once a day.
EVERY = timedelta(hours=24)
_SELECTED = ", ".join(f"{name}::text" if name in IDS else name for name in COLUMNS)
EVENTS = f"""
    SELECT leaf_index, header, {_SELECTED} FROM activity_event
    WHERE log_id = %s AND leaf_index >= %s AND leaf_index < %s ORDER BY leaf_index
"""  # noqa: S608 - names of columns alone
PAYLOADS = """
    SELECT leaf_index, recorded_at, salt, body FROM activity_payload
    WHERE log_id = %s AND leaf_index >= %s AND leaf_index < %s
"""
# In one statement, so that what is appended meanwhile is in both or in neither.
BEYOND = """
    SELECT count(*), min(leaf_index) FROM activity_event
    WHERE log_id = %s AND leaf_index >= (SELECT size FROM proof_log WHERE id = %s)
"""


def records_sweep(
    *, chunks: int = CHUNKS, longest: timedelta = LONGEST, now: datetime | None = None
) -> int:
    """Go on reading the trail against its log, for so long at most; returns how many were read.

    A record that is in the archive alone is passed over: its leaf stays, and its files are checked
    by `manage.py trail_archive_verify`.
    """
    log = Log.objects.filter(name="activity").first()
    if log is None:
        return 0
    reading = _Reading(log)
    kept = Kept(
        log.name, reading.leaves, "Record {} says other than what was sealed.", reading.ended
    )
    until = time.monotonic() + longest.total_seconds()
    return log_sweep(
        kept,
        now=now or timezone.now(),
        size=SIZE,
        chunks=chunks,
        goes_on=lambda: time.monotonic() < until,
        every=EVERY,
    )


class _Reading:
    """How the records of the trail are read, and which of them need not be there."""

    def __init__(self, log: Log):
        self.log = log
        self.archives = list(Archive.objects.dropped().filter(log_id=log.pk))

    def leaves(self, sweep: Sweep, start: int, end: int) -> Mapping[int, bytes]:
        rows = _rows(EVENTS, self.log.pk, start, end)
        payloads = {row[:2]: row[2:] for row in _rows(PAYLOADS, self.log.pk, start, end)}
        self._missing(sweep, start, end, {row[0] for row in rows})
        approved = self._approved(leaf for (leaf, _), (salt, _) in payloads.items() if not salt)
        found: dict[int, bytes] = {}
        for leaf, header, *values in rows:
            if leaf in found:
                sweep.fault(f"Record {leaf} is there twice.")
            found[leaf] = leaf_hash(header.encode())
            row = dict(zip(COLUMNS, _plain(values), strict=True))
            if wrong := columns_that_differ(header, row):
                sweep.fault(f"Record {leaf} stands under another {wrong[0]} than it says.")
            payload = payloads.pop((leaf, row["recorded_at"]), None)
            if payload and payload[0] is None and leaf in approved:
                continue
            _compare_words(sweep, leaf, header, payload)
        for leaf, _ in payloads:
            sweep.fault(f"Words without a record stand at {leaf}.")
        return found

    def ended(self, sweep: Sweep, log: Log) -> None:
        count, first = _rows(BEYOND, log.pk, log.pk)[0]
        if count:
            sweep.fault(f"{count} records from {first} on are in no log: they were put in.")
        noted = set(
            AuditEntry.objects.filter(
                verb=Verb.MONTH_DROPPED, target_type="activity.archive"
            ).values_list("target_id", flat=True)
        )
        for archive in self.archives:
            if archive.pk not in noted:
                sweep.fault(f"The record says nothing of dropping {archive.month:%B %Y}.")

    def _missing(self, sweep: Sweep, start: int, end: int, here: set[int]) -> None:
        for leaf in range(start, end):
            if leaf not in here and not any(one.holds(leaf) for one in self.archives):
                sweep.fault(f"Record {leaf} is gone.")

    def _approved(self, erased: Iterable[int]) -> set[int]:
        leaves = list(erased)
        rows = (
            Erasure.objects.approved_of(self.log.pk, leaves) if leaves else Erasure.objects.none()
        )
        old = self._words_expired_before()
        return {leaf for leaf in leaves if leaf < old} | set(
            rows.values_list("leaf_index", flat=True)
        )

    def _words_expired_before(self) -> int:
        """Up to which leaf words ended with their age, as the record says."""
        entry = AuditEntry.objects.filter(verb=Verb.WORDS_EXPIRED).order_by("-pk").first()
        return entry.changes["before leaf"][1] if entry else 0


def _compare_words(sweep: Sweep, leaf: int, header: str, payload: Any) -> None:
    told = _commitment_in(header)
    if payload is None:
        if told:
            sweep.fault(f"The words of record {leaf} are gone.")
    elif payload[0] is None:
        sweep.fault(f"The words of record {leaf} were erased, and nobody approved it.")
    elif commitment(bytes(payload[0]), payload[1]) != told:
        sweep.fault(f"The words of record {leaf} are not those that were sealed.")


def _commitment_in(header: str) -> str:
    told: str = header_said(header).get("payload", "")
    return told


def _plain(values: Iterable[Any]) -> list[Any]:
    """Ids as headers write them, without dashes."""
    found = list(values)
    for at in range(len(found) - len(IDS), len(found)):
        found[at] = found[at] and found[at].replace("-", "")
    return found


def _rows(sql: str, *arguments: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, arguments)
        return list(cursor.fetchall())
