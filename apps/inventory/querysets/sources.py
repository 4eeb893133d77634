from typing import Self

from django.db import models

from apps.core.actors import Actor, Role, reads_everything


class SourceQuerySet(models.QuerySet["Source"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) or actor.role == Role.AUDITOR else self.none()

    def current(self) -> Self:
        """The newest reading of each stream."""
        return self.filter(superseded_at__isnull=True)

    def for_table(self) -> Self:
        return self.select_related("brought_by").fetch_mode(models.FETCH_RAISE)
