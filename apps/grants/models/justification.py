from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.grants.models.grant import Grant
from apps.grants.querysets.justifications import JustificationQuerySet
from apps.inventory.models import Task


class Justification(models.Model):
    """Why a grant exists. Written once; a newer one stands beside it, never over it."""

    grant = models.ForeignKey(Grant, models.PROTECT, related_name="justifications")
    reason = models.TextField()
    reason_sha256 = models.CharField(max_length=64, editable=False)
    task = models.ForeignKey(
        Task, models.PROTECT, null=True, blank=True, related_name="justifications"
    )
    ticket = models.CharField(max_length=80, blank=True)
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    given_by_label = models.CharField(max_length=150)
    given_at = models.DateTimeField(db_default=Now())
    until = models.DateField(null=True, blank=True)

    objects = JustificationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="grants_justification_has_reason", condition=~Q(reason="")),
        ]
        indexes = [
            models.Index(name="grants_justification_grant", fields=["grant", "-id"]),
            models.Index(name="grants_justification_text", fields=["reason_sha256", "id"]),
            models.Index(name="grants_justification_given", fields=["given_at", "id"]),
            models.Index(name="grants_justification_until", fields=["until", "id"]),
        ]

    def __str__(self) -> str:
        return f"Justification of {self.grant}"

    def get_absolute_url(self) -> str:
        return self.grant.get_absolute_url()
