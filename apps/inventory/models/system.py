from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower

from apps.accounts.models import Seat
from apps.core.links import record_href
from apps.inventory.models.source import Imported
from apps.inventory.querysets.systems import SystemQuerySet
from apps.inventory.states import Environment


class System(Imported):
    """Something an agent acts on: a CRM, a mail service, an AWS account."""

    name = models.CharField(max_length=120, unique=True)
    kind = models.CharField(max_length=40)
    account = models.CharField(max_length=120, blank=True)
    description = models.TextField(blank=True)
    environment = models.CharField(
        max_length=12, choices=Environment, default=Environment.PRODUCTION
    )
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="systems"
    )
    tags = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    log_connected = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)
    search = models.GeneratedField(
        expression=Lower(models.F("name")),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = SystemQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="inventory_system_environment_known",
                condition=Q(environment__in=Environment.values),
            ),
        ]
        indexes = [
            models.Index(name="inventory_system_name", fields=["name", "id"]),
            models.Index(name="inventory_system_kind", fields=["kind", "id"]),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("inventory:system_detail", self.pk)


class SeatSystem(models.Model):
    """A system that an auditor's limited seat covers."""

    seat = models.ForeignKey(Seat, models.CASCADE, related_name="seat_systems")
    system = models.ForeignKey(System, models.PROTECT, related_name="+")

    class Meta:
        constraints = [
            models.UniqueConstraint(name="inventory_seatsystem_once", fields=["seat", "system"]),
        ]

    def __str__(self) -> str:
        return f"{self.system} in {self.seat}"
