"""Read a file into staging: checked entry by entry, in chunks, so that memory stays small."""

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import batched
from pathlib import Path
from typing import Any

from django.db import connection, transaction
from django.utils import timezone

from apps.connectors.adapters.contract import Header, Rejected, Row, Tally, UnreadableSource
from apps.connectors.adapters.formats import FORMATS
from apps.connectors.adapters.opening import SourceFile
from apps.connectors.errors import SourceRefused
from apps.connectors.models import StagedRow, Sync
from apps.connectors.policies import can_import
from apps.connectors.services.copying import copy_in
from apps.connectors.services.payloads import staged
from apps.connectors.states import SyncStatus
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.policies import enforce

type Progress = Callable[[int], None]

CHUNK = 1000
REJECTED_SHOWN = 1000
DUPLICATE = "It is listed twice; the first one counts."

# One pass and no join: the planner knows nothing yet of rows that were just staged.
REPEATED_KEYS = """
    SELECT array_agg(id ORDER BY id) FROM connectors_stagedrow
    WHERE sync_id = %s GROUP BY kind, key HAVING count(*) > 1
"""


def sync_open(
    *,
    path: Path,
    format_name: str,
    actor: Actor,
    file_name: str = "",
    stream: str = "",
    command: str = "",
) -> Sync:
    """Note that a file is to be read. It is neither opened nor believed yet."""
    enforce(can_import(actor))
    if format_name not in FORMATS:
        raise DomainError(f"{format_name} is none of {', '.join(FORMATS)}.")
    return Sync.objects.create(
        format=format_name,
        file_name=(file_name or path.name)[:200],
        path=str(path),
        stream_hint=stream.strip()[:100],
        command=command,
        brought_by=actor.user if isinstance(actor, Person) else None,
        brought_by_label=str(actor)[:150],
        channel=actor.channel,
    )


def sync_read(*, sync_id: int, progress: Progress | None = None) -> Sync:
    """Stage everything the file says. Starting again begins anew; nothing else is touched.

    Raises `SourceRefused`, and notes it on the reading, if the file cannot be used as a whole.
    """
    sync = Sync.objects.get(pk=sync_id)
    sync.rows.all().delete()
    sync.status = SyncStatus.READING
    sync.save(update_fields=["status"])
    try:
        source = SourceFile(Path(sync.path), name=sync.file_name)
        rows = FORMATS[sync.format].read(source, sync.stream_hint)
        _Reading(sync, progress or _unwatched).run(rows)
        sync.raw_sha256, sync.raw_bytes = source.sha256, source.size
        sync.save(update_fields=["raw_sha256", "raw_bytes"])
    except UnreadableSource as error:
        refused = SourceRefused.of(error)
        sync_refuse(sync=sync, refused=refused)
        raise refused from error
    return sync


def sync_stage(*, sync: Sync, rows: Iterator[Row], progress: Progress | None = None) -> Sync:
    """Stage what a connection reads. Its digest is of the rows, in the order in which they came."""
    reading = _Reading(sync, progress or _unwatched)
    reading.run(rows)
    sync.raw_sha256, sync.raw_bytes = reading.digest.hexdigest(), reading.size
    sync.save(update_fields=["raw_sha256", "raw_bytes"])
    return sync


def _unwatched(done: int) -> None:
    """Nobody waits for the progress."""


@transaction.atomic
def sync_refuse(*, sync: Sync, refused: SourceRefused) -> Sync:
    """Keep why a file was refused, and let go of what was staged of it."""
    sync.rows.all().delete()
    sync.status = SyncStatus.FAILED
    sync.finished_at = timezone.now()
    sync.problem = {"file": refused.file, "where": refused.where, "reason": refused.reason}
    sync.save(update_fields=["status", "finished_at", "problem"])
    return sync


class _Reading:
    def __init__(self, sync: Sync, progress: Progress):
        self.sync = sync
        self.progress = progress
        self.digest = hashlib.sha256()
        self.size = 0
        self.header: Header | None = None
        self.entries: int | None = None
        self.staged = 0
        self.rejected_count = 0
        self.rejected: list[dict[str, str]] = []
        self.protected: set[tuple[str, str]] = set()

    def run(self, rows: Iterator[Row]) -> None:
        for chunk in batched(self._rows(rows), CHUNK, strict=False):
            self.staged += copy_in(StagedRow, ("sync", "kind", "key", "path", "data"), chunk)
            self.progress(self.staged)
        self._drop_duplicates()
        self._keep()

    def _rows(self, rows: Iterator[Row]) -> Iterator[tuple[Any, ...]]:
        for row in rows:
            if isinstance(row, Header):
                self.header = row
            elif isinstance(row, Tally):
                self.entries = row.entries
            elif isinstance(row, Rejected):
                self._reject(row.path, row.reason)
                self.protected.add((row.kind, row.key))
            else:
                kind, key, data = staged(row)
                self._note(kind, key, data)
                yield self.sync.pk, kind, key, row.path, data

    def _note(self, kind: str, key: str, data: dict[str, Any]) -> None:
        """What a connection read has no file whose digest could be kept, so its rows have one."""
        if self.sync.connection_id is None:
            return
        told = json.dumps([kind, key, data], sort_keys=True, separators=(",", ":")).encode()
        self.digest.update(told)
        self.size += len(told)

    def _reject(self, path: str, reason: str) -> None:
        self.rejected_count += 1
        if len(self.rejected) < REJECTED_SHOWN:
            self.rejected.append({"path": path, "reason": reason})

    def _drop_duplicates(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(REPEATED_KEYS, [self.sync.pk])
            repeated = sorted(pk for (ids,) in cursor.fetchall() for pk in ids[1:])
        for chunk in batched(repeated, CHUNK, strict=False):
            rows = StagedRow.objects.filter(pk__in=chunk)
            for kind, path in rows.order_by("pk").values_list("kind", "path"):
                self._reject(path or kind, DUPLICATE)
            rows.delete()
        self.staged -= len(repeated)

    def _keep(self) -> None:
        sync = self.sync
        read = self.staged + self.rejected_count if self.entries is None else self.entries
        sync.header = self._said()
        sync.read_count = read
        sync.rejected_count = min(self.rejected_count, read)
        sync.rejected = self.rejected
        sync.protected = sorted(self.protected)
        sync.status = SyncStatus.READY
        sync.save()

    def _said(self) -> dict[str, Any]:
        if self.header is None:
            raise UnreadableSource(
                file=self.sync.file_name, where="", reason="The file says nothing."
            )
        said = asdict(self.header)
        said["kinds"] = sorted(self.header.kinds)
        said["provider_at"] = (
            self.header.provider_at.isoformat() if self.header.provider_at else None
        )
        return said
