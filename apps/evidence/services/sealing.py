"""Before a package is built: what it will tell of should stand under a signed checkpoint."""

from datetime import timedelta
from time import monotonic, sleep

from django.db import connection
from django.utils import timezone

from apps.audit.services.seals import entries_seal
from apps.core.models import Job
from apps.evidence.snapshot import Progress
from apps.proof.models import Checkpoint, Log, Watch
from apps.proof.states import WatchKind

# The signer signs at most every ten seconds; one that is not seen is not waited for.
LONGEST = 15.0
STEP = 0.5
SEEN_WITHIN = timedelta(minutes=1)


def logs_await(job: Job | None = None) -> None:
    """Seal what has committed, and wait a moment for a signer that is at work.

    What is not signed by then is counted in the package as not proven yet. Within a caller's
    transaction there is nothing to wait for.
    """
    entries_seal()
    if connection.in_atomic_block:
        return
    until = monotonic() + LONGEST
    wanted = {log.pk: log.size for log in Log.objects.all() if log.size}
    with Progress(job) as progress:
        while monotonic() < until and _is_unsigned(wanted) and _signer_is_seen():
            progress.tick(0, "Waiting for the signer of the logs")
            sleep(STEP)


def _is_unsigned(wanted: dict[int, int]) -> bool:
    for log, size in wanted.items():
        newest = Checkpoint.objects.newest_of(log).first()
        if newest is None or newest.size < size:
            return True
    return False


def _signer_is_seen() -> bool:
    since = timezone.now() - SEEN_WITHIN
    return Watch.objects.filter(kind=WatchKind.SIGNER, looked_at__gte=since, trouble="").exists()
