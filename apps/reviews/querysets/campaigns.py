from datetime import datetime
from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.core.actors import Actor, Person, Role, reads_everything
from apps.reviews.states import AFTER_LAUNCH, UNDER_WAY, CampaignState

if TYPE_CHECKING:
    from apps.reviews.models import Campaign


class CampaignQuerySet(models.QuerySet["Campaign"]):
    def readable_whole_by(self, actor: Actor) -> Self:
        """Campaigns whose every item somebody may read: stewards, and auditors in their period."""
        if reads_everything(actor):
            return self
        if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
            return self.none()
        seat = actor.user.seat
        rows = self.filter(launched_at__isnull=False)
        if seat.period_from:
            rows = rows.filter(Q(closed_at__isnull=True) | Q(closed_at__date__gte=seat.period_from))
        if seat.period_until:
            rows = rows.filter(launched_at__date__lte=seat.period_until)
        return rows

    def visible_to(self, actor: Actor) -> Self:
        """Whole readers; and after launch, whoever has, attests, or answers for an item in it."""
        if reads_everything(actor) or actor.role == Role.AUDITOR:
            return self.readable_whole_by(actor)
        if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
            return self.none()
        items: Any = self.model._meta.get_field("items").related_model
        mine = items._default_manager.concerning(actor).filter(campaign=OuterRef("pk"))
        return self.filter(Exists(mine), state__in=AFTER_LAUNCH)

    def under_way(self) -> Self:
        return self.filter(state__in=UNDER_WAY)

    def running(self) -> Self:
        return self.filter(state=CampaignState.RUNNING)

    def past_deadline(self, moment: datetime) -> Self:
        return self.running().filter(deadline_at__lte=moment)

    def for_table(self) -> Self:
        return self.select_related(
            "template", "run_by", "fallback_reviewer", "acknowledgement__given_by"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Campaign":
        """Read one campaign for update. Callers decide on what they read here, not before."""
        return self.select_for_update(of=["self"]).get(pk=pk)
