from datetime import datetime

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.actors import Channel
from apps.core.links import record_href
from apps.inventory.querysets.sources import SourceQuerySet


class Source(models.Model):
    """One reading of the outside: an import or, later, a connector's discovery run.

    `stream` names what is read again and again ("aws-authorization-details:123456789012"); the
    newest source of a stream is its current one. Rows never change after the import commits,
    but for `superseded_at`.
    """

    stream = models.CharField(max_length=200)
    format = models.CharField(max_length=60)
    account = models.CharField(max_length=120, blank=True)
    label = models.CharField(max_length=200)
    file_name = models.CharField(max_length=200, blank=True)
    raw_sha256 = models.CharField(max_length=64)
    raw_bytes = models.PositiveBigIntegerField(default=0)
    command = models.TextField(blank=True)
    provider_time = models.DateTimeField(null=True, blank=True)
    read_at = models.DateTimeField(db_default=Now())
    read_count = models.PositiveIntegerField(default=0)
    accepted_count = models.PositiveIntegerField(default=0)
    rejected_count = models.PositiveIntegerField(default=0)
    changes = models.JSONField(default=dict)
    rejected = models.JSONField(default=list)
    notes = models.JSONField(default=list)
    independently_obtained = models.BooleanField(default=False)
    brought_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    brought_by_label = models.CharField(max_length=150)
    channel = models.CharField(max_length=10, choices=Channel)
    superseded_at = models.DateTimeField(null=True, editable=False)

    objects = SourceQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="inventory_source_counts_add_up",
                condition=Q(read_count=models.F("accepted_count") + models.F("rejected_count")),
            ),
            models.UniqueConstraint(
                name="inventory_source_one_current",
                fields=["stream"],
                condition=Q(superseded_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="inventory_source_stream", fields=["stream", "-id"]),
            models.Index(name="inventory_source_read", fields=["read_at", "id"]),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("connectors:source_detail", self.pk)

    @property
    def as_of(self) -> datetime:
        """The moment the reading speaks of: the provider's own time where it gives one."""
        return self.provider_time or self.read_at


class Imported(models.Model):
    """What every record that comes from outside carries. `gone_at` never ends a record."""

    source = models.ForeignKey(
        Source, models.PROTECT, null=True, blank=True, related_name="+", editable=False
    )
    stream = models.CharField(max_length=200, blank=True, editable=False)
    first_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    last_seen_at = models.DateTimeField(db_default=Now(), editable=False)
    gone_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True
