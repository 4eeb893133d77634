from typing import TYPE_CHECKING, Any, Self

from django.db import models
from django.db.models import Q

from apps.core.actors import Actor
from apps.findings.states import HOLDING, STANDING
from apps.inventory.models import Agent, System
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    seat_systems,
)

if TYPE_CHECKING:
    from apps.findings.models import Finding


class FindingQuerySet(models.QuerySet["Finding"]):
    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(system_id__in=seat_systems(actor))
        return self.filter(
            Q(agent__in=Agent.objects.visible_to(actor).values("pk"))
            | Q(agent__isnull=True, system__in=System.objects.filter(owner=_user(actor)))
        )

    def holding(self) -> Self:
        return self.filter(state__in=HOLDING)

    def standing(self) -> Self:
        """Findings that ask somebody to do something."""
        return self.filter(state__in=STANDING)

    def about(self, subject: models.Model) -> Self:
        return self.filter(subject_type=subject._meta.label_lower, subject_id=subject.pk)

    def for_table(self) -> Self:
        return self.select_related("agent", "system", "accepted_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Finding":
        return self.select_for_update(of=["self"]).get(pk=pk)


def _user(actor: Actor) -> Any:
    return getattr(actor, "user", None)
