from datetime import timedelta

from celery import shared_task, signature
from django.db.models import F
from django.utils import timezone

from apps.core.models import Job, JobStatus

SILENT_AFTER = timedelta(seconds=60)
MOST_ATTEMPTS = 10


@shared_task(name="core.requeue_silent_jobs")
def requeue_silent_jobs() -> int:
    """Start again every job whose worker has been silent for a minute.

    Redis redelivers an unacknowledged task only after its visibility timeout. A job that died
    ten times is failed, so that it stops taking the worker down with it.
    """
    now = timezone.now()
    silent = Job.objects.filter(
        status__in=[JobStatus.QUEUED, JobStatus.RUNNING], heartbeat_at__lt=now - SILENT_AFTER
    )
    silent.filter(attempts__gte=MOST_ATTEMPTS).update(
        status=JobStatus.FAILED,
        finished_at=now,
        message="The worker died ten times over this job. It was given up; start it again by hand.",
    )
    requeued = 0
    for pk, task in silent.values_list("pk", "task"):
        taken = silent.filter(pk=pk).update(heartbeat_at=now, attempts=F("attempts") + 1)
        if taken:
            signature(task, kwargs={"job_id": pk}).apply_async()
            requeued += 1
    return requeued
