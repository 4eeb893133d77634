from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.core.links import record_href
from apps.inventory.models.agent import Agent
from apps.inventory.models.source import Imported
from apps.inventory.models.system import System
from apps.inventory.querysets.identities import BindingQuerySet, IdentityQuerySet
from apps.inventory.states import BindingHow


class Identity(Imported):
    """A non-human account on a system. `external_id` is what the system calls it (an ARN, say)."""

    system = models.ForeignKey(System, models.PROTECT, related_name="identities", db_index=False)
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=40)
    external_id = models.CharField(max_length=400)
    accountable_agent = models.ForeignKey(
        Agent,
        models.PROTECT,
        null=True,
        blank=True,
        related_name="accountable_for",
        help_text="Chosen by a steward where several agents are bound.",
    )
    is_service_linked = models.BooleanField(default=False)
    last_used_at = models.DateTimeField(null=True, blank=True)
    trust = models.JSONField(default=dict, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    binding_count = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Bindings in force. The database counts them.",
    )
    standing_count = models.PositiveIntegerField(
        default=0,
        db_default=0,
        editable=False,
        help_text="Bindings in force of agents not retired. The database counts them.",
    )
    search = models.GeneratedField(
        expression=Lower(models.F("external_id")),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = IdentityQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]
        verbose_name_plural = "identities"
        constraints = [
            models.UniqueConstraint(
                name="inventory_identity_once", fields=["system", "external_id"]
            ),
        ]
        indexes = [
            models.Index(name="inventory_identity_system", fields=["system", "id"]),
            models.Index(name="inventory_identity_name", fields=["name", "id"]),
            models.Index(name="inventory_identity_kind", fields=["kind", "id"]),
            models.Index(name="inventory_identity_stream", fields=["stream", "id"]),
            models.Index(name="inventory_identity_used", fields=["last_used_at", "id"]),
            models.Index(
                name="inventory_identity_agentless",
                fields=["name", "id"],
                condition=Q(gone_at__isnull=True, is_service_linked=False) & ~Q(standing_count=1),
            ),
            models.Index(
                name="inventory_identity_shared", fields=["id"], condition=Q(binding_count__gt=1)
            ),
            models.Index(
                name="inventory_identity_gone",
                fields=["name", "id"],
                condition=Q(gone_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("inventory:identity_detail", self.pk)


class Binding(models.Model):
    """Agent X acts as identity Y. Ended, never deleted."""

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="bindings")
    identity = models.ForeignKey(Identity, models.PROTECT, related_name="bindings")
    how = models.CharField(max_length=10, choices=BindingHow, default=BindingHow.DECLARED)
    stream = models.CharField(max_length=200, blank=True, editable=False)
    bound_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+", editable=False
    )
    bound_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = BindingQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="inventory_binding_how_known", condition=Q(how__in=BindingHow.values)
            ),
            models.UniqueConstraint(
                name="inventory_binding_one_live",
                fields=["agent", "identity"],
                condition=Q(ended_at__isnull=True),
                violation_error_message="This agent is bound to this identity already.",
            ),
        ]
        indexes = [
            models.Index(
                name="inventory_binding_live",
                fields=["identity", "agent"],
                condition=Q(ended_at__isnull=True),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.agent} acts as {self.identity}"

    def get_absolute_url(self) -> str:
        return self.identity.get_absolute_url()
