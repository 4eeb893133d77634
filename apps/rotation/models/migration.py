from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.core.links import record_href
from apps.inventory.models import Credential
from apps.rotation.querysets import MigrationQuerySet
from apps.rotation.states import MIGRATION_OVER, MigrationState
from apps.rotation.ways_out import BY_KEY, WayOut


class Migration(models.Model):
    """A long-lived credential is to be replaced by something that holds no secret for long.

    `way` is a key of `apps.rotation.ways_out_table`. `state` moves only through
    `apps.rotation.services.migrations`.
    """

    credential = models.ForeignKey(Credential, models.PROTECT, related_name="migrations")
    label = models.CharField(max_length=400)
    way = models.CharField(max_length=40)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="migrations"
    )
    target_on = models.DateField(null=True, blank=True)
    state = models.CharField(
        max_length=9, choices=MigrationState, default=MigrationState.PROPOSED, editable=False
    )
    note = models.TextField(blank=True)
    proposed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    proposed_at = models.DateTimeField(db_default=Now())
    ended_at = models.DateTimeField(null=True, blank=True)
    how = models.TextField(blank=True)
    search = models.GeneratedField(
        expression=Lower(models.F("label")), output_field=models.TextField(), db_persist=True
    )

    objects = MigrationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "way out"
        verbose_name_plural = "ways out"
        constraints = [
            models.CheckConstraint(
                name="rotation_migration_state_known", condition=Q(state__in=MigrationState.values)
            ),
            models.CheckConstraint(
                name="rotation_migration_ended_iff_over",
                condition=Q(state__in=MIGRATION_OVER, ended_at__isnull=False)
                | (~Q(state__in=MIGRATION_OVER) & Q(ended_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="rotation_migration_agreed_has_date",
                condition=~Q(state__in=(MigrationState.AGREED, MigrationState.UNDER_WAY))
                | Q(target_on__isnull=False),
            ),
            models.UniqueConstraint(
                name="rotation_migration_one_open",
                fields=["credential"],
                condition=~Q(state__in=MIGRATION_OVER),
                violation_error_message="A way out is being gone already.",
            ),
        ]
        indexes = [
            models.Index(name="rotation_migration_label", fields=["label", "id"]),
            models.Index(name="rotation_migration_target", fields=["target_on", "id"]),
            models.Index(name="rotation_migration_state", fields=["state", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.label}: {self.title}"

    def get_absolute_url(self) -> str:
        return record_href("rotation:migration_detail", self.pk)

    @property
    def way_out(self) -> WayOut | None:
        """The way, with its steps; none where a later version knows it no more."""
        return BY_KEY.get(self.way)

    @property
    def title(self) -> str:
        return self.way_out.title if self.way_out else self.way

    @property
    def is_over(self) -> bool:
        return self.state in MIGRATION_OVER
