from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.approvals.states import BreakGlassState, GroupKey
from apps.core.actors import Actor, Person
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import is_limited_auditor, reads_all_systems, seat_systems
from apps.remediation.models import Order
from apps.remediation.states import GONE

if TYPE_CHECKING:
    from apps.approvals.models import BreakGlass

# Who is named for emergencies, is paged, or reviews, sees every use.
WATCHING = (GroupKey.BREAK_GLASS, GroupKey.ON_CALL, GroupKey.SECURITY)


class BreakGlassQuerySet(models.QuerySet["BreakGlass"]):
    def visible_to(self, actor: Actor) -> Self:
        """Every list and every lookup by id starts here, so a stranger's use is a 404.

        Who took it, whoever answers for the agent or the system, and the groups that watch.
        """
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(system_id__in=seat_systems(actor))
        if not isinstance(actor, Person) or not actor.role:
            return self.none()
        if actor.user.approver_groups.filter(key__in=WATCHING).exists():
            return self
        return self.filter(
            Q(taken_by=actor.user)
            | Q(system__owner=actor.user)
            | Q(agent__in=Agent.objects.visible_to(actor).values("pk"))
        )

    def active(self) -> Self:
        return self.filter(state=BreakGlassState.ACTIVE)

    def in_force_at(self, moment: datetime) -> Self:
        return self.active().filter(ends_at__gt=moment)

    def lingering(self) -> Self:
        """Uses whose access was not yet seen to be gone, in force or over."""
        seen = Order.objects.filter(
            origin_type=self.model._meta.label_lower, origin_id=OuterRef("pk"), state__in=GONE
        )
        return self.filter(~Exists(seen))

    def due(self, moment: datetime) -> Self:
        return self.active().filter(ends_at__lte=moment)

    def to_review(self) -> Self:
        return self.filter(state=BreakGlassState.ENDED)

    def review_overdue(self, moment: datetime) -> Self:
        return self.to_review().filter(review_due_at__lt=moment)

    def for_table(self) -> Self:
        return self.select_related(
            "agent", "identity", "system", "taken_by", "reviewed_by"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "BreakGlass":
        return self.select_for_update(of=["self"]).get(pk=pk)
