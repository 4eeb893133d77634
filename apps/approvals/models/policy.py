from django.db import models
from django.db.models import Q

from apps.approvals.models.group import Group
from apps.approvals.querysets.policies import PolicyQuerySet
from apps.approvals.states import RequirementKind
from apps.core.links import record_href


class Policy(models.Model):
    """Which requests it is for, and who must approve them, in ordered steps.

    Of the policies that match a request, the one with the lowest position applies. `match` is
    a stored `apps.approvals.matching.Match`. An automatic one grants read access at once.
    """

    name = models.CharField(max_length=100, unique=True)
    position = models.PositiveSmallIntegerField()
    purpose = models.TextField(blank=True)
    match = models.JSONField(default=dict)
    is_automatic = models.BooleanField(default=False)
    denials_end_it = models.PositiveSmallIntegerField(default=1)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = PolicyQuerySet.as_manager()

    class Meta:
        ordering = ["position", "pk"]
        verbose_name_plural = "policies"
        constraints = [
            models.CheckConstraint(
                name="approvals_policy_automatic_for_read_only",
                condition=Q(is_automatic=False) | Q(match__levels=["read"]),
            ),
            models.CheckConstraint(
                name="approvals_policy_a_denial_counts", condition=Q(denials_end_it__gte=1)
            ),
            models.UniqueConstraint(
                name="approvals_policy_position_once",
                fields=["position"],
                condition=Q(retired_at__isnull=True),
                violation_error_message="Another policy has this place already.",
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("approvals:policy_detail", self.pk)


class PolicyStep(models.Model):
    policy = models.ForeignKey(Policy, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    name = models.CharField(max_length=100)
    hours = models.PositiveSmallIntegerField(default=72, help_text="Then the fallback is asked.")

    class Meta:
        ordering = ["policy", "position"]
        constraints = [
            models.UniqueConstraint(
                name="approvals_policystep_position_once", fields=["policy", "position"]
            ),
            models.CheckConstraint(
                name="approvals_policystep_takes_time", condition=Q(hours__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return self.name


class PolicyRequirement(models.Model):
    """So many people of one kind. A named group only where the kind says so."""

    step = models.ForeignKey(PolicyStep, models.CASCADE, related_name="requirements")
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=12, choices=RequirementKind)
    group = models.ForeignKey(Group, models.PROTECT, null=True, blank=True, related_name="+")
    count = models.PositiveSmallIntegerField(default=1)

    class Meta:
        ordering = ["step", "position"]
        constraints = [
            models.CheckConstraint(
                name="approvals_policyrequirement_kind_known",
                condition=Q(kind__in=RequirementKind.values),
            ),
            models.CheckConstraint(
                name="approvals_policyrequirement_group_iff_named",
                condition=Q(kind=RequirementKind.GROUP, group__isnull=False)
                | (~Q(kind=RequirementKind.GROUP) & Q(group__isnull=True)),
            ),
            models.CheckConstraint(
                name="approvals_policyrequirement_asks_somebody", condition=Q(count__gte=1)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.count} of {self.group or self.get_kind_display()}"
