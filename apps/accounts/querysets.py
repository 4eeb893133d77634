from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.contrib.auth.models import UserManager
from django.db import models

from apps.accounts.states import InvitationState
from apps.audit.models import AuditEntry
from apps.core.actors import Actor, Machine, Role, reads_everything

if TYPE_CHECKING:
    from apps.accounts.models import Invitation, Team, User


class PersonQuerySet(models.QuerySet["User"]):
    def visible_to(self, actor: Actor) -> Self:
        """Names of colleagues are no secret to anybody with a role; a machine sees none."""
        if reads_everything(actor) or actor.role:
            return self
        if isinstance(actor, Machine):
            return self.none()
        return self.filter(pk=getattr(getattr(actor, "user", None), "pk", None))

    def active(self) -> Self:
        return self.filter(is_active=True)

    def in_team(self, team: "Team") -> Self:
        return self.filter(team=team)

    def other_than(self, person: "User") -> Self:
        return self.exclude(pk=person.pk)

    def with_role(self, role: Role) -> Self:
        return self.active().filter(role=role)

    def who_may_decide(self) -> Self:
        """People who may be given a review item: reviewers and stewards."""
        return self.active().filter(role__in=[Role.REVIEWER, Role.STEWARD])

    def with_address(self, email: str) -> "User | None":
        return self.filter(email__iexact=email.strip()).first()

    def who_acted(self) -> Self:
        """People who stand in the record: one look into its index for each of them."""
        return self.filter(models.Exists(AuditEntry.objects.filter(actor=models.OuterRef("pk"))))

    def for_table(self) -> Self:
        return self.select_related("team", "seat").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "User":
        return self.select_for_update(of=["self"]).get(pk=pk)

    def locked_stewards(self) -> list["User"]:
        """Every standing steward, locked, so that two cannot leave at the same moment."""
        return list(self.with_role(Role.STEWARD).select_for_update(of=["self"]).order_by("pk"))


class PersonManager(UserManager.from_queryset(PersonQuerySet)):  # type: ignore[misc]
    """Django's manager for creating people, with the words above for reading them."""


class TeamQuerySet(models.QuerySet["Team"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) or actor.role else self.none()

    def with_member_count(self) -> Self:
        """Adds `member_count`: how many active people are in the team."""
        return self.annotate(
            member_count=models.Count("members", filter=models.Q(members__is_active=True))
        )

    def with_ladder(self) -> Self:
        """Whom the team's pages call, step by step."""
        return self.prefetch_related("page_ladder__steps__route__person")

    def for_table(self) -> Self:
        return self.with_member_count().select_related("manager").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Team":
        return self.select_for_update(of=["self"]).get(pk=pk)


class InvitationQuerySet(models.QuerySet["Invitation"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) else self.none()

    def open(self) -> Self:
        return self.filter(state=InvitationState.OPEN)

    def acceptable_at(self, moment: datetime) -> Self:
        return self.open().filter(expires_at__gt=moment)

    def for_table(self) -> Self:
        return self.select_related("team", "invited_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Invitation":
        return self.select_for_update(of=["self"]).get(pk=pk)
