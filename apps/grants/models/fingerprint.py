from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.grants.states import FingerprintKind
from apps.inventory.models import Agent


class AgentFingerprint(models.Model):
    """One fingerprint an agent has had: the newest of each kind is the one in force.

    `parts` maps each part's name to its own SHA-256, so that a drift says what changed.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="fingerprints")
    kind = models.CharField(max_length=6, choices=FingerprintKind)
    digest = models.CharField(max_length=64)
    parts = models.JSONField()
    computed_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="grants_agentfingerprint_kind_known",
                condition=Q(kind__in=FingerprintKind.values),
            ),
        ]
        indexes = [
            models.Index(name="grants_fingerprint_newest", fields=["agent", "kind", "-id"]),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.digest[:12]} of {self.agent}"
