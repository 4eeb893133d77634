"""Reading a log anew, a bounded bit at a time, and telling what does not hold.

What the leaves are made from is for the app whose records they are; it hands in how to read them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from apps.proof.merkle import ProofError, frontier_append, joined, perfect_root
from apps.proof.models import Checkpoint, Log, Watch
from apps.proof.notes import NoteError
from apps.proof.selectors import Tiles, checkpoint_opened
from apps.proof.services.watching import watch_cleared, watch_looked, watch_of, watch_troubled
from apps.proof.states import WatchKind
from apps.proof.tiles import BITS, WIDTH, split

# A sweep begins anew when the last one is so old.
SWEPT_EVERY = timedelta(hours=1)


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


type Read = Callable[[Sweep, int, int], Mapping[int, bytes]]


@dataclass(frozen=True, slots=True)
class Kept:
    """How the records of one log are read.

    `read` gives the leaves of [start, end) as worked out from what is kept. One that it leaves out
    is one that it told a fault of, or that is rightly not there; the tree goes on with the tile's.
    `differs` says of a leaf that it is not what the log holds; `ended` looks at what is left when
    a pass is over.
    """

    log_name: str
    read: Read
    differs: str
    ended: Callable[[Sweep, Log], None] | None = None


def log_sweep(
    kept: Kept,
    *,
    now: datetime,
    size: int,
    chunks: int,
    goes_on: Callable[[], bool] = lambda: True,
    every: timedelta = SWEPT_EVERY,
) -> int:
    """Go on reading what is kept against its log, `chunks` times `size` at most; how many it read.

    At the end of a pass the root of all that was read is compared with the newest checkpoint. What
    is wrong is kept on the watch until a later pass finds nothing.
    """
    log = Log.objects.filter(name=kept.log_name).first()
    if log is None or log.size == 0:
        return 0
    watch = watch_of(log, WatchKind.SWEEPER)
    if watch.position == 0 and watch.whole_at and now - watch.whole_at < every:
        return 0
    sweep = Sweep(watch.position, split(bytes(watch.frontier)))
    if sweep.position > log.size:
        sweep.fault(f"The log has {log.size} leaves, and {sweep.position} were read before.")
        sweep.position, sweep.frontier = 0, []
    goal, read = _goal(log), 0
    for _ in range(chunks):
        end = min(sweep.position + size, goal)
        read += end - sweep.position
        _chunk_sweep(kept, Tiles(log), sweep, end)
        if sweep.position >= goal or not goes_on():
            break
    is_over = sweep.position >= goal
    if is_over:
        if kept.ended is not None:
            kept.ended(sweep, log)
        _compare_root(log, sweep)
    _sweep_keep(log, watch, sweep, is_over=is_over, now=now)
    return read


def _goal(log: Log) -> int:
    """A pass ends at the newest checkpoint, so that the root of all it read can be compared."""
    newest = Checkpoint.objects.newest_of(log).first()
    return newest.size if newest and newest.size <= log.size else log.size


def _chunk_sweep(kept: Kept, tiles: Tiles, sweep: Sweep, end: int) -> None:
    start = sweep.position
    leaves = kept.read(sweep, start, end)
    tiles.fetch((0, at >> BITS) for at in range(start, end, WIDTH))
    for index in range(start, end):
        leaf, known = leaves.get(index), _hash_in(tiles, index, sweep)
        if leaf and known and leaf != known:
            sweep.fault(kept.differs.format(index))
        frontier_append(sweep.frontier, index, leaf or known or b"\0" * 32)
        if (index + 1) % WIDTH == 0:
            _compare_upper(tiles, index + 1, sweep)
    sweep.position = max(end, start)


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
