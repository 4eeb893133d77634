from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from apps.core.actors import Actor, Person, Role, reads_everything
from apps.inventory.models import Binding
from apps.inventory.querysets.scope import is_limited_auditor, seat_systems
from apps.reviews.states import AFTER_LAUNCH, ItemState

if TYPE_CHECKING:
    from apps.reviews.models import ReviewItem


class ReviewItemQuerySet(models.QuerySet["ReviewItem"]):
    def concerning(self, actor: Actor) -> Self:
        """Items somebody decides, attests, or answers for as owner or manager of the agent.

        The owners of every agent that acts as the same identity are among them.
        """
        if not isinstance(actor, Person):
            return self.none()
        user = actor.user
        shared = Binding.objects.live().filter(agent__owner=user).values("identity")
        return self.filter(
            Q(reviewer=user)
            | Q(attester=user)
            | Q(agent__owner=user)
            | Q(agent__technical_owner=user)
            | Q(agent__team__manager=user)
            | Q(grant__identity__in=shared)
            | Q(credential__identity__in=shared)
        )

    def visible_to(self, actor: Actor) -> Self:
        if reads_everything(actor):
            return self
        launched = self.filter(campaign__state__in=AFTER_LAUNCH)
        if actor.role == Role.AUDITOR:
            campaigns: Any = self.model._meta.get_field("campaign").related_model
            rows = launched.filter(
                campaign__in=campaigns._default_manager.readable_whole_by(actor).values("pk")
            )
            if is_limited_auditor(actor):
                return rows.filter(system_id__in=seat_systems(actor))
            return rows
        if actor.role == Role.REVIEWER:
            return launched.concerning(actor)
        return self.none()

    def assigned_to(self, actor: Person) -> Self:
        return self.filter(reviewer=actor.user)

    def waiting(self) -> Self:
        return self.filter(state=ItemState.OPEN)

    def counted(self) -> Self:
        """The population: a superseded item's place is taken by its successor."""
        return self.exclude(state=ItemState.SUPERSEDED)

    def asked(self) -> Self:
        """Items that somebody has, or had, to decide: none left out or carried forward."""
        return self.exclude(state__in=(ItemState.EXCLUDED, ItemState.CARRIED))

    def with_subject(self) -> Self:
        """Load what the rules about an item read: its subject, its agent, its campaign."""
        return self.select_related(
            "campaign",
            "agent__team",
            "agent__owner",
            "system",
            "reviewer",
            "attester",
            "grant__identity",
            "credential__identity",
            "binding__identity",
        )

    def for_table(self) -> Self:
        return self.select_related(
            "campaign", "agent", "system", "reviewer", "decision__decided_by", "order"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "ReviewItem":
        return self.select_for_update(of=["self"]).get(pk=pk)
