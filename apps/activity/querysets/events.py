from datetime import datetime
from typing import Self
from uuid import UUID

from django.db import models

from apps.activity.states import Kind


class EventQuerySet(models.QuerySet):
    def in_window(self, start: datetime, until: datetime) -> Self:
        """Recorded in [start, until]: what keeps a read to a few partitions."""
        return self.filter(recorded_at__gte=start, recorded_at__lte=until)

    def told_in(self, trace_id: UUID) -> Self:
        """What the agent said of one run; not what systems recorded."""
        return self.filter(trace_id=trace_id).exclude(kind=Kind.API)

    def at(self, leaves: list[int]) -> Self:
        return self.filter(leaf_index__in=leaves)
