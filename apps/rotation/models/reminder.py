from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.inventory.models import Credential
from apps.rotation.states import Stage


class Reminder(models.Model):
    """Somebody was told that a credential is due for rotation; each stage of a day once."""

    credential = models.ForeignKey(
        Credential, models.PROTECT, related_name="rotation_reminders", db_index=False
    )
    due_at = models.DateTimeField()
    stage = models.CharField(max_length=2, choices=Stage)
    told_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="rotation_reminder_stage_known", condition=Q(stage__in=Stage.values)
            ),
            models.UniqueConstraint(
                name="rotation_reminder_once", fields=["credential", "due_at", "stage"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.credential}: {self.get_stage_display()}"
