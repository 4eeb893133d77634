from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower

from apps.connectors.models import Connection
from apps.core.links import record_href
from apps.grants.models import Grant
from apps.inventory.models import Agent, AgentClient, Binding, Identity
from apps.issuing.querysets import IssuanceQuerySet
from apps.issuing.states import ANSWERED, IssuanceState


class Issuance(models.Model):
    """One short-lived credential that an agent asked for, and what became of it.

    The secret is not here, nor anywhere else: it passed through. `external_id` is what the system
    calls it (a lease, an accessor, a session); `facts` is what ending it needs. Until there was an
    answer, `expires_at` is the latest it can live. `ends_with` is how far it can be ended,
    `ended_how` what the system said when it was, `trouble` what stood in the way. `wake_at` is
    when ending it is tried next. `state` moves only through `apps.issuing.services`.
    """

    agent = models.ForeignKey(Agent, models.PROTECT, related_name="issued", db_index=False)
    client = models.ForeignKey(AgentClient, models.PROTECT, related_name="issued")
    identity = models.ForeignKey(Identity, models.PROTECT, related_name="issued", db_index=False)
    binding = models.ForeignKey(Binding, models.PROTECT, related_name="+")
    connection = models.ForeignKey(
        Connection, models.PROTECT, related_name="issued", db_index=False
    )
    grants = models.ManyToManyField(Grant, through="IssuanceGrant", related_name="issued")
    key = models.CharField("idempotency key", max_length=100)
    label = models.CharField(max_length=340)
    correlation_id = models.CharField(max_length=32)
    wanted = models.JSONField("what was asked for", default=dict)
    kind = models.CharField(max_length=40, blank=True)
    external_id = models.CharField(max_length=500, blank=True)
    facts = models.JSONField(default=dict)
    asked_at = models.DateTimeField()
    issued_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()
    state = models.CharField(
        max_length=10, choices=IssuanceState, default=IssuanceState.ASKED, editable=False
    )
    ends_with = models.TextField(blank=True)
    end_reason = models.TextField("why it was to end", blank=True)
    end_asked_at = models.DateTimeField(null=True)
    ended_at = models.DateTimeField(null=True)
    ended_how = models.TextField(blank=True)
    wake_at = models.DateTimeField(null=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    trouble = models.TextField(blank=True)
    search = models.GeneratedField(
        expression=Lower(Concat(F("label"), Value(" "), F("correlation_id"))),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = IssuanceQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        verbose_name = "issued credential"
        constraints = [
            models.CheckConstraint(
                name="issuing_issuance_state_known", condition=Q(state__in=IssuanceState.values)
            ),
            models.CheckConstraint(
                name="issuing_issuance_answered_has_name",
                condition=~Q(state__in=ANSWERED)
                | Q(issued_at__isnull=False) & ~Q(kind="") & ~Q(external_id=""),
            ),
            models.CheckConstraint(
                name="issuing_issuance_ended_iff_ended_at",
                condition=Q(state=IssuanceState.ENDED, ended_at__isnull=False)
                | (~Q(state=IssuanceState.ENDED) & Q(ended_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="issuing_issuance_wakes_only_to_end",
                condition=Q(wake_at__isnull=True) | Q(state=IssuanceState.ENDING),
            ),
            models.CheckConstraint(
                name="issuing_issuance_ends_after_it_is_asked",
                condition=Q(expires_at__gt=F("asked_at")),
            ),
            models.UniqueConstraint(name="issuing_issuance_key_once", fields=["client", "key"]),
        ]
        indexes = [
            models.Index(name="issuing_issuance_agent", fields=["agent", "-id"]),
            models.Index(name="issuing_issuance_identity", fields=["identity", "-id"]),
            models.Index(name="issuing_issuance_connection", fields=["connection", "-id"]),
            models.Index(name="issuing_issuance_asked", fields=["asked_at", "id"]),
            models.Index(name="issuing_issuance_expires", fields=["expires_at", "id"]),
            models.Index(name="issuing_issuance_state", fields=["state", "expires_at"]),
            models.Index(
                name="issuing_issuance_wake",
                fields=["wake_at", "id"],
                condition=Q(wake_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.label

    def get_absolute_url(self) -> str:
        return record_href("issuing:issuance_detail", self.pk)

    @property
    def wanted_told(self) -> str:
        return ", ".join(f"{name} {value}" for name, value in self.wanted.items())


class IssuanceGrant(models.Model):
    """A grant that an issued credential was cut from, and its content at that moment.

    Append-only.
    """

    issuance = models.ForeignKey(Issuance, models.PROTECT, related_name="cuts")
    grant = models.ForeignKey(Grant, models.PROTECT, related_name="+")
    content_sha256 = models.CharField(max_length=64, blank=True)

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.UniqueConstraint(
                name="issuing_issuancegrant_once", fields=["issuance", "grant"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.issuance} from {self.grant}"
