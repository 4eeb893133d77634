from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.activity.querysets.keeping import ArchiveQuerySet, ErasureQuerySet
from apps.activity.states import Basis, ErasureState
from apps.core.links import record_href


class Archive(models.Model):
    """One month of the trail, written to files; once `dropped_at`, it is there and nowhere else.

    The leaves stay in the log, so that every line of the files can be proven. `ranges` are the
    leaves that lie in it, each [from, before). `digest` is the SHA-256 of its manifest, which
    names every other file by its own.
    """

    month = models.DateField(unique=True)
    log_id = models.IntegerField()
    ranges = models.JSONField(default=list)
    records = models.BigIntegerField()
    payloads = models.BigIntegerField("payloads that are not erased")
    erased = models.BigIntegerField(default=0)
    folder = models.CharField(max_length=40)
    size = models.BigIntegerField("bytes")
    digest = models.CharField(max_length=64)
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    dropped_at = models.DateTimeField(null=True)

    objects = ArchiveQuerySet.as_manager()

    class Meta:
        ordering = ["-month"]

    def __str__(self) -> str:
        return f"Archive of {self.month:%Y-%m}"

    def holds(self, leaf: int) -> bool:
        return any(start <= leaf < end for start, end in self.ranges)


class Erasure(models.Model):
    """Asking that the words of one record be erased, and what another person said to it.

    The record itself stays, and its proof holds: the header only commits to the words. `state`
    moves only through `apps.activity.services.erasing`. It outlives what it names: the record by
    its place in the log, the run by its id.
    """

    log_id = models.IntegerField()
    leaf_index = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    record_name = models.CharField(max_length=200)
    agent_id = models.BigIntegerField(null=True)
    invocation_id = models.BigIntegerField(null=True)
    state = models.CharField(max_length=10, choices=ErasureState, editable=False)
    basis = models.CharField(max_length=12, choices=Basis)
    reason = models.TextField()
    asked_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(blank=True)
    erased_at = models.DateTimeField(null=True)
    # Whether a file of the archive still holds the words.
    is_in_archive = models.BooleanField(default=False)

    objects = ErasureQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="activity_erasure_state_known", condition=Q(state__in=ErasureState.values)
            ),
            models.CheckConstraint(
                name="activity_erasure_by_two",
                condition=Q(state__in=("asked", "withdrawn"))
                | (Q(decided_by__isnull=False) & ~Q(decided_by=F("asked_by"))),
            ),
            models.UniqueConstraint(
                name="activity_erasure_once",
                fields=["log_id", "leaf_index"],
                condition=Q(state__in=("asked", "approved", "erased")),
            ),
        ]
        indexes = [models.Index(name="activity_erasure_time", fields=["asked_at", "id"])]

    def __str__(self) -> str:
        return f"Erasure {self.pk}: {self.record_name or 'a record'}"

    def get_absolute_url(self) -> str:
        return record_href("activity:erasure_detail", self.pk)
