from datetime import date

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models
from django.db.models import Case, F, Q, Value, When
from django.db.models.functions import Coalesce, Lower

from apps.core.links import record_href
from apps.grants.querysets.grants import GrantQuerySet
from apps.grants.states import LIVE, WRITING, GrantState, Level
from apps.inventory.models import Identity, Imported, System


class Grant(Imported):
    """An identity holds one access level on one service of one system.

    Its statements keep actions, resources, and conditions together. A grant has no agent:
    agents come through Binding. `label` names it without a join. `limits` are narrower denies
    and boundaries shown beside it. `justification` is the newest one; whether it still stands
    says `justified_until` (null beside a justification: until further notice).
    """

    identity = models.ForeignKey(Identity, models.PROTECT, related_name="grants")
    system = models.ForeignKey(System, models.PROTECT, related_name="grants")
    service = models.CharField(max_length=80)
    level = models.CharField(max_length=5, choices=Level)
    label = models.CharField(max_length=400)
    tags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    action_count = models.PositiveIntegerField(default=0)
    actions_sample = models.TextField(blank=True)
    resource_scope = models.CharField(max_length=200, blank=True)
    has_conditions = models.BooleanField(default=False)
    limits = models.JSONField(default=list, blank=True)
    unknown_actions = models.JSONField(default=list, blank=True)
    classified_by = models.CharField(max_length=120, blank=True)
    content_sha256 = models.CharField(max_length=64, blank=True)
    content_changed_at = models.DateTimeField(null=True, blank=True, editable=False)
    justification = models.ForeignKey(
        "grants.Justification",
        models.PROTECT,
        null=True,
        blank=True,
        related_name="+",
        editable=False,
    )
    justified_until = models.DateField(null=True, blank=True, editable=False)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    request_id = models.BigIntegerField(null=True, blank=True, editable=False)
    granted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    use_is_known = models.BooleanField(default=False)
    use_is_logged = models.BooleanField(
        db_default=False,
        default=False,
        editable=False,
        help_text="Its use is known by the system's log alone; its source is silent.",
    )
    expires_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(
        max_length=10, choices=GrantState, default=GrantState.ACTIVE, editable=False
    )
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=Lower(models.F("label")), output_field=models.TextField(), db_persist=True
    )

    # One column beside three conditions: the planner knows how rare an unjustified grant is.
    justified_to = models.GeneratedField(
        expression=Case(
            When(
                state__in=LIVE,
                level__in=WRITING,
                gone_at__isnull=True,
                then=Coalesce(
                    F("justified_until"),
                    Case(
                        When(justification__isnull=True, then=Value(date.min)),
                        default=Value(date.max),
                        output_field=models.DateField(),
                    ),
                ),
            ),
        ),
        output_field=models.DateField(null=True),
        db_persist=True,
        help_text="The last day its justification stands. Null: none is asked for.",
    )

    objects = GrantQuerySet.as_manager()

    class Meta:
        ordering = ["label", "pk"]
        constraints = [
            models.CheckConstraint(
                name="grants_grant_state_known", condition=Q(state__in=GrantState.values)
            ),
            models.CheckConstraint(
                name="grants_grant_level_known", condition=Q(level__in=Level.values)
            ),
            models.CheckConstraint(
                name="grants_grant_ended_at_iff_over",
                condition=Q(state__in=LIVE, ended_at__isnull=True)
                | (~Q(state__in=LIVE) & Q(ended_at__isnull=False)),
            ),
            models.CheckConstraint(
                name="grants_grant_requested_write_expires",
                condition=Q(request_id__isnull=True)
                | Q(level=Level.READ)
                | Q(expires_at__isnull=False),
            ),
            models.CheckConstraint(
                name="grants_grant_expires_after_start",
                condition=Q(expires_at__isnull=True) | Q(expires_at__gt=F("first_seen_at")),
            ),
            models.CheckConstraint(
                name="grants_grant_until_needs_justification",
                condition=Q(justified_until__isnull=True) | Q(justification__isnull=False),
            ),
            models.UniqueConstraint(
                name="grants_grant_one_live",
                fields=["identity", "system", "service", "level"],
                condition=Q(state__in=LIVE),
                violation_error_message="This identity holds this already.",
            ),
        ]
        indexes = [
            models.Index(name="grants_grant_label", fields=["label", "id"]),
            models.Index(name="grants_grant_level", fields=["level", "system", "id"]),
            models.Index(name="grants_grant_state", fields=["state", "id"]),
            models.Index(name="grants_grant_expires", fields=["expires_at", "id"]),
            models.Index(name="grants_grant_used", fields=["last_used_at", "id"]),
            models.Index(name="grants_grant_seen", fields=["first_seen_at", "id"]),
            models.Index(name="grants_grant_stream", fields=["stream", "id"]),
            models.Index(name="grants_grant_system", fields=["system", "label", "id"]),
            models.Index(name="grants_grant_justified_to", fields=["justified_to", "level"]),
            models.Index(
                name="grants_grant_due",
                fields=["expires_at"],
                condition=Q(state__in=LIVE, expires_at__isnull=False),
            ),
            models.Index(
                name="grants_grant_gone",
                fields=["label", "id"],
                condition=Q(gone_at__isnull=False),
            ),
            GinIndex(name="grants_grant_tags", fields=["tags"]),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("grants:grant_detail", self.pk)

    @property
    def is_writing(self) -> bool:
        return self.level in WRITING


class Effect(models.TextChoices):
    ALLOW = "allow", "Allows"
    DENY = "deny", "Denies"


class GrantStatement(models.Model):
    """One line of a grant: which actions, on what, under which conditions, by which path."""

    grant = models.ForeignKey(Grant, models.CASCADE, related_name="statements")
    position = models.PositiveIntegerField()
    effect = models.CharField(max_length=5, choices=Effect, default=Effect.ALLOW)
    actions = models.JSONField(default=list)
    resources = models.JSONField(default=list)
    not_resources = models.JSONField(default=list, blank=True)
    conditions = models.JSONField(default=dict, blank=True)
    policy = models.CharField(max_length=300, blank=True)
    policy_key = models.CharField(
        max_length=400, blank=True, help_text="What the system calls the policy: an ARN, say."
    )
    group = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ["grant", "position"]
        constraints = [
            models.UniqueConstraint(
                name="grants_grantstatement_position_once", fields=["grant", "position"]
            ),
            models.CheckConstraint(
                name="grants_grantstatement_effect_known", condition=Q(effect__in=Effect.values)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.effect} {', '.join(self.actions)}"
