from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now

from apps.approvals.models.request import AccessRequest
from apps.approvals.querysets.proposals import ProposalQuerySet
from apps.approvals.states import ProposalState


class RemovalProposal(models.Model):
    """Access that was approved and is not known to be used: keep it with a reason, or remove it.

    `use_is_known` and `last_used_at` are what was measured when it was proposed; the page shows
    what is measured now.
    """

    request = models.ForeignKey(AccessRequest, models.PROTECT, related_name="proposals")
    days = models.PositiveSmallIntegerField(help_text="Unused for so many days.")
    use_is_known = models.BooleanField()
    last_used_at = models.DateTimeField(null=True)
    state = models.CharField(
        max_length=7, choices=ProposalState, default=ProposalState.OPEN, editable=False
    )
    made_at = models.DateTimeField(db_default=Now())
    moved_at = models.DateTimeField(null=True)
    moved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    reason = models.TextField(blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="approvals_removalproposal_state_known",
                condition=Q(state__in=ProposalState.values),
            ),
            models.CheckConstraint(
                name="approvals_removalproposal_answered_by_somebody",
                condition=Q(state__in=(ProposalState.OPEN, ProposalState.MOOT))
                | (Q(moved_by__isnull=False, moved_at__isnull=False) & ~Q(reason="")),
            ),
            models.UniqueConstraint(
                name="approvals_removalproposal_open_once",
                fields=["request"],
                condition=Q(state=ProposalState.OPEN),
            ),
        ]

    def __str__(self) -> str:
        return f"Proposal to remove {self.request}"

    def get_absolute_url(self) -> str:
        return self.request.get_absolute_url()
