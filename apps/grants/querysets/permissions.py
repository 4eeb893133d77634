from typing import TYPE_CHECKING, Self

from django.db import models

from apps.core.actors import Actor, reads_everything

if TYPE_CHECKING:
    from apps.grants.models import Permission


class PermissionQuerySet(models.QuerySet["Permission"]):
    def visible_to(self, actor: Actor) -> Self:
        """The catalogue is no secret to anybody with a role."""
        return self if reads_everything(actor) or actor.role else self.none()

    def making_possible(self, tag: str) -> Self:
        return self.filter(tags__contains=[tag])

    def unclassified(self) -> Self:
        return self.filter(is_classified=False)

    def for_table(self) -> Self:
        return self.select_related("overridden_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Permission":
        return self.select_for_update(of=["self"]).get(pk=pk)
