from typing import Any

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.crypto import get_random_string

from apps.accounts.models.person import Team
from apps.accounts.querysets import InvitationQuerySet
from apps.accounts.states import InvitationState
from apps.core.actors import Role


def new_seed() -> str:
    return get_random_string(32)


class Invitation(models.Model):
    """One address may sign up once, by a link mailed to it; only the link's digest is kept.

    The link is made from `seed` and the secret key (`apps.accounts.links`), so that a mail can
    carry it without any table holding it.
    """

    email = models.EmailField(max_length=150)
    display_name = models.CharField(max_length=100)
    role = models.CharField(max_length=10, choices=Role)
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="+")
    seat_ends_on = models.DateField(null=True, blank=True)
    seed = models.CharField(max_length=32, default=new_seed, editable=False)
    token_digest = models.CharField(max_length=64, unique=True)
    state = models.CharField(
        max_length=10, choices=InvitationState, default=InvitationState.OPEN, editable=False
    )
    invited_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="+"
    )
    accepted_by = models.OneToOneField(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="invitation"
    )
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()

    objects = InvitationQuerySet.as_manager()

    class Meta:
        ordering = ["-pk"]
        constraints = [
            models.CheckConstraint(
                name="accounts_invitation_state_known",
                condition=Q(state__in=InvitationState.values),
            ),
            models.CheckConstraint(
                name="accounts_invitation_auditor_has_end",
                condition=~Q(role=Role.AUDITOR) | Q(seat_ends_on__isnull=False),
            ),
            models.UniqueConstraint(
                name="accounts_invitation_one_open",
                fields=["email"],
                condition=Q(state=InvitationState.OPEN),
                violation_error_message="This address has an open invitation already.",
            ),
        ]

    def __str__(self) -> str:
        return f"Invitation of {self.email}"

    @property
    def has_expired(self) -> bool:
        now: Any = timezone.now()
        return bool(self.expires_at <= now)
