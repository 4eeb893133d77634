"""Entries into the governance log, and back: the sealer, and the sweeper that looks after it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Min
from django.utils import timezone

from apps.audit.headers import GOVERNANCE, header_of
from apps.audit.models import AuditEntry, Seal
from apps.proof.merkle import ProofError, frontier_append, joined, leaf_hash, perfect_root
from apps.proof.models import Checkpoint, Log, Watch
from apps.proof.notes import NoteError
from apps.proof.selectors import Tiles, checkpoint_opened
from apps.proof.services.logs import leaves_append
from apps.proof.services.watching import (
    watch_cleared,
    watch_looked,
    watch_of,
    watch_troubled,
)
from apps.proof.states import WatchKind
from apps.proof.tiles import BITS, WIDTH, split

CHUNK = 1000
# One sealer at a time.
LOCK = 7_301_945
# A transaction that took longer to commit is found by the whole pass, once an hour.
LOOKED_BACK = timedelta(hours=1)
WHOLE_EVERY = timedelta(hours=1)
SWEPT = 4 * WIDTH
# A sweep begins anew when the last one is so old.
SWEPT_EVERY = timedelta(hours=1)


def entries_seal() -> int:
    """Append every committed entry without a seal to the governance log; returns how many.

    In chunks of 1,000, each its own transaction, in the order of ids, which is not the order of
    commits: an entry that commits later is found later. Who decides waits for nothing here. A
    second sealer leaves at once.
    """
    now = timezone.now()
    log = Log.objects.filter(name=GOVERNANCE).first()
    watch = watch_of(log, WatchKind.SEALER) if log else None
    is_whole = watch is None or watch.whole_at is None or now - watch.whole_at >= WHOLE_EVERY
    cursor: int | None = 0 if is_whole else _first_since(now - LOOKED_BACK)
    sealed = 0
    while cursor is not None:
        count, cursor = _chunk_seal(cursor)
        sealed += count
    log = Log.objects.filter(name=GOVERNANCE).first()
    if log is not None:
        watch_looked(
            log,
            WatchKind.SEALER,
            now=now,
            position=log.size,
            **({"whole_at": now} if is_whole else {}),
        )
    return sealed


def _first_since(moment: datetime) -> int | None:
    """The id before the first entry since then; None if there was none."""
    first: int | None = AuditEntry.objects.filter(occurred_at__gte=moment).aggregate(
        first=Min("pk")
    )["first"]
    return None if first is None else first - 1


@transaction.atomic
def _chunk_seal(cursor: int) -> tuple[int, int | None]:
    """Seal the next entries behind `cursor`; returns how many, and where to go on if at all."""
    with connection.cursor() as database:
        database.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        if not database.fetchone()[0]:
            return 0, None
    entries = list(AuditEntry.objects.unsealed_after(cursor)[:CHUNK])
    if not entries:
        return 0, None
    headers = [header_of(entry) for entry in entries]
    first = leaves_append(GOVERNANCE, [leaf_hash(header.encode()) for header in headers])
    Seal.objects.bulk_create(
        Seal(entry=entry, leaf_index=first + at, header=header)
        for at, (entry, header) in enumerate(zip(entries, headers, strict=True))
    )
    return len(entries), entries[-1].pk if len(entries) == CHUNK else None


@dataclass
class Sweep:
    """A pass over the log: how far, the tree of what was read so far, and what is wrong."""

    position: int
    frontier: list[bytes]
    said: str = ""
    wrong: int = 0

    def fault(self, text: str) -> None:
        self.said = self.said or text
        self.wrong += 1


def seals_sweep(*, chunks: int = 50, now: datetime | None = None) -> int:
    """Go on reading the sealed entries against the log; returns how many were read.

    Each entry is written out anew and hashed, and compared with its seal and its tile; at the
    end of a pass the root of all that was read is compared with the newest checkpoint. What is
    wrong is kept on the watch until a later pass finds nothing.
    """
    now = now or timezone.now()
    log = Log.objects.filter(name=GOVERNANCE).first()
    if log is None or log.size == 0:
        return 0
    watch = watch_of(log, WatchKind.SWEEPER)
    if watch.position == 0 and watch.whole_at and now - watch.whole_at < SWEPT_EVERY:
        return 0
    sweep = Sweep(watch.position, split(bytes(watch.frontier)))
    if sweep.position > log.size:
        sweep.fault(f"The log has {log.size} leaves, and {sweep.position} were read before.")
        sweep.position, sweep.frontier = 0, []
    goal, read = _goal(log), 0
    for _ in range(chunks):
        end = min(sweep.position + SWEPT, goal)
        read += end - sweep.position
        _chunk_sweep(Tiles(log), sweep, end)
        if sweep.position >= goal:
            break
    is_over = sweep.position >= goal
    if is_over:
        _compare_root(log, sweep)
    _sweep_keep(log, watch, sweep, is_over=is_over, now=now)
    return read


def _goal(log: Log) -> int:
    """A pass ends at the newest checkpoint, so that the root of all it read can be compared."""
    newest = Checkpoint.objects.newest_of(log).first()
    return newest.size if newest and newest.size <= log.size else log.size


def _chunk_sweep(tiles: Tiles, sweep: Sweep, end: int) -> None:
    start = sweep.position
    seals = {seal.leaf_index: seal for seal in Seal.objects.between(start, end)}
    tiles.fetch((0, at >> BITS) for at in range(start, end, WIDTH))
    for index in range(start, end):
        leaf = _leaf_of(seals.get(index), index, sweep)
        kept = _hash_in(tiles, index, sweep)
        if leaf and kept and leaf != kept:
            sweep.fault(f"Leaf {index} is not the hash of what its seal says.")
        frontier_append(sweep.frontier, index, leaf or kept or b"\0" * 32)
        if (index + 1) % WIDTH == 0:
            _compare_upper(tiles, index + 1, sweep)
    sweep.position = max(end, start)


def _leaf_of(seal: Seal | None, index: int, sweep: Sweep) -> bytes | None:
    if seal is None:
        sweep.fault(f"Leaf {index} is of no entry: what stood there is gone.")
        return None
    if header_of(seal.entry) != seal.header:
        sweep.fault(f"Entry {seal.entry_id} (leaf {index}) says other than what was sealed.")
    return leaf_hash(seal.header.encode())


def _hash_in(tiles: Tiles, index: int, sweep: Sweep) -> bytes | None:
    try:
        return tiles.node((0, index))
    except ProofError as error:
        sweep.fault(str(error))
        return None


def _compare_upper(tiles: Tiles, end: int, sweep: Sweep) -> None:
    """Where leaves before `end` fill tiles, compare each tile's root with the level above."""
    level, below = 0, end >> BITS
    while below:
        try:
            root = perfect_root(tiles.tile((level, below - 1)))
            if tiles.node((BITS * (level + 1), below - 1)) != root:
                sweep.fault(f"Tile {level}/{below - 1} is not what the level above says.")
        except ProofError as error:
            sweep.fault(str(error))
        if below % WIDTH:
            return
        level, below = level + 1, below >> BITS


def _compare_root(log: Log, sweep: Sweep) -> None:
    newest = Checkpoint.objects.newest_of(log).first()
    if newest is None:
        return
    try:
        checkpoint_opened(newest, log.epochs.all())
    except NoteError as error:
        sweep.fault(f"The newest checkpoint does not hold: {error}")
    if newest.size > log.size:
        sweep.fault(f"The log has {log.size} leaves, and was signed at {newest.size}.")
    elif newest.size == sweep.position and bytes(newest.root) != joined(sweep.frontier):
        sweep.fault(f"What was read is not what was signed at {newest.size}.")


def _sweep_keep(log: Log, watch: Watch, sweep: Sweep, *, is_over: bool, now: datetime) -> None:
    faults = watch.faults + sweep.wrong
    if sweep.said:
        more = f" And {sweep.wrong - 1} more." if sweep.wrong > 1 else ""
        watch_troubled(log, WatchKind.SWEEPER, said=f"{log}: {sweep.said}{more}", now=now)
    elif is_over and not faults:
        watch_cleared(log, WatchKind.SWEEPER)
    watch_looked(
        log,
        WatchKind.SWEEPER,
        now=now,
        position=0 if is_over else sweep.position,
        frontier=b"" if is_over else b"".join(sweep.frontier),
        faults=0 if is_over else faults,
        **({"whole_at": now} if is_over else {}),
    )
