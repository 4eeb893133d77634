from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from apps.connectors.states import SyncStatus
from apps.core.actors import Actor, reads_everything
from apps.core.models import Job

if TYPE_CHECKING:
    from apps.connectors.models import Sync


class SyncQuerySet(models.QuerySet["Sync"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) else self.none()

    def waiting_for_a_person(self) -> Self:
        return self.filter(status=SyncStatus.READY)

    def stale_at(self, moment: datetime) -> Self:
        """Read, but not applied in time: what it would change may no longer be true."""
        return self.filter(
            status__in=[SyncStatus.READY, SyncStatus.WAITING, SyncStatus.READING],
            created_at__lt=moment,
        )

    def for_table(self) -> Self:
        return self.select_related("brought_by", "source").fetch_mode(models.FETCH_RAISE)

    def of_job(self, job: Job) -> "Sync":
        return self.get(pk=job.subject_id or 0)

    def locked(self, pk: int) -> "Sync":
        return self.select_for_update(of=["self"]).get(pk=pk)
