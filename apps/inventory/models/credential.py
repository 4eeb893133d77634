from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Lower

from apps.core.links import record_href
from apps.inventory.models.identity import Identity
from apps.inventory.models.source import Imported
from apps.inventory.querysets.credentials import CredentialQuerySet
from apps.inventory.states import (
    CREDENTIAL_OVER,
    STATIC_KINDS,
    CredentialKind,
    CredentialState,
    StoredIn,
)


class Credential(Imported):
    """How an identity proves itself: its id, fingerprint, and where the secret is kept.

    The secret itself is never stored. `state` moves only through `apps.inventory.services`.
    """

    identity = models.ForeignKey(Identity, models.PROTECT, related_name="credentials")
    kind = models.CharField(max_length=16, choices=CredentialKind)
    external_id = models.CharField(max_length=300)
    label = models.CharField(max_length=200, blank=True)
    fingerprint = models.CharField(max_length=64, blank=True)
    stored_in = models.CharField(max_length=16, choices=StoredIn, default=StoredIn.UNKNOWN)
    stored_at = models.CharField("where exactly", max_length=200, blank=True)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="+"
    )
    issued_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    rotated_at = models.DateTimeField(null=True, blank=True)
    rotation_days = models.PositiveSmallIntegerField(null=True, blank=True)
    rotation_due_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text="By its own interval, else the house's for static ones. The database reckons it.",
    )
    last_used_at = models.DateTimeField(null=True, blank=True)
    use_is_known = models.BooleanField(
        default=False, help_text="Whether a source tells when it was last used."
    )
    facts = models.JSONField(default=dict, blank=True)
    state = models.CharField(
        max_length=10, choices=CredentialState, default=CredentialState.ACTIVE, editable=False
    )
    ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=Lower(models.F("external_id")),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = CredentialQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="inventory_credential_state_known",
                condition=Q(state__in=CredentialState.values),
            ),
            models.CheckConstraint(
                name="inventory_credential_kind_known",
                condition=Q(kind__in=CredentialKind.values),
            ),
            models.CheckConstraint(
                name="inventory_credential_stored_in_known",
                condition=Q(stored_in__in=StoredIn.values),
            ),
            models.CheckConstraint(
                name="inventory_credential_ended_iff_over",
                condition=Q(state__in=CREDENTIAL_OVER, ended_at__isnull=False)
                | (~Q(state__in=CREDENTIAL_OVER) & Q(ended_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="inventory_credential_expires_after_issue",
                condition=Q(expires_at__isnull=True)
                | Q(issued_at__isnull=True)
                | Q(expires_at__gte=F("issued_at")),
            ),
            models.UniqueConstraint(
                name="inventory_credential_once", fields=["identity", "external_id"]
            ),
        ]
        indexes = [
            models.Index(name="inventory_cred_external", fields=["external_id", "id"]),
            models.Index(name="inventory_cred_issued", fields=["issued_at", "id"]),
            models.Index(name="inventory_cred_expires", fields=["expires_at", "id"]),
            models.Index(name="inventory_cred_used", fields=["last_used_at", "id"]),
            models.Index(name="inventory_cred_due", fields=["rotation_due_at", "id"]),
            models.Index(
                name="inventory_cred_due_house",
                fields=["rotation_due_at", "id"],
                condition=Q(rotation_days__isnull=True, rotation_due_at__isnull=False),
            ),
            models.Index(name="inventory_cred_state", fields=["state", "id"]),
            models.Index(name="inventory_cred_kind", fields=["kind", "id"]),
            models.Index(name="inventory_cred_stored_in", fields=["stored_in", "id"]),
            models.Index(name="inventory_cred_stream", fields=["stream", "id"]),
            models.Index(
                name="inventory_cred_endless",
                fields=["external_id", "id"],
                condition=~Q(state__in=CREDENTIAL_OVER)
                & Q(
                    gone_at__isnull=True,
                    kind__in=STATIC_KINDS,
                    expires_at__isnull=True,
                    rotation_days__isnull=True,
                ),
            ),
            models.Index(
                name="inventory_cred_gone",
                fields=["external_id", "id"],
                condition=Q(gone_at__isnull=False),
            ),
            models.Index(
                name="inventory_cred_fingerprint",
                fields=["fingerprint"],
                condition=~Q(fingerprint=""),
            ),
        ]

    def __str__(self) -> str:
        return self.label or self.external_id

    @property
    def agent_count(self) -> int:
        """How many agents sign in with it, through its identity."""
        return self.identity.binding_count

    def get_absolute_url(self) -> str:
        return record_href("inventory:credential_detail", self.pk)
