from django.db import models

from apps.activity.querysets.hours import DeedHourQuerySet
from apps.activity.states import Kind, Subject


class DeedHour(models.Model):
    """What one agent said it did in one hour, by name: actions, and calls it says it made.

    `system_id` is the system it names, 0 where that is not known. `unconfirmed` are those that no
    API call proves and that do not say they failed: missed only where that system's log is whole.
    """

    log_id = models.IntegerField()
    hour = models.DateTimeField()
    agent_id = models.BigIntegerField()
    system_id = models.BigIntegerField(default=0)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=10, choices=Kind)
    deeds = models.IntegerField()
    confirmed = models.IntegerField()
    unconfirmed = models.IntegerField()
    failed = models.IntegerField()
    flagged = models.IntegerField()
    first_at = models.DateTimeField()
    last_at = models.DateTimeField()

    objects = DeedHourQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="activity_deedhour_once",
                fields=["log_id", "hour", "agent_id", "system_id", "name", "kind"],
            )
        ]
        indexes = [
            models.Index(name="activity_deedhour_agent", fields=["agent_id", "hour"]),
            models.Index(name="activity_deedhour_system", fields=["system_id", "hour"]),
        ]

    def __str__(self) -> str:
        return f"{self.deeds} {self.name} in the hour of {self.hour:%Y-%m-%d %H}"


class HourDue(models.Model):
    """An hour of an identity's calls, or of an agent's deeds, that has to be counted anew."""

    subject = models.CharField(max_length=8, choices=Subject)
    subject_id = models.BigIntegerField()
    hour = models.DateTimeField()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="activity_hourdue_once", fields=["subject", "subject_id", "hour"]
            )
        ]

    def __str__(self) -> str:
        return f"{self.subject} {self.subject_id} in the hour of {self.hour:%Y-%m-%d %H}"
