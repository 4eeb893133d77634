"""Entries into the governance log, and back: the sealer, and the sweeper that looks after it."""

from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import Max, Min
from django.utils import timezone

from apps.audit.headers import GOVERNANCE, header_of
from apps.audit.models import AuditEntry, Seal
from apps.proof.merkle import leaf_hash
from apps.proof.models import Log
from apps.proof.services.logs import leaves_append, log_lock
from apps.proof.services.sweeping import Kept, Sweep, log_sweep
from apps.proof.services.watching import watch_looked, watch_of, watch_troubled
from apps.proof.states import WatchKind
from apps.proof.tiles import WIDTH

CHUNK = 1000
# One sealer at a time.
LOCK = 7_301_945
# A transaction that took longer to commit is found by the whole pass, once an hour.
LOOKED_BACK = timedelta(hours=1)
WHOLE_EVERY = timedelta(hours=1)
SWEPT = 4 * WIDTH


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
    log = _log_seen_to()
    if log is not None:
        watch_looked(
            log,
            WatchKind.SEALER,
            now=now,
            position=log.size,
            **({"whole_at": now} if is_whole else {}),
        )
    return sealed


@transaction.atomic
def _log_seen_to() -> Log | None:
    """The log, with somebody to miss when nobody signs it: also where both were taken away."""
    log = Log.objects.filter(name=GOVERNANCE).first()
    if log is None and _is_alone() and AuditEntry.objects.exists():
        log = log_lock(GOVERNANCE)
    if log is not None:
        watch_of(log, WatchKind.SIGNER)
    return log


def _first_since(moment: datetime) -> int | None:
    """The id before the first entry since then; None if there was none."""
    first: int | None = AuditEntry.objects.filter(occurred_at__gte=moment).aggregate(
        first=Min("pk")
    )["first"]
    return None if first is None else first - 1


@transaction.atomic
def _chunk_seal(cursor: int) -> tuple[int, int | None]:
    """Seal the next entries behind `cursor`; returns how many, and where to go on if at all."""
    if not _is_alone():
        return 0, None
    entries = list(AuditEntry.objects.unsealed_after(cursor)[:CHUNK])
    if not entries:
        return 0, None
    headers = [header_of(entry) for entry in entries]
    first = leaves_append(log_lock(GOVERNANCE), [leaf_hash(header.encode()) for header in headers])
    Seal.objects.bulk_create(
        Seal(entry=entry, leaf_index=first + at, header=header)
        for at, (entry, header) in enumerate(zip(entries, headers, strict=True))
    )
    return len(entries), entries[-1].pk if len(entries) == CHUNK else None


def _is_alone() -> bool:
    """Whether no other sealer is at work, nor will be until this transaction ends."""
    with connection.cursor() as database:
        database.execute("SELECT pg_try_advisory_xact_lock(%s)", [LOCK])
        return bool(database.fetchone()[0])


def seals_sweep(*, chunks: int = 50, now: datetime | None = None) -> int:
    """Go on reading the sealed entries against the log; returns how many were read.

    Each entry is written out anew and hashed, and compared with its seal and its tile.
    """
    now = now or timezone.now()
    kept = Kept(GOVERNANCE, _leaves, "Leaf {} is not the hash of what its seal says.", _beyond)
    empty = Log.objects.filter(name=GOVERNANCE, size=0).first()
    if empty is not None:
        # There is nothing to read, and there may have been.
        sweep = Sweep(0, [])
        _beyond(sweep, empty)
        if sweep.said:
            watch_troubled(empty, WatchKind.SWEEPER, said=f"{empty}: {sweep.said}", now=now)
    return log_sweep(kept, now=now, size=SWEPT, chunks=chunks)


def _beyond(sweep: Sweep, log: Log) -> None:
    """No entry may be sealed behind the end of its log."""
    last = Seal.objects.aggregate(last=Max("leaf_index"))["last"]
    # Read after it: what is sealed meanwhile lies before this end.
    size = Log.objects.values_list("size", flat=True).get(pk=log.pk)
    if last is not None and last >= size:
        sweep.fault(f"The log ends at {size}, and entries are sealed up to {last}.")


def _leaves(sweep: Sweep, start: int, end: int) -> dict[int, bytes]:
    seals = {seal.leaf_index: seal for seal in Seal.objects.between(start, end)}
    for index in range(start, end):
        if index not in seals:
            sweep.fault(f"Leaf {index} is of no entry: what stood there is gone.")
        elif header_of(seals[index].entry) != seals[index].header:
            said = f"Entry {seals[index].entry_id} (leaf {index}) says other than what was sealed."
            sweep.fault(said)
    return {index: leaf_hash(seal.header.encode()) for index, seal in seals.items()}
