from typing import TYPE_CHECKING, Self

from django.db import models

from apps.core.actors import Actor, reads_everything

if TYPE_CHECKING:
    from apps.approvals.models import Group, Policy


class PolicyQuerySet(models.QuerySet["Policy"]):
    def visible_to(self, actor: Actor) -> Self:
        """How access is approved is no secret to anybody with a role."""
        return self if reads_everything(actor) or actor.role else self.none()

    def standing(self) -> Self:
        return self.filter(retired_at__isnull=True).order_by("position", "pk")

    def with_steps(self) -> Self:
        return self.prefetch_related("steps__requirements__group")

    def locked(self, pk: int) -> "Policy":
        return self.select_for_update(of=["self"]).get(pk=pk)


class GroupQuerySet(models.QuerySet["Group"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) or actor.role else self.none()

    def standing(self) -> Self:
        return self.filter(retired_at__isnull=True)

    def with_member_count(self) -> Self:
        """Adds `member_count`: how many people are in it who are still here."""
        return self.annotate(
            member_count=models.Count("members", filter=models.Q(members__is_active=True))
        )

    def locked(self, pk: int) -> "Group":
        return self.select_for_update(of=["self"]).get(pk=pk)
