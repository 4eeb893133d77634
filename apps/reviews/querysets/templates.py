from typing import TYPE_CHECKING, Self

from django.db import models

from apps.core.actors import Actor, reads_everything

if TYPE_CHECKING:
    from apps.reviews.models import Template


class TemplateQuerySet(models.QuerySet["Template"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) or actor.role else self.none()

    def standing(self) -> Self:
        return self.filter(retired_at__isnull=True)

    def scheduled(self) -> Self:
        """Templates that stage themselves when they come round."""
        return self.filter(stages_itself=True).exclude(recurrence="")

    def for_table(self) -> Self:
        return self.select_related("fallback_reviewer", "run_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Template":
        return self.select_for_update(of=["self"]).get(pk=pk)
