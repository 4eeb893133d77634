from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.links import record_href
from apps.notices.models.page import Page
from apps.notices.models.route import Route
from apps.notices.querysets import DeliveryQuerySet, NoticeQuerySet
from apps.notices.states import By, DeliveryStatus, Event


class Notice(models.Model):
    """One message to one person, or to one tool, about one record.

    The contact log of a campaign is the notices about it and about its items.

    `body` is kept as sent, but for words that must not be kept: a `$word` in it is filled in as
    the mail leaves (`settings.NOTICE_WORDS`).
    """

    kind = models.CharField(max_length=40)
    by = models.CharField(max_length=9, choices=By, default=By.MAIL)
    recipient = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="notices"
    )
    address = models.CharField(
        max_length=254, help_text="An address of mail, the host of the chat, or a route's name."
    )
    route = models.ForeignKey(Route, models.PROTECT, null=True, related_name="notices")
    page = models.ForeignKey(Page, models.PROTECT, null=True, related_name="notices")
    event = models.CharField(max_length=11, choices=Event, default=Event.TRIGGER)
    about_type = models.CharField(max_length=60)
    about_id = models.BigIntegerField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    dedupe_key = models.CharField(max_length=120, unique=True)
    sent_for = models.CharField(max_length=150, blank=True)
    created_at = models.DateTimeField(db_default=Now())

    objects = NoticeQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(name="notices_notice_by_known", condition=Q(by__in=By.values)),
            models.CheckConstraint(
                name="notices_notice_tools_have_a_route",
                condition=Q(by__in=[By.MAIL, By.CHAT]) | Q(route__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="notices_notice_about", fields=["about_type", "about_id", "-id"]),
            models.Index(name="notices_notice_created", fields=["created_at", "id"]),
        ]

    def __str__(self) -> str:
        return f"{self.subject} to {self.address}"

    def get_absolute_url(self) -> str:
        return record_href("notices:notice_detail", self.pk)

    @property
    def the_route(self) -> Route:
        """The route of a notice to a tool: the database demands one."""
        if self.route is None:
            raise ValueError(f"Notice {self.pk} has no route.")
        return self.route


class Delivery(models.Model):
    """One attempt-series to hand a notice over, and the other side's own words."""

    notice = models.OneToOneField(Notice, models.PROTECT, related_name="delivery")
    status = models.CharField(
        max_length=10, choices=DeliveryStatus, default=DeliveryStatus.QUEUED, editable=False
    )
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(db_default=Now())
    message_id = models.CharField(max_length=200, blank=True)
    answer = models.TextField(blank=True)
    sent_at = models.DateTimeField(null=True)

    objects = DeliveryQuerySet.as_manager()

    class Meta:
        verbose_name_plural = "deliveries"
        constraints = [
            models.CheckConstraint(
                name="notices_delivery_status_known",
                condition=Q(status__in=DeliveryStatus.values),
            ),
            models.CheckConstraint(
                name="notices_delivery_sent_has_time",
                condition=~Q(status=DeliveryStatus.SENT) | Q(sent_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(
                name="notices_delivery_waiting",
                fields=["next_attempt_at"],
                condition=Q(status=DeliveryStatus.QUEUED),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.status}: {self.notice}"

    @property
    def is_waiting(self) -> bool:
        return self.status == DeliveryStatus.QUEUED
