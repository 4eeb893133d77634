from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.connectors.querysets import ConnectionQuerySet, ReadingQuerySet
from apps.connectors.states import REMOVES, ConnectionKind, ConnectionState, ReadingStatus
from apps.core.links import record_href
from apps.inventory.models import Source


class Connection(models.Model):
    """A way into one system: what it is told, what it may do there, and whether it works.

    `told` holds settings and references to secrets, never a secret. `accounts` is what it speaks
    for, as `System.account` names them; the provider said so itself. `state` moves only through
    `apps.connectors.services.connections`.
    """

    name = models.CharField(max_length=80, unique=True)
    kind = models.CharField(max_length=8, choices=ConnectionKind)
    told = models.JSONField(default=dict)
    accounts = ArrayField(models.CharField(max_length=120), default=list)
    state = models.CharField(
        max_length=14, choices=ConnectionState, default=ConnectionState.DRAFT, editable=False
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField(db_default=Now())
    removal_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    removal_allowed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    may_issue = models.BooleanField(default=False)
    every_minutes = models.PositiveIntegerField("reads every", default=360)
    calls_per_second = models.PositiveSmallIntegerField(default=10)
    next_reading_at = models.DateTimeField(null=True)
    checks = models.JSONField(default=list)
    checked_at = models.DateTimeField(null=True)
    worked_at = models.DateTimeField(null=True)
    failing_since = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    search = models.GeneratedField(
        expression=Lower(models.F("name")), output_field=models.TextField(), db_persist=True
    )

    objects = ConnectionQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="connectors_connection_kind_known",
                condition=Q(kind__in=ConnectionKind.values),
            ),
            models.CheckConstraint(
                name="connectors_connection_state_known",
                condition=Q(state__in=ConnectionState.values),
            ),
            models.CheckConstraint(
                name="connectors_connection_removal_by_two",
                condition=~Q(state__in=REMOVES)
                | Q(removal_asked_by__isnull=False)
                & Q(removal_allowed_by__isnull=False)
                & ~Q(removal_asked_by=models.F("removal_allowed_by")),
            ),
            models.CheckConstraint(
                name="connectors_connection_failing_has_problem",
                condition=Q(failing_since__isnull=True, problem="")
                | (Q(failing_since__isnull=False) & ~Q(problem="")),
            ),
        ]
        indexes = [models.Index(name="connectors_connection_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("connectors:connection_detail", self.pk)

    @property
    def removes(self) -> bool:
        return self.state in REMOVES


class Reading(models.Model):
    """One part of a connection, read once: what came of it, or why nothing did."""

    connection = models.ForeignKey(Connection, models.PROTECT, related_name="readings")
    job_id = models.BigIntegerField()
    part = models.CharField(max_length=200)
    title = models.CharField(max_length=200)
    status = models.CharField(
        max_length=8, choices=ReadingStatus, default=ReadingStatus.RUNNING, editable=False
    )
    said = models.TextField(blank=True)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+")
    started_at = models.DateTimeField(db_default=Now())
    finished_at = models.DateTimeField(null=True)

    objects = ReadingQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="connectors_reading_status_known",
                condition=Q(status__in=ReadingStatus.values),
            ),
            models.CheckConstraint(
                name="connectors_reading_read_has_source",
                condition=~Q(status=ReadingStatus.READ) | Q(source__isnull=False),
            ),
            models.UniqueConstraint(
                name="connectors_reading_once", fields=["connection", "job_id", "part"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.title}: {self.get_status_display()}"
