from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.core.links import record_href
from apps.inventory.models import Source
from apps.reviews.carrying import DEFAULT_DAYS, rule_in_words
from apps.reviews.models.template import Template
from apps.reviews.querysets.campaigns import CampaignQuerySet
from apps.reviews.scope import CREDENTIAL, GRANT
from apps.reviews.states import CampaignState, HoldState


class Campaign(models.Model):
    """One run of a review over a frozen population.

    Scope, instructions, policy (`apps.core.preferences` as they stood), the rule by which items
    are carried forward, fallback, and deadline are copies, so that a later change of the template
    changes nothing here. `excluded` is made at staging: what is not in it and why.
    """

    template = models.ForeignKey(
        Template, models.PROTECT, null=True, blank=True, related_name="campaigns"
    )
    occurrence_at = models.DateTimeField(null=True, blank=True)
    name = models.CharField(max_length=160, unique=True)
    scope = models.JSONField(default=dict)
    policy = models.JSONField(default=dict)
    instructions = models.TextField(blank=True)
    no_answer = models.CharField(max_length=10, default="standard")
    carry_forward = models.CharField(max_length=40, blank=True, default="")
    carry_days = models.PositiveSmallIntegerField(default=DEFAULT_DAYS)
    run_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    fallback_reviewer = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="+"
    )
    time_zone = models.CharField(max_length=60, default="UTC")
    deadline_at = models.DateTimeField()
    state = models.CharField(
        max_length=14, choices=CampaignState, default=CampaignState.DRAFT, editable=False
    )
    population_count = models.PositiveIntegerField(default=0)
    population_sha256 = models.CharField(max_length=64, blank=True)
    fallback_count = models.PositiveIntegerField(default=0)
    excluded = models.JSONField(default=list)
    staging_message = models.TextField(blank=True)
    stale_reason = models.TextField(blank=True)
    fallback_reason = models.TextField(blank=True)
    early_close_reason = models.TextField(blank=True)
    cancel_reason = models.TextField(blank=True)
    unread_reason = models.TextField(
        blank=True, help_text="Why it was closed although a source was not read again."
    )
    reconciliation = models.JSONField(default=dict)
    created_at = models.DateTimeField(db_default=Now())
    staged_at = models.DateTimeField(null=True, blank=True)
    launched_at = models.DateTimeField(null=True, blank=True)
    decided_at = models.DateTimeField(null=True, blank=True)
    closed_at = models.DateTimeField(null=True, blank=True)

    objects = CampaignQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="reviews_campaign_state_known",
                condition=Q(state__in=CampaignState.values),
            ),
            models.UniqueConstraint(
                name="reviews_campaign_once_per_occurrence",
                fields=["template", "occurrence_at"],
                condition=Q(occurrence_at__isnull=False),
            ),
        ]
        indexes = [
            models.Index(name="reviews_campaign_state", fields=["state", "id"]),
            models.Index(name="reviews_campaign_deadline", fields=["deadline_at", "id"]),
            models.Index(name="reviews_campaign_name", fields=["name", "id"]),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("reviews:campaign_detail", self.pk)

    @property
    def carry_rule(self) -> str:
        """The rule by which items are carried forward, in words; nothing where none are."""
        return rule_in_words(self.carry_forward, self.carry_days)


class PopulationPart(models.Model):
    """Part of a population, chosen but not frozen yet: primary keys of subjects of one kind.

    Staging chooses the whole population at one moment, in parts; each step freezes one part and
    removes it. A population that is staged has none left.
    """

    campaign = models.ForeignKey(Campaign, models.CASCADE, related_name="population_parts")
    kind = models.CharField(max_length=10)
    subject_ids = ArrayField(models.BigIntegerField())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="reviews_populationpart_kind_known",
                condition=Q(kind__in=[GRANT, CREDENTIAL]),
            ),
        ]

    def __str__(self) -> str:
        return f"{len(self.subject_ids)} {self.kind}s of {self.campaign}"


class CampaignSource(models.Model):
    """A source as a campaign read it, at staging or at closing."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="campaign_sources")
    source = models.ForeignKey(Source, models.PROTECT, related_name="+")
    moment = models.CharField(
        max_length=7, choices=[("staging", "At staging"), ("closing", "At closing")]
    )
    age_hours = models.PositiveIntegerField()
    is_stale = models.BooleanField()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="reviews_campaignsource_once", fields=["campaign", "source", "moment"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.source} {self.moment} of {self.campaign}"


class Hold(models.Model):
    """A batch of consequences too large for one person: it waits for a second."""

    campaign = models.ForeignKey(Campaign, models.PROTECT, related_name="holds")
    kind = models.CharField(max_length=20)
    count = models.PositiveIntegerField()
    share_percent = models.PositiveSmallIntegerField()
    state = models.CharField(
        max_length=8, choices=HoldState, default=HoldState.HELD, editable=False
    )
    placed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    placed_at = models.DateTimeField(db_default=Now())
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    decided_at = models.DateTimeField(null=True)
    reason = models.TextField(blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reviews_hold_state_known", condition=Q(state__in=HoldState.values)
            ),
            models.UniqueConstraint(
                name="reviews_hold_one_open",
                fields=["campaign", "kind"],
                condition=Q(state=HoldState.HELD),
            ),
        ]

    def __str__(self) -> str:
        return f"Hold of {self.count} in {self.campaign}"


class Acknowledgement(models.Model):
    """A manager's word, after closing, that access remains appropriate. Append-only."""

    campaign = models.OneToOneField(Campaign, models.PROTECT, related_name="acknowledgement")
    words = models.TextField()
    comment = models.TextField(blank=True)
    given_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    given_at = models.DateTimeField(db_default=Now())

    def __str__(self) -> str:
        return f"Acknowledgement of {self.campaign}"
