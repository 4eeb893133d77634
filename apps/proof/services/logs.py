"""The one way into a log: hashes at its end, in the transaction of whoever appends."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from django.conf import settings

from apps.proof.models import Log, Tile, Watch
from apps.proof.states import WatchKind
from apps.proof.tiles import appended


def leaves_append(log: Log, hashes: Sequence[bytes]) -> int:
    """Append leaf hashes to a log whose head is held: see `log_lock`; returns the first's index."""
    first = log.size
    edge, filled = appended(first, bytes(log.frontier), hashes)
    Tile.objects.bulk_create(
        Tile(log=log, level=level, index=index, hashes=data) for level, index, data in filled
    )
    log.size, log.frontier = first + len(hashes), edge
    log.save(update_fields=["size", "frontier"])
    return first


def log_lock(log_name: str) -> Log:
    """Hold the head of a log until the caller's transaction ends; it is made if there is none.

    Everybody else who appends waits meanwhile, so little is left to do when it is called.
    """
    return Log.objects.select_for_update().filter(name=log_name).first() or _log_make(log_name)


def origin_of(log_name: str, epoch: int = 1) -> str:
    """What the checkpoints of a log are signed under."""
    base = settings.PROOF_ORIGIN or urlsplit(settings.PUBLIC_URL).netloc or "countersign"
    return f"{base}/{log_name}" if epoch == 1 else f"{base}/{log_name}/{epoch}"


def _log_make(name: str) -> Log:
    Log.objects.bulk_create([Log(name=name, origin=origin_of(name))], ignore_conflicts=True)
    log = Log.objects.select_for_update().get(name=name)
    # From the beginning, so that a signer that never came is missed.
    Watch.objects.get_or_create(log=log, kind=WatchKind.SIGNER)
    return log
