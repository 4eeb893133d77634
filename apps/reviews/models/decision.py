from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.reviews.models.item import ReviewItem
from apps.reviews.states import Outcome


class Choice(models.Model):
    """What a draft and a decision both say.

    `target` is the concrete aim of a narrowing: {"level": "read"} or {"actions": [...]}.
    `until` is the date up to which access is kept. `hits` says whom it strikes on a shared
    identity: "all", "split", or "exception".
    """

    outcome = models.CharField(max_length=8, choices=Outcome)
    until = models.DateField(null=True, blank=True)
    target = models.JSONField(default=dict, blank=True)
    hits = models.CharField(max_length=10, blank=True)
    reason = models.TextField(blank=True)

    class Meta:
        abstract = True


class Draft(Choice):
    """A reviewer's private, reversible choice. `version` tells two tabs apart.

    One per reviewer, so that after a reassignment neither loses or sees the other's words.
    """

    item = models.ForeignKey(ReviewItem, models.CASCADE, related_name="drafts")
    reviewer = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    version = models.PositiveIntegerField(default=1)
    saved_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="reviews_draft_one_per_reviewer", fields=["reviewer", "item"]
            ),
        ]

    def __str__(self) -> str:
        return f"Draft: {self.outcome} {self.item}"


class Decision(Choice):
    """What a reviewer said about an item at submit. Written once; the database refuses edits."""

    item = models.OneToOneField(ReviewItem, models.PROTECT, related_name="decision")
    decided_by = models.ForeignKey(settings.AUTH_USER_MODEL, models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(db_default=Now(), editable=False)
    design_digest = models.CharField(max_length=64, blank=True)
    access_digest = models.CharField(max_length=64, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="reviews_decision_outcome_known", condition=Q(outcome__in=Outcome.values)
            ),
            models.CheckConstraint(
                name="reviews_decision_narrow_has_target",
                condition=~Q(outcome=Outcome.NARROW) | ~Q(target={}),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.outcome} {self.item}"
