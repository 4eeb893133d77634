from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.core.links import record_href
from apps.inventory.models import Credential
from apps.remediation.models.order import Order
from apps.remediation.querysets import IncidentCallQuerySet, IncidentQuerySet
from apps.remediation.states import IncidentState


class Incident(models.Model):
    """What a compromised credential did and made since others may have had it.

    Opened by its kill. What the system's log tells is read again while the incident is open, since
    logs arrive late; `complete_until` is until when it can be relied on. `state` moves only
    through `apps.remediation.services.incidents`.
    """

    credential = models.ForeignKey(Credential, models.PROTECT, related_name="incidents")
    order = models.OneToOneField(Order, models.PROTECT, related_name="incident")
    exposed_since = models.DateTimeField()
    state = models.CharField(
        max_length=6, choices=IncidentState, default=IncidentState.OPEN, editable=False
    )
    opened_at = models.DateTimeField(db_default=Now())
    closed_at = models.DateTimeField(null=True)
    read_at = models.DateTimeField(null=True)
    complete_until = models.DateTimeField(null=True)
    is_cut = models.BooleanField(
        default=False, help_text="Whether there were more calls than kept."
    )
    problem = models.TextField(blank=True)

    objects = IncidentQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="remediation_incident_state_known",
                condition=Q(state__in=IncidentState.values),
            ),
            models.CheckConstraint(
                name="remediation_incident_closed_iff_time",
                condition=Q(state=IncidentState.CLOSED, closed_at__isnull=False)
                | Q(state=IncidentState.OPEN, closed_at__isnull=True),
            ),
        ]
        indexes = [models.Index(name="remediation_incident_state", fields=["state", "read_at"])]

    def __str__(self) -> str:
        return f"Incident {self.pk}: {self.order.label}"

    def get_absolute_url(self) -> str:
        return record_href("remediation:incident_detail", self.pk)


class IncidentCall(models.Model):
    """One call that the system's log recorded of the credential. Kept once."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="calls")
    event_id = models.CharField(max_length=100)
    at = models.DateTimeField()
    service = models.CharField(max_length=100)
    name = models.CharField(max_length=200)
    address = models.CharField(max_length=100, blank=True)
    client = models.CharField(max_length=300, blank=True)
    error = models.CharField(max_length=200, blank=True)
    resource = models.CharField(max_length=400, blank=True)
    read_only = models.BooleanField(null=True)
    search = models.GeneratedField(
        expression=Lower(models.F("name")), output_field=models.TextField(), db_persist=True
    )

    objects = IncidentCallQuerySet.as_manager()

    class Meta:
        ordering = ["at", "pk"]
        verbose_name = "call"
        constraints = [
            models.UniqueConstraint(
                name="remediation_incidentcall_once", fields=["incident", "event_id"]
            ),
        ]
        indexes = [
            models.Index(name="remediation_incidentcall_at", fields=["incident", "at", "id"]),
            models.Index(
                name="remediation_incidentcall_from", fields=["incident", "address", "at"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.service} {self.name}"


class IncidentMade(models.Model):
    """What was made with the credential, the steps that take it back, and the order that did."""

    incident = models.ForeignKey(Incident, models.PROTECT, related_name="made")
    kind = models.CharField(max_length=40)
    name = models.CharField(max_length=300)
    at = models.DateTimeField()
    event_id = models.CharField(max_length=100)
    address = models.CharField(max_length=100, blank=True)
    steps = models.JSONField(default=list)
    order = models.ForeignKey(Order, models.PROTECT, null=True, related_name="made")

    class Meta:
        ordering = ["at", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="remediation_incidentmade_once", fields=["incident", "kind", "name"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
