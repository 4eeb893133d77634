"""Roots and proofs of a log as it stands in the database, and what is told of logs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import OuterRef, Subquery

from apps.proof import merkle, notes
from apps.proof.merkle import Node, ProofError
from apps.proof.models import Checkpoint, Epoch, Log, Tile, Watch
from apps.proof.states import WatchKind
from apps.proof.tiles import Place, edge_parts, is_filled, node_from, places_of


class Tiles:
    """The tiles of a log as of the size at which it was read; full ones are fetched at once."""

    def __init__(self, log: Log):
        self.log = log
        try:
            self._edge = edge_parts(log.size, bytes(log.frontier))
        except ValueError as error:
            raise ProofError(f"The head of the log is damaged: {error}") from error
        self._kept: dict[Place, bytes] = {}

    def fetch(self, places: Iterable[Place]) -> None:
        wanted = {
            place for place in places if place not in self._kept and is_filled(place, self.log.size)
        }
        if wanted:
            self._kept |= Tile.objects.hashes_at(self.log, wanted)

    def tile(self, place: Place) -> bytes:
        """The hashes of one tile, as many as there are. Raises `ProofError` where it is lost."""
        if not is_filled(place, self.log.size):
            return self._edge[place[0]] if place[0] < len(self._edge) else b""
        self.fetch([place])
        if place not in self._kept:
            raise ProofError(f"Tile {place[0]}/{place[1]} of the log is missing.")
        return self._kept[place]

    def node(self, node: Node) -> bytes:
        try:
            return node_from(self.tile, node)
        except ProofError:
            raise
        except ValueError as error:
            raise ProofError(str(error)) from error

    def proof(self, path: Sequence[Sequence[Node]]) -> list[bytes]:
        self.fetch(places_of(node for nodes in path for node in nodes))
        return merkle.proof_from(path, self.node)

    def root(self, size: int) -> bytes:
        self._require(size)
        [root] = self.proof([merkle.nodes_between(0, size)])
        return root

    def inclusion(self, index: int, size: int) -> list[bytes]:
        self._require(size)
        return self.proof(merkle.inclusion_nodes(index, size))

    def consistency(self, old: int, new: int) -> list[bytes]:
        """The proof that the log of `new` leaves begins with that of `old`; none is needed at 0."""
        self._require(new)
        return self.proof(merkle.consistency_nodes(old, new)) if old else []

    def _require(self, size: int) -> None:
        if size > self.log.size:
            raise ProofError(f"The log has {self.log.size} leaves, and not {size}.")


def tiles_at(log: Log, newest: Checkpoint | None) -> Tiles:
    """Those of the log, as far as its newest checkpoint at least: it may have been read before
    what that signs was appended. One that is smaller all the same is not what was signed."""
    if newest is not None and newest.size > log.size:
        log = Log.objects.get(pk=log.pk)
    return Tiles(log)


def root_of(log: Log, size: int) -> bytes:
    return Tiles(log).root(size)


def inclusion_proof(log: Log, index: int, size: int) -> list[bytes]:
    return Tiles(log).inclusion(index, size)


def consistency_proof(log: Log, old: int, new: int) -> list[bytes]:
    return Tiles(log).consistency(old, new)


def checkpoint_opened(checkpoint: Checkpoint, epochs: Iterable[Epoch]) -> notes.Checkpoint:
    """What a stored checkpoint says, once its signature holds and its row says the same.

    Raises `NoteError` otherwise.
    """
    mine = [epoch for epoch in epochs if epoch.number == checkpoint.epoch]
    told = notes.checkpoint_parsed(notes.opened(checkpoint.note, *(epoch.vkey for epoch in mine)))
    kept = (mine[0].origin, checkpoint.size, bytes(checkpoint.root))
    if (told.origin, told.size, told.root) != kept:
        raise notes.NoteError("The checkpoint's row says other than its note.")
    return told


@dataclass(frozen=True, slots=True)
class LogTold:
    """A log as its page tells of it."""

    log: Log
    epoch: Epoch | None
    newest: Checkpoint | None
    watches: dict[str, Watch]

    @property
    def signer(self) -> Watch | None:
        return self.watches.get(WatchKind.SIGNER)

    @property
    def sweeper(self) -> Watch | None:
        return self.watches.get(WatchKind.SWEEPER)

    @property
    def sealer(self) -> Watch | None:
        return self.watches.get(WatchKind.SEALER)

    @property
    def troubles(self) -> list[Watch]:
        return [watch for watch in self.watches.values() if watch.trouble]

    @property
    def unsigned(self) -> int:
        """How many leaves no checkpoint covers yet."""
        return max(0, self.log.size - (self.newest.size if self.newest else 0))


def logs_told() -> list[LogTold]:
    """Every log with its newest checkpoint and who watches it; four queries."""
    newest = Checkpoint.objects.newest_of(OuterRef("pk")).values("pk")[:1]
    logs = list(Log.objects.annotate(newest_id=Subquery(newest)))
    checkpoints = Checkpoint.objects.in_bulk([log.newest_id for log in logs if log.newest_id])
    epochs = {(epoch.log_id, epoch.number): epoch for epoch in Epoch.objects.all()}
    watches: dict[int, dict[str, Watch]] = {log.pk: {} for log in logs}
    for watch in Watch.objects.order_by("kind"):
        watches[watch.log_id][watch.kind] = watch
    return [
        LogTold(
            log,
            epochs.get((log.pk, log.epoch)),
            checkpoints.get(log.newest_id),
            watches[log.pk],
        )
        for log in logs
    ]


def logs_published() -> list[dict[str, Any]]:
    """The verifier key of every epoch of every log, for who checks checkpoints elsewhere."""
    return [
        {
            "log": epoch.log.name,
            "epoch": epoch.number,
            "origin": epoch.origin,
            "vkey": epoch.vkey,
            "begun_at": f"{epoch.begun_at:%Y-%m-%dT%H:%M:%SZ}",
            "first_size": epoch.size,
            "current": epoch.number == epoch.log.epoch,
        }
        for epoch in Epoch.objects.select_related("log").order_by("log__name", "number")
    ]
