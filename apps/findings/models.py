from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Lower, Now

from apps.core.links import record_href
from apps.findings.querysets import FindingQuerySet
from apps.findings.states import FindingState, Severity
from apps.inventory.models import Agent, System


class Finding(models.Model):
    """Something looks wrong, by a named rule, about one subject.

    Key = (rule, subject): a return is a recurrence on the same row. `agent` and `system` are
    where the subject belongs, for lists and visibility.
    """

    rule = models.CharField(max_length=60)
    subject_type = models.CharField(max_length=60)
    subject_id = models.BigIntegerField()
    subject_label = models.CharField(max_length=400)
    agent = models.ForeignKey(Agent, models.PROTECT, null=True, blank=True, related_name="findings")
    system = models.ForeignKey(
        System, models.PROTECT, null=True, blank=True, related_name="findings"
    )
    severity = models.CharField(max_length=8, choices=Severity)
    severity_rank = models.PositiveSmallIntegerField()
    detail = models.CharField(max_length=400, blank=True)
    facts = models.JSONField(default=dict, blank=True)
    state = models.CharField(
        max_length=13, choices=FindingState, default=FindingState.OPEN, editable=False
    )
    first_seen_at = models.DateTimeField(db_default=Now())
    opened_at = models.DateTimeField(db_default=Now())
    last_seen_at = models.DateTimeField(db_default=Now())
    resolved_at = models.DateTimeField(null=True, blank=True)
    recurrences = models.PositiveIntegerField(default=0)
    until = models.DateField(null=True, blank=True)
    reason = models.TextField(blank=True)
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    accepted_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    search = models.GeneratedField(
        expression=Lower(models.F("subject_label")),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects = FindingQuerySet.as_manager()

    class Meta:
        ordering = ["-severity_rank", "pk"]
        constraints = [
            models.UniqueConstraint(
                name="findings_finding_once", fields=["rule", "subject_type", "subject_id"]
            ),
            models.CheckConstraint(
                name="findings_finding_state_known",
                condition=Q(state__in=FindingState.values),
            ),
            models.CheckConstraint(
                name="findings_finding_resolved_iff_time",
                condition=Q(state=FindingState.RESOLVED, resolved_at__isnull=False)
                | (~Q(state=FindingState.RESOLVED) & Q(resolved_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="findings_finding_acceptance_is_whole",
                condition=~Q(state=FindingState.RISK_ACCEPTED)
                | (~Q(reason="") & Q(accepted_by__isnull=False) & Q(until__isnull=False)),
            ),
            models.CheckConstraint(
                name="findings_finding_snooze_ends",
                condition=~Q(state=FindingState.SNOOZED) | Q(until__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="findings_finding_worst", fields=["severity_rank", "id"]),
            models.Index(name="findings_finding_rule", fields=["rule", "state", "id"]),
            models.Index(name="findings_finding_state", fields=["state", "-severity_rank", "id"]),
            models.Index(
                name="findings_finding_subject", fields=["subject_type", "subject_id", "state"]
            ),
            models.Index(name="findings_finding_agent", fields=["agent", "state"]),
            models.Index(name="findings_finding_opened", fields=["opened_at", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.rule}: {self.subject_label}"

    def get_absolute_url(self) -> str:
        return record_href("findings:finding_detail", self.pk)


class DailyFigure(models.Model):
    """A figure of home as it stood on a day, so that a change since a week ago can be told."""

    day = models.DateField()
    key = models.CharField(max_length=60)
    value = models.BigIntegerField()
    taken_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["-day", "key"]
        constraints = [
            models.UniqueConstraint(name="findings_dailyfigure_once", fields=["key", "day"]),
        ]

    def __str__(self) -> str:
        return f"{self.key} on {self.day}: {self.value}"


class CheckRun(models.Model):
    """One check of one rule that changed something. Kept so that the record has its subject."""

    rule = models.CharField(max_length=60)
    checked_at = models.DateTimeField()
    held = models.PositiveIntegerField()
    opened = models.PositiveIntegerField()
    recurred = models.PositiveIntegerField()
    resolved = models.PositiveIntegerField()

    class Meta:
        ordering = ["-pk"]

    def __str__(self) -> str:
        return f"Check of {self.rule}"
