from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.links import record_href
from apps.reviews.carrying import CHOICES, DEFAULT_DAYS, rule_in_words
from apps.reviews.querysets.templates import TemplateQuerySet


class Template(models.Model):
    """What a campaign is made from: whose access, who decides, until when, how often and why.

    `scope` holds {"subjects": ["grant"|"credential"], "levels": [], "systems": [ids],
    "teams": [ids], "environments": [], "findings": [rules], "tags": [], "agents": [ids],
    "include_service_linked": bool}; an empty list limits nothing. The deadline is the end of
    its day in `time_zone`. `recurrence` is an RFC 5545 rule; occurrences count from `starts_on`.
    """

    name = models.CharField(max_length=120, unique=True)
    purpose = models.TextField(blank=True)
    scope = models.JSONField(default=dict)
    instructions = models.TextField(blank=True)
    fallback_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    run_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    days_to_decide = models.PositiveSmallIntegerField(default=14)
    time_zone = models.CharField(max_length=60, default="UTC")
    no_answer = models.CharField(
        max_length=10,
        choices=[
            ("standard", "Read stays uncertified; write and admin are suspended for 14 days"),
            ("revoke", "Read stays uncertified; write and admin are ordered revoked"),
        ],
        default="standard",
    )
    carry_forward = models.CharField(max_length=40, choices=CHOICES, blank=True, default="")
    carry_days = models.PositiveSmallIntegerField(default=DEFAULT_DAYS)
    recurrence = models.CharField(max_length=200, blank=True)
    starts_on = models.DateField(null=True, blank=True)
    frequency_reason = models.TextField(blank=True)
    stages_itself = models.BooleanField(default=False)
    launches_itself = models.BooleanField(default=False)
    retired_at = models.DateTimeField(null=True, blank=True, editable=False)
    created_at = models.DateTimeField(db_default=Now())

    objects = TemplateQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="reviews_template_days_positive", condition=Q(days_to_decide__gte=1)
            ),
            models.CheckConstraint(
                name="reviews_template_recurrence_has_start_and_reason",
                condition=Q(recurrence="") | (Q(starts_on__isnull=False) & ~Q(frequency_reason="")),
            ),
            models.CheckConstraint(
                name="reviews_template_launch_needs_staging",
                condition=Q(launches_itself=False) | Q(stages_itself=True),
            ),
        ]
        indexes = [models.Index(name="reviews_template_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("reviews:template_detail", self.pk)

    @property
    def carry_rule(self) -> str:
        """The rule by which items are carried forward, in words; nothing where none are."""
        return rule_in_words(self.carry_forward, self.carry_days)
