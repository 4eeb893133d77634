from celery import shared_task
from django.db import OperationalError

from apps.core.errors import DomainError
from apps.core.jobs import job_actor, job_claim, job_fail, job_finish
from apps.evidence.services.packages import BuiltElsewhere, package_build
from apps.evidence.services.sealing import logs_await


@shared_task(
    name="evidence.build_package",
    autoretry_for=(OperationalError,),
    retry_backoff=True,
    retry_jitter=True,
    max_retries=5,
    time_limit=3600,
    soft_time_limit=3540,
)
def build_package(job_id: int) -> int:
    """Build the package a job is about. Run twice, it is built once."""
    job = job_claim(job_id)
    if job is None:
        return 0
    if job.subject_id is None:
        job_fail(job, message="The job names no package.")
        return 0
    try:
        logs_await(job)
        package = package_build(package_id=job.subject_id, actor=job_actor(job), job=job)
    except BuiltElsewhere:
        return 0
    except DomainError as error:
        job_fail(job, message=str(error))
        return 0
    job_finish(job, result={"package": package.pk}, message="The package is ready.")
    return 1
