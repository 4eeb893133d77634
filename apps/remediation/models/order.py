from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.connectors.models import Connection
from apps.core.links import record_href
from apps.grants.models import Grant
from apps.inventory.models import Binding, Credential, Source
from apps.remediation.querysets import OrderQuerySet
from apps.remediation.states import (
    GONE,
    SETTLED,
    WATCHED,
    OrderKind,
    OrderState,
    ProofKind,
    stopped_as,
)


class Order(models.Model):
    """A removal to be carried out in the source system, and verified there.

    Exactly one subject. `origin_*` names what ordered it (a review item, say) without knowing
    that app. `plan` holds the steps, the commands to copy, and the difference to apply. `target`
    holds what stays after a narrowing, or as what a grant ends (`ends_as`).
    Decided, executed, effective, verified: four times.

    Where a connection carries it out, `steps` tell how: `wake_at` is when it is looked at next,
    `stopped_at` when it was first seen not to work any more after it was carried out (or, where
    no connection can look, somebody confirmed it), `watch_until` when what can be undone becomes
    final, `used_after_at` when it was used although dead, `trouble` what the provider said last
    that stood in the way. An order that is reopened keeps what is known of its earlier end.
    """

    kind = models.CharField(max_length=8, choices=OrderKind)
    grant = models.ForeignKey(Grant, models.PROTECT, null=True, blank=True, related_name="orders")
    credential = models.ForeignKey(
        Credential, models.PROTECT, null=True, blank=True, related_name="orders"
    )
    binding = models.ForeignKey(
        Binding, models.PROTECT, null=True, blank=True, related_name="orders"
    )
    label = models.CharField(max_length=400)
    target = models.JSONField(default=dict, blank=True)
    plan = models.JSONField(default=dict, blank=True)
    reason = models.TextField()
    origin_type = models.CharField(max_length=60, blank=True)
    origin_id = models.BigIntegerField(null=True, blank=True)
    campaign_id = models.BigIntegerField(null=True, blank=True)
    state = models.CharField(
        max_length=14, choices=OrderState, default=OrderState.PLANNED, editable=False
    )
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField()
    due_at = models.DateTimeField(null=True, blank=True)
    executed_at = models.DateTimeField(null=True, blank=True)
    executed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    effective_by = models.DateTimeField(null=True, blank=True)
    verified_at = models.DateTimeField(null=True, blank=True)
    verified_how = models.TextField(blank=True)
    exception_until = models.DateField(null=True, blank=True)
    follows = models.ForeignKey(
        "self", models.PROTECT, null=True, blank=True, related_name="followed_by"
    )
    created_at = models.DateTimeField(db_default=Now())
    # Where a connection carries it out.
    connection = models.ForeignKey(
        Connection, models.PROTECT, null=True, blank=True, related_name="orders"
    )
    batch = models.ForeignKey(
        "remediation.Batch", models.PROTECT, null=True, blank=True, related_name="orders"
    )
    exposed_since = models.DateTimeField(null=True, blank=True)
    begun_at = models.DateTimeField(null=True, blank=True)
    stopped_at = models.DateTimeField(null=True, blank=True)
    stopped_how = models.TextField(blank=True)
    looked_at = models.DateTimeField(null=True, blank=True)
    watch_until = models.DateTimeField(null=True, blank=True)
    wake_at = models.DateTimeField(null=True, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    trouble = models.TextField(blank=True)
    watched_at = models.DateTimeField(null=True, blank=True)
    used_after_at = models.DateTimeField(null=True, blank=True)
    used_after_how = models.TextField(blank=True)
    confirmed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    confirmed_at = models.DateTimeField(null=True, blank=True)
    undo_asked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    undo_asked_at = models.DateTimeField(null=True, blank=True)
    undo_reason = models.TextField(blank=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="remediation_order_state_known", condition=Q(state__in=OrderState.values)
            ),
            models.CheckConstraint(
                name="remediation_order_kind_known", condition=Q(kind__in=OrderKind.values)
            ),
            models.CheckConstraint(
                name="remediation_order_one_subject",
                condition=Q(grant__isnull=False, credential__isnull=True, binding__isnull=True)
                | Q(grant__isnull=True, credential__isnull=False, binding__isnull=True)
                | Q(grant__isnull=True, credential__isnull=True, binding__isnull=False),
            ),
            models.CheckConstraint(
                name="remediation_order_exception_has_end",
                condition=~Q(state=OrderState.EXCEPTION) | Q(exception_until__isnull=False),
            ),
            models.CheckConstraint(
                name="remediation_order_verified_has_time",
                condition=~Q(state__in=(OrderState.VERIFIED, OrderState.CONFIRMED))
                | Q(verified_at__isnull=False),
            ),
            models.CheckConstraint(
                name="remediation_order_kill_confirmed_by_another",
                condition=Q(confirmed_by__isnull=True)
                | Q(decided_by__isnull=True)
                | ~Q(confirmed_by=models.F("decided_by")),
            ),
            models.UniqueConstraint(
                name="remediation_order_once_per_origin",
                fields=["origin_type", "origin_id", "kind"],
                condition=Q(origin_id__isnull=False) & ~Q(state=OrderState.ROLLED_BACK),
            ),
        ]
        indexes = [
            models.Index(name="remediation_order_label", fields=["label", "id"]),
            models.Index(name="remediation_order_state", fields=["state", "id"]),
            models.Index(name="remediation_order_due", fields=["due_at", "id"]),
            models.Index(name="remediation_order_campaign", fields=["campaign_id", "state"]),
            models.Index(name="remediation_order_grant", fields=["grant", "state"]),
            models.Index(name="remediation_order_credential", fields=["credential", "state"]),
            # Few orders wait, are watched, or want a second look; these walk past all that do not.
            models.Index(
                name="remediation_order_unsettled", fields=["id"], condition=~Q(state__in=SETTLED)
            ),
            models.Index(
                name="remediation_order_watched",
                fields=["stopped_at", "id"],
                condition=~Q(state=OrderState.ROLLED_BACK)
                & Q(kind__in=WATCHED, credential__isnull=False, undo_asked_at__isnull=True),
            ),
            models.Index(
                name="remediation_order_unconfirmed",
                fields=["decided_at", "id"],
                condition=~Q(state=OrderState.ROLLED_BACK)
                & Q(kind=OrderKind.KILL, confirmed_at__isnull=True),
            ),
            models.Index(
                name="remediation_order_suspended",
                fields=["decided_at", "id"],
                condition=Q(kind=OrderKind.SUSPEND),
            ),
            models.Index(
                name="remediation_order_used_after",
                fields=["used_after_at", "id"],
                condition=Q(used_after_at__isnull=False),
            ),
            models.Index(
                name="remediation_order_wake",
                fields=["wake_at", "id"],
                condition=Q(wake_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.label}"

    def get_absolute_url(self) -> str:
        return record_href("remediation:order_detail", self.pk)

    @property
    def is_over(self) -> bool:
        """Whether nobody has anything left to do; an exception only waits for its end."""
        return self.state in SETTLED and self.state != OrderState.EXCEPTION

    @property
    def is_reopened(self) -> bool:
        """Whether its access came back, and no connection removes it anew."""
        return self.state == OrderState.VERIFY_FAILED and self.wake_at is None

    @property
    def is_stopped(self) -> bool:
        """Whether it was found not to work since it was carried out last."""
        at, carried_out = self.stopped_at, self.executed_at
        return at is not None and (carried_out is None or at >= carried_out)

    @property
    def is_dead(self) -> bool:
        """Whether the access is gone; what can be undone stands at *executed* until it is final."""
        return self.state in GONE or (self.state == OrderState.EXECUTED and self.is_stopped)

    @property
    def is_used_after(self) -> bool:
        """Whether a use after its present end is known; one after an earlier end is history."""
        used, ended = self.used_after_at, self.effective_by
        return used is not None and (ended is None or used >= ended)

    @property
    def stopped_as(self) -> str:
        return stopped_as(self.stopped_how)


class OrderProof(models.Model):
    """What somebody did or saw about an order: text, or a file kept by its digest. Append-only."""

    order = models.ForeignKey(Order, models.PROTECT, related_name="proofs")
    kind = models.CharField(max_length=5, choices=ProofKind)
    text = models.TextField(blank=True)
    file_name = models.CharField(max_length=200, blank=True)
    file_sha256 = models.CharField(max_length=64, blank=True)
    file_bytes = models.PositiveIntegerField(default=0)
    source = models.ForeignKey(Source, models.PROTECT, null=True, related_name="+")
    given_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    given_by_label = models.CharField(max_length=150)
    given_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="remediation_orderproof_kind_known",
                condition=Q(kind__in=ProofKind.values),
            ),
            models.CheckConstraint(
                name="remediation_orderproof_says_something",
                condition=~Q(text="") | ~Q(file_sha256="") | Q(source__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()}: {self.order}"
