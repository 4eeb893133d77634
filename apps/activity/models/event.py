from django.db import models

from apps.activity.querysets.events import EventQuerySet
from apps.activity.states import BAD, Kind, Outcome
from apps.core.links import record_href


class Event(models.Model):
    """One record of the trail: what an agent said, or what a system recorded.

    The header is the exact text whose hash is the leaf of the log; the columns repeat what is
    searched. Rows come by COPY from `apps.activity.services.append` alone, lie in partitions by the
    server's time, and never change. They hold ids without foreign keys: what they name stands in
    the header, and outlives it.
    """

    pk = models.CompositePrimaryKey("log_id", "leaf_index", "recorded_at")
    log_id = models.IntegerField()
    leaf_index = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    happened_at = models.DateTimeField()
    ended_at = models.DateTimeField()
    kind = models.CharField(max_length=10, choices=Kind)
    agent_id = models.BigIntegerField(null=True)
    identity_id = models.BigIntegerField(null=True)
    credential_id = models.BigIntegerField(null=True)
    system_id = models.BigIntegerField(null=True)
    trace_id = models.UUIDField(null=True)
    span_id = models.CharField(max_length=16)
    parent_id = models.CharField(max_length=16)
    correlation = models.UUIDField(null=True)
    carried_by = models.CharField(max_length=10)
    request_id = models.CharField(max_length=128)
    name = models.CharField(max_length=200)
    target = models.CharField(max_length=200)
    level = models.CharField(max_length=5)
    outcome = models.CharField(max_length=6, choices=Outcome)
    severity = models.SmallIntegerField(default=0)
    address = models.CharField(max_length=64)
    header = models.TextField()

    objects = EventQuerySet.as_manager()

    class Meta:
        ordering = ["log_id", "leaf_index"]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.name}"

    def get_absolute_url(self) -> str:
        return record_href("activity:record_detail", self.leaf_index)

    @property
    def is_bad(self) -> bool:
        return self.outcome in BAD


class Payload(models.Model):
    """What was said and answered, apart from its record so that it can be erased alone.

    The header holds HMAC-SHA256(salt, body). With both gone, the record's proof still holds.
    """

    pk = models.CompositePrimaryKey("log_id", "leaf_index", "recorded_at")
    log_id = models.IntegerField()
    leaf_index = models.BigIntegerField()
    recorded_at = models.DateTimeField()
    salt = models.BinaryField(null=True)
    body = models.TextField(null=True)  # noqa: DJ001 - erased is not the same as empty
    erased_at = models.DateTimeField(null=True)

    def __str__(self) -> str:
        return f"Payload of {self.leaf_index}"
