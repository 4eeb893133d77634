from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now


class JobStatus(models.TextChoices):
    QUEUED = "queued", "Waiting to start"
    RUNNING = "running", "Running"
    DONE = "done", "Done"
    FAILED = "failed", "Failed"


class Job(models.Model):
    """Long work with progress: an import, a staging, an export.

    A job is operational, not a fact of governance: it has a status, not a `state`, and what it
    changes writes its own audit entries. Steps are idempotent chunks; `cursor` says where to go
    on, so a job whose worker died is simply started again (`core.requeue_silent_jobs`).
    """

    kind = models.CharField(max_length=60)
    task = models.CharField(max_length=80)
    subject_type = models.CharField(max_length=60, blank=True)
    subject_id = models.BigIntegerField(null=True)
    started_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    channel = models.CharField(max_length=10)
    request_id = models.CharField(max_length=32, blank=True)
    status = models.CharField(max_length=10, choices=JobStatus, default=JobStatus.QUEUED)
    parameters = models.JSONField(default=dict)
    cursor = models.JSONField(default=dict)
    result = models.JSONField(default=dict)
    done = models.PositiveBigIntegerField(default=0)
    total = models.PositiveBigIntegerField(null=True)
    message = models.TextField(blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    heartbeat_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="core_job_status_known", condition=Q(status__in=JobStatus.values)
            ),
            models.CheckConstraint(
                name="core_job_finished_iff_over",
                condition=Q(status__in=("queued", "running"), finished_at__isnull=True)
                | Q(status__in=("done", "failed"), finished_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="core_job_subject", fields=["subject_type", "subject_id", "-id"]),
            models.Index(
                name="core_job_silent",
                fields=["heartbeat_at"],
                condition=Q(status__in=("queued", "running")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.pk}"

    @property
    def is_over(self) -> bool:
        return self.status in {JobStatus.DONE, JobStatus.FAILED}


class Setting(models.Model):
    """A default that stewards changed; what is not here stands in `apps.core.preferences`."""

    key = models.CharField(max_length=60, unique=True)
    value = models.JSONField()
    changed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["key"]

    def __str__(self) -> str:
        return self.key
