from django.db import models
from django.db.models import Q

from apps.activity.querysets.sightings import SightingQuerySet
from apps.activity.states import Trait


class Sighting(models.Model):
    """From where, with what, and at which hour of the day (UTC) an identity was used.

    `value` is the address as told, the client's name without its version, or the hour. It only
    ever widens, so that records may come in any order. `proven_at` is the newest use of it that is
    proven to be of an agent's run.
    """

    log_id = models.IntegerField()
    identity_id = models.BigIntegerField()
    trait = models.CharField(max_length=7, choices=Trait)
    value = models.CharField(max_length=100)
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()
    proven_at = models.DateTimeField(null=True)

    objects = SightingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="activity_sighting_once", fields=["log_id", "identity_id", "trait", "value"]
            )
        ]
        indexes = [
            models.Index(name="activity_sighting_first", fields=["trait", "first_at"]),
            models.Index(
                name="activity_sighting_strange",
                fields=["trait", "last_at"],
                condition=Q(proven_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_trait_display()} {self.value}"


class KnownCall(models.Model):
    """A name of which the log of a system holds at least one call, by whomever.

    Of a name that it never held, its silence says nothing: it may not record such calls at all.
    """

    system_id = models.BigIntegerField()
    name = models.CharField(max_length=200)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(name="activity_knowncall_once", fields=["system_id", "name"])
        ]

    def __str__(self) -> str:
        return self.name
