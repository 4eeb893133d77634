from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models.functions import Coalesce

from apps.core.actors import Actor, Role, reads_everything
from apps.core.preferences import preference


class SourceQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) or actor.role == Role.AUDITOR else self.none()

    def current(self) -> Self:
        """The newest reading of each stream."""
        return self.filter(superseded_at__isnull=True)

    def stale_at(self, moment: datetime) -> Self:
        """Current readings older than their kind may be; a file is given longer than a connection.

        No connection exists yet, so every reading is a file's.
        """
        longest = timedelta(hours=preference("stale_file_after_hours"))
        spoken_of = Coalesce("provider_time", "read_at")
        return self.current().alias(spoken_of=spoken_of).filter(spoken_of__lt=moment - longest)

    def for_table(self) -> Self:
        return self.select_related("brought_by").fetch_mode(models.FETCH_RAISE)
