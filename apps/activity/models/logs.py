from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.activity.models.delivery import Stream
from apps.activity.querysets.logs import LogImportQuerySet
from apps.activity.states import ImportStatus, ImportWay
from apps.core.actors import Channel
from apps.core.links import record_href


class LogImport(models.Model):
    """One reading of a log, or of a part of it: what it held, and what could not be read.

    The counts move in the transaction of the records they count. `position` is how many records
    were gone through, so that whoever goes on after a killed worker counts nothing twice. `path`
    is where an upload waits in the data directory; empty once it is read and deleted.
    """

    stream = models.ForeignKey(Stream, models.PROTECT, related_name="imports")
    way = models.CharField(max_length=10, choices=ImportWay)
    name = models.CharField(max_length=200)
    path = models.CharField(max_length=500, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    status = models.CharField(max_length=8, choices=ImportStatus, default=ImportStatus.WAITING)
    position = models.BigIntegerField(default=0)
    kept = models.BigIntegerField(default=0)
    repeated = models.BigIntegerField(default=0)
    unreadable = models.BigIntegerField(default=0)
    nobodys = models.BigIntegerField("of no known identity", default=0)
    troubles = models.JSONField(default=list)
    first_at = models.DateTimeField(null=True)
    last_at = models.DateTimeField(null=True)
    said = models.TextField(blank=True)
    brought_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    brought_by_label = models.CharField(max_length=150)
    channel = models.CharField(max_length=10, choices=Channel)
    started_at = models.DateTimeField(db_default=Now(), editable=False)
    advanced_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = LogImportQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "log import"
        constraints = [
            models.CheckConstraint(
                name="activity_logimport_status_known", condition=Q(status__in=ImportStatus.values)
            ),
            models.CheckConstraint(
                name="activity_logimport_finished_iff_over",
                condition=Q(status__in=("waiting", "running"), finished_at__isnull=True)
                | Q(status__in=("done", "failed"), finished_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="activity_logimport_stream", fields=["stream", "-id"]),
            models.Index(name="activity_logimport_started", fields=["started_at", "id"]),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("activity:log_import_detail", self.pk)

    @property
    def is_over(self) -> bool:
        return self.status in {ImportStatus.DONE, ImportStatus.FAILED}

    @property
    def read(self) -> int:
        return self.kept + self.repeated


class LogRecord(models.Model):
    """A record of a system's log that is here, so that it is not kept again from another file.

    `key` is made from the log's own id of the record. It stands in a table of its own because an
    index over the events, which lie in partitions by the server's time, cannot be unique. Written
    in the transaction of the event: there is never one without the other.
    """

    pk = models.CompositePrimaryKey("stream_id", "key")
    stream_id = models.IntegerField()
    key = models.UUIDField()
    kept_at = models.DateTimeField(db_default=Now(), editable=False)

    def __str__(self) -> str:
        return f"{self.key} of log {self.stream_id}"
