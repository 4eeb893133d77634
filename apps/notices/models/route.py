from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.urls import reverse

from apps.core.links import record_href
from apps.notices.querysets import LadderQuerySet, RouteQuerySet
from apps.notices.states import By

# What each kind of route needs, and nothing else: (person, address, secret).
_NEEDS = {
    By.MAIL: (True, False, False),
    By.CHAT: (False, False, True),
    By.PAGERDUTY: (False, False, True),
    By.WEBHOOK: (False, True, True),
}


def _has_what_it_needs() -> Q:
    wanted = Q()
    for by, (person, url, secret) in _NEEDS.items():
        one = Q(by=by, person__isnull=not person)
        one &= ~Q(url="") if url else Q(url="")
        one &= ~Q(secret="") if secret else Q(secret="")
        wanted |= one
    return wanted


class Route(models.Model):
    """A named place that a page can go to.

    Where it leads never changes, so that what the record says of it stays true: another place is
    another route. `secret` is a reference (`apps.core.references`), never the secret.
    """

    name = models.CharField(max_length=100, unique=True)
    by = models.CharField(max_length=9, choices=By)
    person = models.ForeignKey(
        settings.AUTH_USER_MODEL, models.PROTECT, null=True, related_name="routes"
    )
    url = models.CharField(max_length=500, blank=True)
    secret = models.CharField(max_length=200, blank=True)
    created_at = models.DateTimeField(db_default=Now())
    retired_at = models.DateTimeField(null=True, editable=False)

    objects = RouteQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.CheckConstraint(
                name="notices_route_has_what_it_needs", condition=_has_what_it_needs()
            ),
        ]
        indexes = [models.Index(name="notices_route_name", fields=["name", "id"])]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return record_href("notices:route_detail", self.pk)

    @property
    def leads_to(self) -> str:
        """Where it leads, as far as that is no secret."""
        return self.url or (str(self.person) if self.person is not None else self.secret)


class Ladder(models.Model):
    """Whom the pages of a team go to, step by step; that without a team is the house's.

    The first step is who is on call.
    """

    team = models.OneToOneField(
        "accounts.Team", models.PROTECT, null=True, related_name="page_ladder"
    )
    created_at = models.DateTimeField(db_default=Now())

    objects = LadderQuerySet.as_manager()

    class Meta:
        constraints = [
            models.UniqueConstraint(
                name="notices_ladder_once", fields=["team"], nulls_distinct=False
            ),
        ]

    def __str__(self) -> str:
        return f"On call of {self.team or 'the house'}"

    def get_absolute_url(self) -> str:
        return reverse("accounts:ladder_list")


class LadderStep(models.Model):
    """One route, and for how long it may answer; without minutes, as long as the policy says."""

    ladder = models.ForeignKey(Ladder, models.CASCADE, related_name="steps")
    position = models.PositiveSmallIntegerField()
    route = models.ForeignKey(Route, models.PROTECT, related_name="steps")
    minutes = models.PositiveSmallIntegerField(null=True)

    class Meta:
        ordering = ["position"]
        constraints = [
            models.UniqueConstraint(
                name="notices_ladderstep_position_once", fields=["ladder", "position"]
            ),
            models.UniqueConstraint(
                name="notices_ladderstep_route_once", fields=["ladder", "route"]
            ),
        ]

    def __str__(self) -> str:
        return f"{self.position}. {self.route}"
