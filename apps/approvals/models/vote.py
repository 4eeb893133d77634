from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.approvals.models.request import AccessRequest
from apps.approvals.states import Choice


class Vote(models.Model):
    """One person's word on a request, once in a round. Append-only.

    `digest` is what was on the table when they voted, `terms` what they left there.
    """

    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="votes")
    round = models.PositiveSmallIntegerField()
    step_at = models.PositiveSmallIntegerField()
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, related_name="access_votes"
    )
    choice = models.CharField(max_length=7, choices=Choice)
    reason = models.TextField()
    digest = models.CharField(max_length=64)
    terms = models.JSONField(default=dict)
    voted_at = models.DateTimeField(db_default=Now())

    class Meta:
        ordering = ["pk"]
        constraints = [
            models.CheckConstraint(
                name="approvals_vote_choice_known", condition=Q(choice__in=Choice.values)
            ),
            models.CheckConstraint(name="approvals_vote_has_reason", condition=~Q(reason="")),
            models.UniqueConstraint(
                name="approvals_vote_once_in_a_round", fields=["request", "round", "person"]
            ),
        ]
        indexes = [models.Index(name="approvals_vote_person", fields=["person", "-id"])]

    def __str__(self) -> str:
        return f"{self.person} on {self.request}: {self.choice}"
