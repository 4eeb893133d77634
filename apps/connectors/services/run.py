"""One run of an import: what it knows while it applies one kind after another."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import batched
from typing import Any

from django.db import models, reset_queries

from apps.audit.services import Fact, record_many
from apps.audit.verbs import Verb
from apps.connectors.adapters import countersign
from apps.connectors.models import StagedRow, Sync
from apps.connectors.services.report import Report
from apps.core.actors import Actor
from apps.inventory.models import Identity, Source, System

CHUNK = 1000
REPEATED = "It is listed twice, under another name; the first one counts."


class Run:
    def __init__(
        self,
        *,
        sync: Sync,
        source: Source,
        actor: Actor,
        now: datetime,
        progress: Callable[[int], None],
    ):
        self.sync = sync
        self.source = source
        self.actor = actor
        self.now = now
        self.progress = progress
        self.stream: str = source.stream
        self.complete = frozenset(sync.header["kinds"])
        self.report = Report()
        self.touched_identities: set[int] = set()
        self.touched_agents: set[int] = set()
        self.refused: set[int] = set()
        self.done = 0
        self._come_to: set[int] = set()
        self._systems: dict[str, System | None] = {}

    @property
    def reason(self) -> str:
        return f"Import of {self.sync.file_name}"

    def chunks(self, kind: str, size: int = CHUNK) -> Iterator[Sequence[StagedRow]]:
        rows = StagedRow.objects.filter(sync=self.sync, kind=kind).order_by("pk")
        for chunk in batched(rows.iterator(chunk_size=size), size, strict=False):
            yield chunk
            reset_queries()  # with DEBUG, Django keeps every statement: gigabytes of them
            self.done += len(chunk)
            self.progress(self.done)

    def is_repeated(self, *key: object) -> bool:
        """Say whether this run has come to a record before, by another way of naming it.

        Only the product's own format can name an identity in two ways.
        """
        if self.sync.format != countersign.FORMAT:
            return False
        mark = hash(key)
        repeated = mark in self._come_to
        self._come_to.add(mark)
        return repeated

    def reject(self, row: StagedRow, reason: str) -> None:
        self.refused.add(row.pk)
        self.report.reject(row.path or named(row), reason)

    # Systems and identities, as other rows refer to them.

    def knows_system(self, key: str, system: System) -> None:
        self._systems[key] = system

    def system(self, key: str) -> System | None:
        if key not in self._systems:
            self._systems[key] = System.objects.filter(name=key).first()
        return self._systems[key]

    def identities(self, rows: Sequence[StagedRow]) -> dict[tuple[str, str], Identity]:
        """Find the identities rows refer to, by external id or by a name that is unique."""
        wanted = {(row.data["system"], row.data["identity"]) for row in rows}
        systems = {system.pk: key for key, _ in wanted if (system := self.system(key)) is not None}
        names = {name for _, name in wanted}
        held = Identity.objects.filter(system__in=systems).select_related("system")
        found: dict[tuple[str, str], Identity] = {}
        doubtful: set[tuple[str, str]] = set()
        for identity in held.filter(name__in=names).order_by("pk"):
            at = (systems[identity.system_id], identity.name)
            if at in found:
                doubtful.add(at)
            found[at] = identity
        for at in doubtful:
            del found[at]
        for identity in held.filter(external_id__in=names).order_by("pk"):
            found[systems[identity.system_id], identity.external_id] = identity
        return found

    # What is no longer listed, and what is listed again.

    def owns(self, target: Any) -> bool:
        """Whether this stream may change the record: its own, or one nobody has claimed."""
        return target.stream in {"", self.stream}

    def claim(self, target: Any) -> None:
        """Take on a record that nobody has claimed, so that it can be seen to vanish.

        A file of the product's own format does not: what it lists may as well be kept by hand.
        """
        if self.sync.format != countersign.FORMAT:
            target.stream = self.stream

    def seen(self, model: type[models.Model], pks: Collection[int]) -> None:
        model._default_manager.filter(pk__in=pks, stream=self.stream).update(
            source=self.source, last_seen_at=self.now
        )

    def protected(self, *kinds: str) -> set[str] | None:
        """Keys of unreadable entries; None if one of them could not even be named."""
        keys = {key for kind, key in self.sync.protected if kind in kinds}
        return None if "" in keys else keys

    def mark_gone(
        self, kind: str, model: type[models.Model], *, spared: models.Q | None = None
    ) -> None:
        """Mark what the stream listed before and lists no longer; delete nothing."""
        missing = model._default_manager.filter(stream=self.stream, gone_at__isnull=True).exclude(
            source=self.source
        )
        if spared is not None:
            missing = missing.exclude(spared)
        while chunk := list(missing.order_by("pk").select_for_update(of=["self"])[:CHUNK]):
            pks = [one.pk for one in chunk]
            model._default_manager.filter(pk__in=pks).update(gone_at=self.now)
            facts = [
                Fact(one, {"gone_at": (None, self.now.isoformat())}, self.reason) for one in chunk
            ]
            record_many(actor=self.actor, verb=Verb.RECORD_IMPORTED, facts=facts)
            for one in chunk:
                self.report.of(kind).add("gone", str(one))
                self._touch(one)

    def record(self, facts: Sequence[Fact]) -> None:
        record_many(actor=self.actor, verb=Verb.RECORD_IMPORTED, facts=facts)

    def _touch(self, target: Any) -> None:
        if hasattr(target, "identity_id"):
            self.touched_identities.add(target.identity_id)


def named(row: StagedRow) -> str:
    """Name an entry that the file gives no path for."""
    data: Mapping[str, Any] = row.data
    parts = [data.get(name) for name in ("system", "identity", "service", "level", "key", "name")]
    return f"{row.kind} {' · '.join(str(part) for part in parts if part)}"


def differing(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """What changed, as the record tells it."""
    return {
        name: (_told(before[name]), _told(after[name]))
        for name in after
        if before[name] != after[name]
    }


def _told(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
