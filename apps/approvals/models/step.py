from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.approvals.models.request import AccessRequest
from apps.approvals.states import FoundBy, RequirementKind


class RequestStep(models.Model):
    """A step of the chain, frozen with its request. Times are those of the round that runs."""

    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    hours = models.PositiveSmallIntegerField()
    opened_at = models.DateTimeField(null=True)
    passed_at = models.DateTimeField(null=True)
    fallback_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ["request", "position"]
        constraints = [
            models.UniqueConstraint(
                name="approvals_requeststep_position_once", fields=["request", "position"]
            ),
        ]

    def __str__(self) -> str:
        return self.name


class RequestRequirement(models.Model):
    step = models.ForeignKey(RequestStep, models.PROTECT, related_name="requirements")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=RequirementKind)
    label = models.CharField(max_length=120)
    count = models.PositiveSmallIntegerField()

    class Meta:
        ordering = ["step", "position"]
        constraints = [
            models.UniqueConstraint(
                name="approvals_requestrequirement_position_once", fields=["step", "position"]
            ),
            models.CheckConstraint(
                name="approvals_requestrequirement_asks_somebody", condition=Q(count__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} of {self.label}"


class Approver(models.Model):
    """Somebody whom a requirement turns to, and how they were found. Append-only.

    `request` and `step_at` repeat what the requirement says, for "what waits for me".
    """

    requirement = models.ForeignKey(RequestRequirement, models.PROTECT, related_name="approvers")
    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="approvers")
    step_at = models.PositiveSmallIntegerField()
    person = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    found_by = models.CharField(max_length=8, choices=FoundBy)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="approvals_approver_once", fields=["requirement", "person"]
            ),
            models.CheckConstraint(
                name="approvals_approver_found_by_known", condition=Q(found_by__in=FoundBy.values)
            ),
        ]
        indexes = [
            models.Index(name="approvals_approver_inbox", fields=["person", "request", "step_at"]),
        ]

    def __str__(self) -> str:
        return f"{self.person} for {self.requirement}"
