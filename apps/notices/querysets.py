from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import F, Q

from apps.core.actors import Actor, Person, Role, reads_everything
from apps.notices.states import DeliveryStatus, Event, PageState

if TYPE_CHECKING:
    from apps.notices.models import (
        Delivery,
        Ladder,
        Notice,
        Page,
        Route,
    )


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, actor: Actor) -> Self:
        """Stewards see every notice; everybody else those sent to them."""
        if reads_everything(actor):
            return self
        return self.filter(recipient=actor.user) if isinstance(actor, Person) else self.none()

    def about(self, record: models.Model) -> Self:
        return self.filter(about_type=record._meta.label_lower, about_id=record.pk)

    def of_page(self, page: "Page") -> Self:
        return self.filter(page=page)

    def by_route(self, route: "Route") -> Self:
        return self.filter(route=route)

    def triggers(self) -> Self:
        return self.filter(event=Event.TRIGGER)

    def for_table(self) -> Self:
        return self.select_related("recipient", "delivery", "route", "page").fetch_mode(
            models.FETCH_RAISE
        )


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting_at(self, moment: datetime) -> Self:
        return self.filter(status=DeliveryStatus.QUEUED, next_attempt_at__lte=moment)

    def of_triggers(self, notice: "Notice") -> Self:
        """How the pages went out that this notice, to the same tool, tells the end of."""
        return self.filter(
            notice__page=notice.page_id, notice__route=notice.route_id, notice__event=Event.TRIGGER
        )

    def taken(self, notice_id: int) -> "Delivery | None":
        """Lock a delivery that still waits; None if it is over or in another worker's hands."""
        waiting = self.filter(notice=notice_id, status=DeliveryStatus.QUEUED)
        return (
            waiting.select_for_update(of=["self"], skip_locked=True)
            .select_related("notice__recipient", "notice__route", "notice__page")
            .first()
        )


class RouteQuerySet(models.QuerySet["Route"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) else self.none()

    def standing(self) -> Self:
        return self.filter(retired_at__isnull=True)

    def for_table(self) -> Self:
        return self.select_related("person").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Route":
        return self.select_for_update(of=["self"]).get(pk=pk)


class LadderQuerySet(models.QuerySet["Ladder"]):
    def for_team(self, team_id: int | None) -> "Ladder | None":
        """The ladder that pages of a team climb: its own, else the house's; one with no step is
        none."""
        climbed = Q(team__isnull=True) if team_id is None else Q(team=team_id) | Q(team=None)
        own_first = F("team").asc(nulls_last=True)
        return self.filter(climbed, steps__isnull=False).order_by(own_first).first()

    def with_steps(self) -> Self:
        return self.prefetch_related("steps__route__person")

    def locked_for(self, team_id: int | None) -> "Ladder":
        """The ladder of exactly this team, or of the house, made if there is none; locked."""
        self.get_or_create(team_id=team_id)
        return self.select_for_update(of=["self"]).select_related("team").get(team_id=team_id)


class PageQuerySet(models.QuerySet["Page"]):
    def visible_to(self, actor: Actor) -> Self:
        """Stewards see every page; others those of their team, told to them, or on whose ladder
        they stand. An auditor finds in the record what became of a page."""
        if reads_everything(actor):
            return self
        if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
            return self.none()
        user = actor.user
        mine = Q(notices__recipient=user) | Q(ladder__steps__route__person=user)
        if user.team_id is not None:
            mine |= Q(team=user.team_id)
        return self.filter(pk__in=self.model.objects.filter(mine).values("pk"))

    def unacknowledged(self) -> Self:
        return self.filter(state=PageState.SENT)

    def due(self, moment: datetime) -> Self:
        return self.filter(escalates_at__lte=moment)

    def for_table(self) -> Self:
        return self.select_related(
            "team", "ladder__team", "acknowledged_by", "resolved_by", "caused_by"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Page":
        return self.select_for_update(of=["self"]).select_related("caused_by").get(pk=pk)
