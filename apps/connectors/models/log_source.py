from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.activity.models import Stream
from apps.connectors.models.connection import Connection
from apps.connectors.querysets import LogSourceQuerySet


class LogSource(models.Model):
    """A connection that reads a system's log: from when on, and how far each part of it came.

    `cursors` has, for each part, what the adapter said last; it moves once everything before it is
    kept. A part that failed stays where it was.
    """

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="logs")
    stream = models.ForeignKey(Stream, models.PROTECT, related_name="sources")
    since = models.DateTimeField()
    cursors = models.JSONField(default=dict)
    next_reading_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    added_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    added_at = models.DateTimeField(db_default=Now(), editable=False)
    stopped_at = models.DateTimeField(null=True)

    objects = LogSourceQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = "reading of a log"
        constraints = [
            models.UniqueConstraint(
                name="connectors_logsource_once", fields=["connection", "stream"]
            ),
            models.CheckConstraint(
                name="connectors_logsource_failing_has_problem",
                condition=Q(failing_since__isnull=True, problem="")
                | (Q(failing_since__isnull=False) & ~Q(problem="")),
            ),
        ]
        indexes = [
            models.Index(
                name="connectors_logsource_due",
                fields=["next_reading_at"],
                condition=Q(stopped_at__isnull=True),
            )
        ]

    def __str__(self) -> str:
        return f"{self.stream} by {self.connection}"

    def get_absolute_url(self) -> str:
        return self.stream.get_absolute_url()
