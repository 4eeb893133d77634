from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from apps.approvals.querysets.break_glass import BreakGlassQuerySet
from apps.approvals.states import BreakGlassState, BreakGlassVerdict
from apps.core.links import record_href
from apps.grants.models import Grant
from apps.grants.states import Level
from apps.inventory.models import Agent, Identity, System


class BreakGlass(models.Model):
    """One emergency use: a named person gave an agent's identity access that nobody approved.

    It lasts for hours, ends by itself, and is reviewed by somebody else. `held_before` is what
    outlives it, as with a request.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="break_glass_uses")
    identity = models.ForeignKey(Identity, models.PROTECT, related_name="break_glass_uses")
    system = models.ForeignKey(System, models.PROTECT, related_name="break_glass_uses")
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="break_glass_uses")
    service = models.CharField(max_length=80)
    level = models.CharField(max_length=5, choices=Level)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    label = models.CharField(max_length=400)
    actions = models.JSONField(default=list)
    resources = models.JSONField(default=list)
    held_before = models.JSONField(default=list, blank=True)
    scope_sha256 = models.CharField(max_length=64)
    reason = models.TextField()
    ticket = models.CharField(max_length=80, blank=True)
    hours = models.PositiveSmallIntegerField()

    state = models.CharField(
        max_length=8, choices=BreakGlassState, default=BreakGlassState.ACTIVE, editable=False
    )
    taken_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="break_glass_uses"
    )
    taken_at = models.DateTimeField(db_default=Now())
    ends_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_because = models.TextField(blank=True)
    review_due_at = models.DateTimeField(null=True)
    reviewed_at = models.DateTimeField(null=True)
    reviewed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    verdict = models.CharField(max_length=11, choices=BreakGlassVerdict, blank=True)
    review = models.TextField(blank=True)

    objects = BreakGlassQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "break-glass use"
        constraints = [
            models.CheckConstraint(
                name="approvals_breakglass_state_known",
                condition=Q(state__in=BreakGlassState.values),
            ),
            models.CheckConstraint(
                name="approvals_breakglass_level_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(name="approvals_breakglass_has_reason", condition=~Q(reason="")),
            models.CheckConstraint(
                name="approvals_breakglass_ends", condition=Q(ends_at__gt=F("taken_at"))
            ),
            models.CheckConstraint(
                name="approvals_breakglass_over_iff_ended",
                condition=Q(state=BreakGlassState.ACTIVE, ended_at__isnull=True)
                | (
                    ~Q(state=BreakGlassState.ACTIVE)
                    & Q(ended_at__isnull=False, review_due_at__isnull=False)
                ),
            ),
            models.CheckConstraint(
                name="approvals_breakglass_reviewed_by_somebody_else",
                condition=(
                    ~Q(state=BreakGlassState.REVIEWED)
                    & Q(reviewed_by__isnull=True, verdict="", review="")
                )
                | (
                    Q(
                        state=BreakGlassState.REVIEWED,
                        reviewed_by__isnull=False,
                        reviewed_at__isnull=False,
                        verdict__in=BreakGlassVerdict.values,
                    )
                    & ~Q(review="")
                    & ~Q(reviewed_by=F("taken_by"))
                ),
            ),
            models.UniqueConstraint(
                name="approvals_breakglass_in_force_once",
                fields=["scope_sha256"],
                condition=Q(state=BreakGlassState.ACTIVE),
            ),
        ]
        indexes = [
            models.Index(name="approvals_breakglass_label", fields=["label", "id"]),
            models.Index(name="approvals_breakglass_taken", fields=["taken_at", "id"]),
            models.Index(name="approvals_breakglass_state", fields=["state", "id"]),
            models.Index(
                name="approvals_breakglass_in_force",
                fields=["ends_at", "id"],
                condition=Q(state=BreakGlassState.ACTIVE),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("approvals:break_glass_detail", self.pk)

    @property
    def is_in_force(self) -> bool:
        return self.state == BreakGlassState.ACTIVE
