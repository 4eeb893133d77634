from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.activity.querysets.logs import StreamQuerySet
from apps.activity.states import LogFormat
from apps.core.links import record_href
from apps.inventory.models import System


class Stream(models.Model):
    """One log of one system, and until when everything of it is here.

    Without one, what a system saw is not known; it is never nothing. `complete_until` is what the
    log itself covers without a gap; an API call is missed only before it. `covered` are all times
    that are covered, each `[from, until]`; the complete one is the newest of them. After `ended_at`
    nothing more of it comes, and what was read stays.
    """

    system = models.ForeignKey(System, models.PROTECT, related_name="logs")
    log_format = models.CharField("format", max_length=12, choices=LogFormat)
    mapping = models.JSONField(default=dict, blank=True)
    covered = models.JSONField(default=list, editable=False)
    complete_from = models.DateTimeField(null=True, editable=False)
    complete_until = models.DateTimeField(null=True, editable=False)
    last_event_at = models.DateTimeField(null=True, editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    ended_at = models.DateTimeField(null=True, editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    ended_because = models.TextField(blank=True)

    objects = StreamQuerySet.as_manager()

    class Meta:
        ordering = ["pk"]
        verbose_name = "log"
        constraints = [
            models.UniqueConstraint(name="activity_stream_once", fields=["system", "log_format"]),
            models.CheckConstraint(
                name="activity_stream_ended_has_reason",
                condition=Q(ended_at__isnull=True, ended_because="")
                | (Q(ended_at__isnull=False) & ~Q(ended_because="")),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.system} · {self.get_log_format_display()}"

    def get_absolute_url(self) -> str:
        return record_href("activity:log_detail", self.pk)


class IngestRequest(models.Model):
    """One body that was taken in, so that sending it again is harmless.

    `sender` is the client or the log it came from: the same bytes from another are another's.
    """

    sender = models.CharField(max_length=60)
    digest = models.BinaryField(max_length=32)
    log_id = models.IntegerField()
    first_leaf = models.BigIntegerField()
    count = models.IntegerField()
    received_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(name="activity_ingestrequest_once", fields=["sender", "digest"])
        ]

    def __str__(self) -> str:
        return f"{self.count} from {self.sender}"
