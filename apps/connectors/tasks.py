"""Background doors: read what was uploaded, apply what was confirmed, drop what was left."""

from datetime import timedelta
from typing import Any

from celery import shared_task
from django.core.exceptions import PermissionDenied
from django.db import OperationalError
from django.utils import timezone

from apps.activity.services.keeping import Overtaken
from apps.connectors.heartbeat import pulse
from apps.connectors.models import Sync
from apps.connectors.services import jobs
from apps.connectors.services.applying import sync_apply, sync_drop, sync_preview
from apps.connectors.services.discovering import connection_discover, connections_read_due
from apps.connectors.services.logs import log_source_run, log_sources_read_due
from apps.connectors.services.reading import sync_read
from apps.connectors.states import SyncStatus
from apps.core.actors import System
from apps.core.errors import DomainError
from apps.core.jobs import job_actor, job_advance, job_claim, job_fail, job_finish
from apps.core.uploads import upload_delete

KEPT_FOR = timedelta(days=1)
LONG: dict[str, Any] = {"time_limit": 3600, "soft_time_limit": 3540}
RETRY: dict[str, Any] = {
    "autoretry_for": (OperationalError,),
    "retry_backoff": True,
    "retry_jitter": True,
    "max_retries": 5,
}


@shared_task(name="connectors.read_sync", **LONG, **RETRY)
def read_sync(job_id: int) -> int:
    """Stage an uploaded file and find out what it would change. Starting again begins anew."""
    job = job_claim(job_id)
    if job is None:
        return 0
    sync = Sync.objects.of_job(job)
    with pulse(job) as progress:
        try:
            if not sync.is_ready:
                sync = sync_read(sync_id=sync.pk, progress=progress)
            sync = sync_preview(sync_id=sync.pk, actor=job_actor(job), progress=progress)
        except DomainError as error:
            upload_delete(sync.path)
            job_fail(job, message=str(error))
            return 0
    upload_delete(sync.path)
    job_finish(job, message="Read. Look at what would change, then apply it.")
    return sync.read_count


@shared_task(name="connectors.apply_sync", **LONG, **RETRY)
def apply_sync(job_id: int) -> int:
    """Apply a reading that was confirmed. Once applied, running again does nothing."""
    job = job_claim(job_id)
    if job is None:
        return 0
    sync = Sync.objects.of_job(job)
    if sync.status != SyncStatus.APPLIED:
        with pulse(job) as progress:
            try:
                sync_apply(sync_id=sync.pk, actor=job_actor(job), progress=progress)
            except (DomainError, PermissionDenied) as error:
                jobs.sync_unconfirm(sync_id=sync.pk)
                job_fail(job, message=str(error))
                return 0
    job_finish(job, message="Applied.")
    return sync.read_count


@shared_task(name="connectors.drop_stale_syncs", **RETRY)
def drop_stale_syncs() -> int:
    """Let go of readings nobody applied within a day: what they would change is out of date."""
    actor = System("connectors.drop_stale_syncs")
    stale = Sync.objects.stale_at(timezone.now() - KEPT_FOR)
    dropped = 0
    for sync in stale:
        upload_delete(sync.path)
        sync_drop(sync_id=sync.pk, actor=actor)
        dropped += 1
    return dropped


@shared_task(name="connectors.discover", **LONG, **RETRY)
def discover(job_id: int) -> int:
    """Read everything a connection can read. Starting again skips the parts that were read."""
    job = job_claim(job_id)
    if job is None:
        return 0

    with pulse(job) as progress:

        def told(done: int, total: int, message: str) -> None:
            job.total = total
            job.save(update_fields=["total"])
            job_advance(job, done=done, message=message)
            progress(done)

        try:
            message = connection_discover(job=job, actor=job_actor(job), told=told)
        except DomainError as error:
            job_fail(job, message=str(error))
            return 0
    job.done = job.total or 0
    job.save(update_fields=["done"])
    job_finish(job, message=message)
    return job.done


@shared_task(name="connectors.read_due_connections", **RETRY)
def read_due_connections() -> int:
    """Start the readings whose time has come."""
    return connections_read_due(actor=System("connectors.read_due_connections"))


@shared_task(name="connectors.read_log", **LONG, **RETRY)
def read_log(job_id: int) -> int:
    """Read a system's log by a connection. Starting again goes on from what is complete."""
    job = job_claim(job_id)
    if job is None:
        return 0

    with pulse(job) as progress:
        try:
            held = log_source_run(
                source_id=job.subject_id or 0,
                actor=job_actor(job),
                told=lambda now: progress(now.position),
            )
        except Overtaken:
            return 0
        except (DomainError, PermissionDenied) as error:
            job_fail(job, message=str(error))
            return 0
    job.done = held.position
    job.save(update_fields=["done"])
    job_finish(job, message=held.said or f"{held.kept:,} new records.")
    return held.kept


@shared_task(name="connectors.read_due_logs", **RETRY)
def read_due_logs() -> int:
    """Start the readings of logs whose time has come."""
    return log_sources_read_due(actor=System("connectors.read_due_logs"))
