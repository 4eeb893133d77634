from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.core.links import record_href
from apps.grants.querysets.permissions import PermissionQuerySet
from apps.grants.states import Level


class Permission(models.Model):
    """One action, or pattern of actions, of a kind of system, with its level and tags.

    An unknown action counts as `write` until classified. `evidence` says who or what decided
    ({"source": ..., "version": ...}); a steward's override keeps what it replaced in the record.
    """

    system_kind = models.CharField(max_length=40)
    key = models.CharField(max_length=200)
    service = models.CharField(max_length=80, blank=True)
    description = models.TextField(blank=True)
    level = models.CharField(max_length=5, choices=Level, default=Level.WRITE)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    is_classified = models.BooleanField(default=False)
    evidence = models.JSONField(default=dict, blank=True)
    overridden_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )
    overridden_at = models.DateTimeField(null=True, editable=False)
    search = models.GeneratedField(
        expression=Lower(models.F("key")), output_field=models.TextField(), db_persist=True
    )

    objects = PermissionQuerySet.as_manager()

    class Meta:
        ordering = ["system_kind", "key"]
        constraints = [
            models.UniqueConstraint(name="grants_permission_once", fields=["system_kind", "key"]),
            models.CheckConstraint(
                name="grants_permission_level_known", condition=Q(level__in=Level.values)
            ),
        ]
        indexes = [
            models.Index(name="grants_permission_key", fields=["key", "id"]),
            models.Index(name="grants_permission_level", fields=["level", "id"]),
            models.Index(name="grants_permission_kind", fields=["system_kind", "id"]),
            models.Index(
                name="grants_permission_service", fields=["system_kind", "service", "level"]
            ),
        ]

    def __str__(self) -> str:
        return self.key

    def get_absolute_url(self) -> str:
        return record_href("grants:permission_detail", self.pk)
