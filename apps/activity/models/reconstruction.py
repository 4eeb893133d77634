from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.activity.querysets.reconstructions import ReconstructionQuerySet
from apps.activity.states import Told
from apps.core.links import record_href
from apps.inventory.models import Agent


class Reconstruction(models.Model):
    """One signed answer: can what the agent did in these days be told, from instruction to call?

    Figures and verdict are what was measured as it was signed; it never changes. The next one is
    due on `due_on`.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="reconstructions")
    since = models.DateTimeField()
    until = models.DateTimeField()
    figures = models.JSONField()
    verdict = models.CharField(max_length=9, choices=Told)
    reasons = models.JSONField(default=list)
    note = models.TextField()
    signed_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    signed_at = models.DateTimeField(db_default=Now())
    due_on = models.DateField()

    objects = ReconstructionQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "reconstruction check"
        constraints = [
            models.CheckConstraint(
                name="activity_reconstruction_verdict_known", condition=Q(verdict__in=Told.values)
            ),
            models.CheckConstraint(
                name="activity_reconstruction_has_a_note", condition=~Q(note="")
            ),
        ]
        indexes = [
            models.Index(name="activity_reconstruction_newest", fields=["agent", "-id"]),
        ]

    def __str__(self) -> str:
        return f"Reconstruction check of {self.agent}"

    def get_absolute_url(self) -> str:
        return record_href("activity:reconstruction_detail", self.agent_id)
