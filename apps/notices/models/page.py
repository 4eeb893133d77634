from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.links import record_href
from apps.notices.models.route import Ladder
from apps.notices.querysets import PageQuerySet
from apps.notices.states import PageSeverity, PageState


class Page(models.Model):
    """A call for somebody to look now. It climbs its team's ladder until somebody acknowledges.

    `caused_by` is whose act it is about: they are not told, and may not acknowledge it.
    `escalates_at` is when the next step is told; nothing once nobody is left to tell.
    """

    kind = models.CharField(max_length=40)
    about_type = models.CharField(max_length=60)
    about_id = models.BigIntegerField()
    about_href = models.CharField(max_length=300, blank=True)
    subject = models.CharField(max_length=200)
    body = models.TextField()
    severity = models.CharField(max_length=8, choices=PageSeverity)
    team = models.ForeignKey("accounts.Team", models.PROTECT, null=True, related_name="pages")
    ladder = models.ForeignKey(Ladder, models.PROTECT, null=True, related_name="pages")
    caused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    dedupe_key = models.CharField(max_length=120, unique=True)
    sent_for = models.CharField(max_length=150, blank=True)

    state = models.CharField(
        max_length=12, choices=PageState, default=PageState.SENT, editable=False
    )
    level = models.PositiveSmallIntegerField(default=0, editable=False)
    sent_at = models.DateTimeField(db_default=Now())
    escalates_at = models.DateTimeField(null=True, editable=False)
    acknowledged_at = models.DateTimeField(null=True, editable=False)
    acknowledged_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    resolved_at = models.DateTimeField(null=True, editable=False)
    resolved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )

    objects = PageQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="notices_page_state_known", condition=Q(state__in=PageState.values)
            ),
            models.CheckConstraint(
                name="notices_page_severity_known", condition=Q(severity__in=PageSeverity.values)
            ),
            models.CheckConstraint(
                name="notices_page_acknowledged_has_time_and_person",
                condition=~Q(state=PageState.ACKNOWLEDGED)
                | Q(acknowledged_at__isnull=False, acknowledged_by__isnull=False),
            ),
            models.CheckConstraint(
                name="notices_page_resolved_iff_time",
                condition=Q(state=PageState.RESOLVED, resolved_at__isnull=False)
                | (~Q(state=PageState.RESOLVED) & Q(resolved_at__isnull=True)),
            ),
            models.CheckConstraint(
                name="notices_page_climbs_only_while_sent",
                condition=Q(state=PageState.SENT) | Q(escalates_at__isnull=True),
            ),
        ]
        indexes = [
            models.Index(name="notices_page_about", fields=["about_type", "about_id", "-id"]),
            models.Index(name="notices_page_sent_at", fields=["sent_at", "id"]),
            models.Index(
                name="notices_page_open", fields=["id"], condition=Q(state=PageState.SENT)
            ),
            models.Index(
                name="notices_page_due",
                fields=["escalates_at", "id"],
                condition=Q(escalates_at__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return self.subject

    def get_absolute_url(self) -> str:
        return record_href("notices:page_detail", self.pk)
