from django.db import models
from django.db.models import Q

from apps.connectors.adapters.removal import When
from apps.remediation.models.order import Order
from apps.remediation.states import StepStatus


class OrderStep(models.Model):
    """One call of an order's plan as it was carried out: when, how often, and what was said.

    `op` and `arguments` are the adapter's and hold no secret; `undo` is what taking it back needs.
    """

    order = models.ForeignKey(Order, models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    title = models.CharField(max_length=300)
    command = models.TextField(blank=True)
    undo_command = models.TextField(blank=True)
    op = models.CharField(max_length=60)
    arguments = models.JSONField(default=dict)
    when = models.CharField(max_length=5)
    reversible = models.BooleanField(default=False)
    effective_seconds = models.PositiveIntegerField(default=0)
    status = models.CharField(max_length=7, choices=StepStatus, default=StepStatus.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    said = models.TextField(blank=True)
    undo = models.JSONField(default=dict)
    begun_at = models.DateTimeField(null=True)
    done_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["order", "position"]
        constraints = [
            models.UniqueConstraint(
                name="remediation_orderstep_once", fields=["order", "position"]
            ),
            models.CheckConstraint(
                name="remediation_orderstep_status_known",
                condition=Q(status__in=StepStatus.values),
            ),
            models.CheckConstraint(
                name="remediation_orderstep_when_known",
                condition=Q(when__in=tuple(one.value for one in When)),
            ),
            models.CheckConstraint(
                name="remediation_orderstep_done_has_time",
                condition=~Q(status__in=(StepStatus.DONE, StepStatus.UNDONE))
                | Q(done_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.title
