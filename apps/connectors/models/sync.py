from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.connectors.querysets import SyncQuerySet
from apps.connectors.states import SyncStatus
from apps.core.actors import Channel
from apps.core.links import record_href
from apps.inventory.models import Source


class Sync(models.Model):
    """One reading of a file, or of a connection's part, on its way into the inventory.

    It is staged, shown, then applied or dropped.

    `path` is where the file waits in the data directory; empty once it is read and deleted.
    `header` is what the file says of itself, `report` what applying it would change or changed.
    """

    connection = models.ForeignKey(
        "connectors.Connection", models.PROTECT, null=True, related_name="+"
    )
    format = models.CharField(max_length=60)
    file_name = models.CharField(max_length=200)
    path = models.CharField(max_length=500, blank=True)
    stream_hint = models.CharField(max_length=100, blank=True)
    command = models.TextField(blank=True)
    raw_sha256 = models.CharField(max_length=64, blank=True)
    raw_bytes = models.PositiveBigIntegerField(default=0)
    header = models.JSONField(default=dict)
    read_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    rejected = models.JSONField(default=list)
    protected = models.JSONField(default=list)
    report = models.JSONField(default=dict)
    problem = models.JSONField(default=dict)
    status = models.CharField(max_length=10, choices=SyncStatus, default=SyncStatus.WAITING)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+")
    brought_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    brought_by_label = models.CharField(max_length=150)
    channel = models.CharField(max_length=10, choices=Channel)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    finished_at = models.DateTimeField(null=True)

    objects = SyncQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "reading"
        constraints = [
            models.CheckConstraint(
                name="connectors_sync_status_known", condition=Q(status__in=SyncStatus.values)
            ),
            models.CheckConstraint(
                name="connectors_sync_applied_has_source",
                condition=~Q(status=SyncStatus.APPLIED) | Q(source__isnull=False),
            ),
        ]
        indexes = [models.Index(name="connectors_sync_status", fields=["status", "created_at"])]

    def __str__(self) -> str:
        return self.file_name

    def get_absolute_url(self) -> str:
        return record_href("connectors:sync_detail", self.pk)

    @property
    def is_ready(self) -> bool:
        return self.status == SyncStatus.READY

    @property
    def is_over(self) -> bool:
        return self.status in {SyncStatus.APPLIED, SyncStatus.FAILED, SyncStatus.DROPPED}

    def has_searched(self, kind: str) -> bool:
        """Whether every entry of a kind was read: then what is not among them is not there."""
        return not self.protected and kind in self.header.get("kinds", ())


class StagedRow(models.Model):
    """One entry of a file, read and checked, waiting to be applied in the transaction."""

    sync = models.ForeignKey(Sync, models.CASCADE, related_name="rows")
    kind = models.CharField(max_length=16)
    key = models.CharField(max_length=64)
    path = models.CharField(max_length=300, blank=True)
    data = models.JSONField()

    class Meta:
        ordering = ["pk"]
        indexes = [
            models.Index(name="connectors_staged_kind", fields=["sync", "kind", "id"]),
            models.Index(name="connectors_staged_key", fields=["sync", "kind", "key"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.path or self.pk}"
