from collections.abc import Iterable
from datetime import UTC, date, datetime, time, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import OuterRef, Q, Subquery

from apps.activity.states import ErasureState
from apps.core.actors import Actor
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import reads_all_systems

if TYPE_CHECKING:
    from apps.activity.models import Archive, Erasure

OPEN = (ErasureState.ASKED, ErasureState.APPROVED)


class ArchiveQuerySet(models.QuerySet["Archive"]):
    def dropped(self) -> Self:
        """Those whose records lie in the files alone."""
        return self.filter(dropped_at__isnull=False)

    def standing(self) -> Self:
        """Those whose records are in the database as well."""
        return self.filter(dropped_at__isnull=True)

    def covering(self, start: datetime, until: datetime) -> Self:
        """Those of the months that a time touches, of records that are no longer here."""
        first, last = start.date().replace(day=1), until.date().replace(day=1)
        return self.dropped().filter(month__gte=first, month__lte=last).order_by("month")

    def kept_since(self) -> datetime | None:
        """From when on everything is in the database; None if nothing left it."""
        last = self.dropped().order_by("-month").values_list("month", flat=True).first()
        if last is None:
            return None
        return datetime.combine(last + timedelta(days=32), time(), UTC).replace(day=1)

    def of_month(self, month: date) -> Self:
        return self.filter(month=month.replace(day=1))

    def locked(self, pk: int) -> "Archive":
        return self.select_for_update().get(pk=pk)


class ErasureQuerySet(models.QuerySet["Erasure"]):
    def visible_to(self, actor: Actor) -> Self:
        """Those of agents that the actor may see; of agents nobody knows, who reads everything."""
        if reads_all_systems(actor):
            return self
        return self.filter(agent_id__in=Agent.objects.visible_to(actor).values("pk"))

    def for_table(self) -> Self:
        named = Agent.objects.filter(pk=OuterRef("agent_id")).values("name")
        rows = self.select_related("asked_by", "decided_by")
        return rows.annotate(agent_name=Subquery(named)).fetch_mode(models.FETCH_RAISE)

    def of_record(self, log_id: int, leaf: int) -> Self:
        """What was asked of one record and not refused: at most one."""
        return self.filter(
            Q(state__in=OPEN) | Q(state=ErasureState.ERASED), log_id=log_id, leaf_index=leaf
        )

    def approved_of(self, log_id: int, leaves: Iterable[int]) -> Self:
        """What was rightly erased, or is being, of these records."""
        decided = (ErasureState.APPROVED, ErasureState.ERASED)
        return self.filter(state__in=decided, log_id=log_id, leaf_index__in=list(leaves))

    def waiting(self) -> Self:
        return self.filter(state=ErasureState.ASKED)

    def in_archive(self) -> Self:
        """Approved, and still to be taken out of a file."""
        return self.filter(state=ErasureState.APPROVED, is_in_archive=True).order_by("pk")

    def locked(self, pk: int) -> "Erasure":
        return self.select_for_update(of=["self"]).get(pk=pk)
