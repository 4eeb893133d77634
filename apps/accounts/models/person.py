from typing import Any, ClassVar

from django.conf import settings
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import F, Q, Value
from django.db.models.functions import Concat, Lower
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts.querysets import PersonManager, TeamQuerySet
from apps.core.actors import Role
from apps.core.links import record_href


class Team(models.Model):
    """People who answer for agents together, with one manager who decides write access."""

    name = models.CharField(max_length=100, unique=True)
    manager = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, blank=True, related_name="manages"
    )
    created_at = models.DateTimeField(auto_now_add=True)

    objects = TeamQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        indexes = [models.Index(name="accounts_team_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("accounts:team_detail", self.pk)


class User(AbstractUser):
    """A person. What they may do follows from their role and what they own.

    No role means: signed in, and may see one page that says so.
    """

    email = models.EmailField("email address", unique=True)
    display_name = models.CharField(max_length=100)
    role = models.CharField(max_length=10, choices=Role, blank=True, default="")
    team = models.ForeignKey(Team, models.SET_NULL, null=True, blank=True, related_name="members")
    time_zone = models.CharField(max_length=60, default="UTC")
    deactivated_at = models.DateTimeField(null=True, blank=True, editable=False)
    sessions_ended_at = models.DateTimeField(null=True, blank=True, editable=False)
    search = models.GeneratedField(
        expression=Lower(
            Concat("display_name", Value(" "), "email", output_field=models.TextField())
        ),
        output_field=models.TextField(),
        db_persist=True,
    )

    objects: ClassVar[PersonManager] = PersonManager()

    class Meta(AbstractUser.Meta):
        verbose_name = "person"
        verbose_name_plural = "people"
        ordering = ["display_name", "pk"]
        constraints = [
            models.CheckConstraint(
                name="accounts_user_role_known", condition=Q(role__in=["", *Role.values])
            ),
            models.CheckConstraint(
                name="accounts_user_active_iff_not_deactivated",
                condition=Q(is_active=True, deactivated_at__isnull=True)
                | Q(is_active=False, deactivated_at__isnull=False),
            ),
            models.UniqueConstraint(Lower("email"), name="accounts_user_email_once_in_any_case"),
        ]
        indexes = [
            models.Index(name="accounts_user_name", fields=["display_name", "id"]),
        ]

    def __str__(self) -> str:
        return self.display_name or self.email

    def get_absolute_url(self) -> str:
        return record_href("accounts:person_detail", self.pk)

    @property
    def standing_role(self) -> str:
        """The role in force now: none when deactivated, or when an auditor's seat has ended."""
        if not self.is_active:
            return ""
        if self.role == Role.AUDITOR and not self.has_standing_seat:
            return ""
        return self.role

    @property
    def has_standing_seat(self) -> bool:
        seat: Any = getattr(self, "seat", None)
        return seat is not None and seat.ends_on >= timezone.localdate()

    def _get_session_auth_hash(self, secret: str | None = None) -> str:
        """Ties sessions to the password, as Django does, and to when they were last ended."""
        ended = self.sessions_ended_at
        value = self.password if ended is None else f"{self.password}{ended.isoformat()}"
        return salted_hmac(
            "accounts.user.session", value, secret=secret, algorithm="sha256"
        ).hexdigest()


class Seat(models.Model):
    """An auditor's place: it ends on a date, and may be limited to systems and a period.

    The systems are named in `inventory.SeatSystem`; `limited_to_systems` says that only those
    count, so that removing the last one opens nothing. The period bounds what happened when:
    audit entries, campaigns, and packages; the inventory is shown as it is.
    """

    user = models.OneToOneField(settings.AUTH_USER_MODEL, models.PROTECT, related_name="seat")
    ends_on = models.DateField()
    period_from = models.DateField(null=True, blank=True)
    period_until = models.DateField(null=True, blank=True)
    limited_to_systems = models.BooleanField(default=False)
    sees_payloads = models.BooleanField(default=False)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                name="accounts_seat_period_in_order",
                condition=Q(period_from__isnull=True)
                | Q(period_until__isnull=True)
                | Q(period_from__lte=F("period_until")),
            ),
        ]

    def __str__(self) -> str:
        return f"Auditor's seat of {self.user}"
