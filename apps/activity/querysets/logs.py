from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone

from apps.activity.states import ImportStatus
from apps.core.actors import Actor
from apps.core.models import Job
from apps.inventory.models import System
from apps.inventory.querysets.scope import reads_all_systems

if TYPE_CHECKING:
    from apps.activity.models import LogImport, Stream

# A command that has said nothing for so long was stopped.
SILENT_AFTER = timedelta(minutes=5)


class StreamQuerySet(models.QuerySet["Stream"]):
    def visible_to(self, actor: Actor) -> Self:
        """Logs of the systems that the actor may see."""
        if reads_all_systems(actor):
            return self
        return self.filter(system__in=System.objects.visible_to(actor).values("pk"))

    def going_on(self) -> Self:
        """Those of which nobody said that they ended."""
        return self.filter(ended_at__isnull=True)

    def for_table(self) -> Self:
        return self.select_related("system", "made_by", "ended_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Stream":
        return self.select_for_update(of=["self"]).get(pk=pk)


class LogImportQuerySet(models.QuerySet["LogImport"]):
    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        return self.filter(stream__system__in=System.objects.visible_to(actor).values("pk"))

    def for_table(self) -> Self:
        return self.select_related("stream__system", "brought_by").fetch_mode(models.FETCH_RAISE)

    def of_job(self, job: Job) -> "LogImport":
        return self.select_related("stream__system").get(pk=job.subject_id or 0)

    def running(self) -> Self:
        return self.filter(status=ImportStatus.RUNNING)

    def silent_at(self, moment: datetime | None = None) -> Self:
        """Still called running, though nothing has been heard of them."""
        return self.running().filter(advanced_at__lt=(moment or timezone.now()) - SILENT_AFTER)
