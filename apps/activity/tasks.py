from pathlib import Path
from typing import Any

from celery import shared_task
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, OperationalError
from django.utils import timezone

from apps.activity.archives import BROKEN, broken_told
from apps.activity.formats.archives import pieces_of
from apps.activity.models import LogImport
from apps.activity.services.archiving import (
    Busy,
    archiving_begin_if_due,
    archiving_end,
    months_archive,
)
from apps.activity.services.drifting import drift_measure
from apps.activity.services.erasing import erasures_in_archive
from apps.activity.services.expiring import words_expire
from apps.activity.services.hours import bindings_heed, hours_count
from apps.activity.services.keeping import Overtaken
from apps.activity.services.logs import import_fail, import_run
from apps.activity.services.measuring import use_measure, use_tell
from apps.activity.services.partitions import partitions_keep
from apps.activity.services.projecting import events_project
from apps.activity.services.sweeping import records_sweep
from apps.activity.services.trails import trails_tell
from apps.activity.states import ImportStatus
from apps.core.actors import System
from apps.core.errors import DomainError
from apps.core.jobs import job_actor, job_advance, job_claim, job_fail, job_finish
from apps.core.models import Job
from apps.core.uploads import upload_delete

LONG: dict[str, Any] = {"time_limit": 3600, "soft_time_limit": 3540}
RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="activity.project_events")
def project_events() -> int:
    """Sum up and join what came in since the last time, and count the hours it belongs to."""
    read = events_project()
    hours_count()
    return read


@shared_task(name="activity.heed_bindings")
def heed_bindings() -> int:
    """Count anew whose the calls are of identities that are bound otherwise now."""
    return bindings_heed()


@shared_task(name="activity.measure_use")
def measure_use() -> int:
    """Count for every grant what came in since, and say where its use is known."""
    measured = use_measure()
    use_tell(timezone.now())
    return measured


@shared_task(name="activity.measure_drift")
def measure_drift() -> int:
    """Find anew the API calls that no task of an agent's purpose needs."""
    return drift_measure(moment=timezone.now())


@shared_task(name="activity.tell_trails")
def tell_trails() -> int:
    """Note whose trail is connected, by what came in and how far the logs reach."""
    return trails_tell(moment=timezone.now(), actor=System("activity.tell_trails"))


@shared_task(name="activity.read_log", **LONG, **RETRY)
def read_log(job_id: int) -> int:
    """Read an uploaded log. Starting again goes on where the last worker stopped."""
    job = job_claim(job_id)
    if job is None:
        return 0
    held = LogImport.objects.of_job(job)
    if not held.is_over:
        try:
            held = _read(job, held)
        except Overtaken:
            return 0
        except (DomainError, PermissionDenied, FileNotFoundError) as error:
            gone = isinstance(error, FileNotFoundError)
            said = "The uploaded file is no longer here; bring it in again." if gone else str(error)
            held = import_fail(log_import=held, said=said)
    upload_delete(held.path)
    if held.status == ImportStatus.FAILED:
        job_fail(job, message=held.said)
    else:
        job_finish(job, message=held.said)
    return held.kept


def _read(job: Job, held: LogImport) -> LogImport:
    def told(now: LogImport) -> None:
        job_advance(job, done=now.position)

    with Path(held.path).open("rb") as file:
        pieces = pieces_of(file, held.name)
        is_whole = bool(job.parameters.get("is_whole"))
        return import_run(
            log_import=held, pieces=pieces, actor=job_actor(job), is_whole=is_whole, told=told
        )


@shared_task(name="activity.sweep_records", **RETRY)
def sweep_records() -> int:
    """Read records against their log, from where the last reading ended."""
    return records_sweep()


@shared_task(name="activity.keep_partitions", **RETRY)
def keep_partitions() -> int:
    """Make the tables of the months to come, and say if one was missing."""
    return partitions_keep(actor=System("activity.keep_partitions")).made


@shared_task(name="activity.archive_months", time_limit=6 * 3600, soft_time_limit=6 * 3600 - 60)
def archive_months(job_id: int) -> int:
    """Write the months that are due to the archive, and drop them. Run again, it goes on."""
    job = job_claim(job_id)
    if job is None:
        return 0
    try:
        ran = months_archive(
            actor=job_actor(job),
            reason=job.parameters.get("reason", ""),
            tick=lambda done: job_advance(job, done=done),
        )
    except Busy:
        return 0
    except (DomainError, IntegrityError, *BROKEN) as error:
        job_fail(job, message=broken_told(error))
        return 0
    archiving_end(job, ran)
    return len(ran.months)


@shared_task(name="activity.archive_due_months")
def archive_due_months() -> int:
    """Begin archiving where a month is due."""
    return archiving_begin_if_due(actor=System("activity.archive_due_months")) is not None


@shared_task(name="activity.expire_words", **LONG)
def expire_words() -> int:
    """Erase words past their days; while somebody writes to the archive, the schedule waits."""
    try:
        return words_expire(actor=System("activity.expire_words"))
    except Busy:
        return 0


@shared_task(name="activity.erase_in_archive", **RETRY)
def erase_in_archive() -> int:
    """Take approved words out of the archive; while somebody writes there, the schedule waits."""
    try:
        return erasures_in_archive(actor=System("activity.erase_in_archive"))
    except Busy:
        return 0
