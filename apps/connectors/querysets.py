from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from apps.connectors.states import READS, REMOVES, SyncStatus
from apps.core.actors import Actor, reads_everything
from apps.core.models import Job

if TYPE_CHECKING:
    from apps.connectors.models import Connection, LogSource, Reading, Sync  # noqa: F401  (name rows' types)


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


class ConnectionQuerySet(models.QuerySet["Connection"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_everything(actor) else self.none()

    def named(self, name: str) -> Self:
        return self.filter(name__iexact=name)

    def reading(self) -> Self:
        return self.filter(state__in=READS)

    def removing(self) -> Self:
        return self.filter(state__in=REMOVES)

    def due_at(self, moment: datetime) -> Self:
        """Connections whose next reading has come."""
        return self.reading().filter(next_reading_at__lte=moment)

    def of_account(self, kind: str, account: str) -> Self:
        """Connections that speak for one account of a kind of system."""
        return self.filter(kind=kind, accounts__contains=[account])

    def for_table(self) -> Self:
        return self.select_related("made_by", "removal_asked_by", "removal_allowed_by").fetch_mode(
            models.FETCH_RAISE
        )

    def locked(self, pk: int) -> "Connection":
        return self.select_for_update(of=["self"]).get(pk=pk)


class ReadingQuerySet(models.QuerySet["Reading"]):
    def of_job(self, job: Job) -> Self:
        return self.filter(job_id=job.pk).order_by("pk")

    def for_table(self) -> Self:
        return self.select_related("source").fetch_mode(models.FETCH_RAISE)


class LogSourceQuerySet(models.QuerySet["LogSource"]):
    def standing(self) -> Self:
        return self.filter(stopped_at__isnull=True)

    def due_at(self, moment: datetime) -> Self:
        """Those whose next reading has come, of connections that read."""
        return self.standing().filter(next_reading_at__lte=moment, connection__state__in=READS)

    def of_stream(self, stream_id: int) -> Self:
        return self.filter(stream=stream_id)

    def for_table(self) -> Self:
        return self.select_related("connection", "stream__system", "added_by").fetch_mode(
            models.FETCH_RAISE
        )

    def locked(self, pk: int) -> "LogSource":
        return self.select_for_update(of=["self"]).select_related("connection", "stream").get(pk=pk)
