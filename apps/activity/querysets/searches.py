from typing import Self

from django.db import models

from apps.core.actors import Actor, Person


class SavedSearchQuerySet(models.QuerySet):
    def of(self, actor: Actor) -> Self:
        """Somebody's own; nobody sees another's."""
        return self.filter(person=actor.user) if isinstance(actor, Person) else self.none()
