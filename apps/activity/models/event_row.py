from django.db import models

from apps.activity.querysets.event_rows import EventRowQuerySet
from apps.activity.saying import header_said
from apps.activity.states import Kind, Outcome, joined_said
from apps.core.links import record_href


class EventRow(models.Model):
    """A record of the trail as one row of a list, by its place in the log.

    The same table as `Event`: a list walks by one key, and in one log the place is one.
    """

    leaf_index = models.BigAutoField(primary_key=True)
    log_id = models.IntegerField()
    recorded_at = models.DateTimeField()
    happened_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind)
    agent_id = models.BigIntegerField(null=True)
    identity_id = models.BigIntegerField(null=True)
    credential_id = models.BigIntegerField(null=True)
    system_id = models.BigIntegerField(null=True)
    trace_id = models.UUIDField(null=True)
    name = models.CharField(max_length=200)
    target = models.CharField(max_length=200)
    level = models.CharField(max_length=5)
    outcome = models.CharField(max_length=6, choices=Outcome)
    severity = models.SmallIntegerField(default=0)
    address = models.CharField(max_length=64)
    header = models.TextField()

    objects = EventRowQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "activity_event"
        ordering = ["leaf_index"]
        verbose_name = "record"

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("activity:record_detail", self.leaf_index)

    @property
    def client(self) -> str:
        return str(header_said(self.header).get("client", ""))

    @property
    def joined_by(self) -> str:
        """How it was joined to a run. Only where the queryset says `with_link`."""
        return joined_said(self.method, self.confidence) if self.method else ""  # type: ignore[attr-defined]
