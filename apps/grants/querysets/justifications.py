from typing import Self

from django.db import models

from apps.core.actors import Actor
from apps.inventory.querysets.scope import reads_all_systems, rows_of


class JustificationQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        grants = rows_of(self.model, "grant")
        return self.filter(grant__in=grants.visible_to(actor).values("pk"))

    def for_table(self) -> Self:
        return self.select_related("grant", "task", "given_by").fetch_mode(models.FETCH_RAISE)
