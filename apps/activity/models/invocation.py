from django.db import models

from apps.activity.querysets.invocations import InvocationQuerySet
from apps.activity.states import BAD, CARRYING, Method, Outcome, joined_said
from apps.core.links import record_href


class Invocation(models.Model):
    """One run of an agent, summed up: a projection of what that agent told under one id.

    `agent_id` is who the credential says it was; `claimed_agent` what the telemetry says.
    Until its root span has come, `root_span` is blank and the name is a guess.

    Several agents may tell under one id, as where one calls another: each has a run of its own.
    The first that is known also counts what names nobody; what claims a name that its collector may
    not use is a run of no agent. When records came in is of the whole id.
    """

    log_id = models.IntegerField()
    trace_id = models.UUIDField()
    agent_id = models.BigIntegerField(null=True)
    claimed_agent = models.CharField(max_length=200, blank=True)
    name = models.CharField(max_length=200, blank=True)
    run_key = models.CharField(max_length=200, blank=True)
    conversation = models.CharField(max_length=200, blank=True)
    root_span = models.CharField(max_length=16, blank=True)
    started_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    first_recorded = models.DateTimeField()
    last_recorded = models.DateTimeField()
    events = models.IntegerField(default=0)
    steps = models.IntegerField(default=0)
    actions = models.IntegerField(default=0)
    calls = models.IntegerField(default=0)
    proven = models.IntegerField("API calls proven to be of it", default=0)
    near = models.IntegerField("API calls near it", default=0)
    errors = models.IntegerField(default=0)
    anomalies = models.IntegerField(default=0)
    warnings = models.JSONField(default=list)
    outcome = models.CharField(max_length=6, choices=Outcome, blank=True)

    objects = InvocationQuerySet.as_manager()

    class Meta:
        ordering = ["-started_at", "-pk"]
        constraints = [
            models.UniqueConstraint(
                name="activity_invocation_once_each",
                fields=["log_id", "trace_id", "agent_id"],
                nulls_distinct=False,
            )
        ]
        indexes = [
            models.Index(
                fields=["agent_id", "conversation"],
                name="activity_invocation_talk",
                condition=~models.Q(conversation=""),
            ),
            models.Index(name="activity_invocation_time", fields=["started_at", "id"]),
            models.Index(name="activity_invocation_agent", fields=["agent_id", "started_at", "id"]),
            models.Index(
                name="activity_invocation_odd",
                fields=["started_at", "id"],
                condition=models.Q(anomalies__gt=0),
            ),
        ]

    def __str__(self) -> str:
        return self.name or f"Invocation {self.trace_id.hex[:8]}"

    def get_absolute_url(self) -> str:
        return record_href("activity:invocation_detail", self.pk)

    @property
    def trace(self) -> str:
        return self.trace_id.hex

    @property
    def is_bad(self) -> bool:
        """What did not end well stands out wherever it is told."""
        return self.outcome in BAD

    @property
    def has_told_end(self) -> bool:
        """Until the record of the whole run has come, `ended_at` is only what was heard last."""
        return bool(self.root_span or self.outcome)

    @property
    def seconds(self) -> float:
        return (self.ended_at - self.started_at).total_seconds()


class Link(models.Model):
    """An API call that a system recorded, joined to the invocation it is of, or was near.

    `action_leaf` is the action or call that the agent told, where the join reaches that far: of a
    call that only carries the run's id, the one that accounts for it. `confidence` is that of the
    method, or none where the run's agent does not act as the identity that made the call.
    """

    log_id = models.IntegerField()
    call_leaf = models.BigIntegerField()
    call_recorded_at = models.DateTimeField()
    invocation = models.ForeignKey(Invocation, models.CASCADE, related_name="links")
    action_leaf = models.BigIntegerField(null=True)
    method = models.CharField(max_length=20, choices=Method)
    confidence = models.SmallIntegerField()
    made_at = models.DateTimeField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="activity_link_once",
                fields=["log_id", "call_leaf", "invocation"],
            )
        ]

    def __str__(self) -> str:
        return f"{self.said} ({self.confidence})"

    @property
    def said(self) -> str:
        """How it was made, in words."""
        return joined_said(self.method, self.confidence)

    @property
    def is_placed(self) -> bool:
        """Whether only name and time say of which deed of the run the call is."""
        return self.action_leaf is not None and self.method in CARRYING


class Cursor(models.Model):
    """How far a projection has read the log: every event before `leaf` is in it."""

    name = models.CharField(max_length=30, primary_key=True)
    leaf = models.BigIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.name} at {self.leaf}"
