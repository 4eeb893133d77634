from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.links import record_href
from apps.inventory.models import Agent
from apps.remediation.querysets import BatchQuerySet
from apps.remediation.states import BatchState


class Batch(models.Model):
    """Many removals for one reason: chosen from a list, or all that an agent holds.

    Above the house's threshold it is held until a second person lets it go. `state` moves only
    through `apps.remediation.services.batches`.
    """

    label = models.CharField(max_length=200)
    reason = models.TextField()
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, related_name="+")
    count = models.PositiveIntegerField()
    state = models.CharField(max_length=8, choices=BatchState, editable=False)
    held_because = models.CharField(max_length=300, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(db_default=Now())
    judged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    judged_at = models.DateTimeField(null=True)

    objects = BatchQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name_plural = "batches"
        constraints = [
            models.CheckConstraint(
                name="remediation_batch_state_known", condition=Q(state__in=BatchState.values)
            ),
            models.CheckConstraint(
                name="remediation_batch_judged_by_another",
                condition=Q(judged_by__isnull=True)
                | Q(decided_by__isnull=True)
                | ~Q(judged_by=models.F("decided_by")),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("remediation:batch_detail", self.pk)

    @property
    def is_held(self) -> bool:
        return self.state == BatchState.HELD
