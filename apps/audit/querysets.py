from typing import Self

from django.db import models

from apps.core.actors import Actor, Person, Role, reads_everything


class AuditEntryQuerySet(models.QuerySet):
    def about(self, target: models.Model, actor: Actor) -> Self:
        """The entries of one record, newest first. Whoever may see the record may read them,
        an auditor those of their period."""
        return (
            self.in_period_of(actor)
            .filter(target_type=target._meta.label_lower, target_id=target.pk)
            .select_related("actor")
            .order_by("-pk")
        )

    def visible_to(self, actor: Actor) -> Self:
        """The whole record: stewards; and auditors, within the period of their seat."""
        if reads_everything(actor):
            return self
        if actor.role != Role.AUDITOR:
            return self.none()
        return self.in_period_of(actor)

    def unsealed_after(self, pk: int) -> Self:
        """Those that no seal is for, from the one behind `pk` on, in the order of their ids."""
        return self.filter(seal__isnull=True, pk__gt=pk).order_by("pk")

    def in_period_of(self, actor: Actor) -> Self:
        """All of them, but for an auditor whose seat names a period: those are of that time."""
        if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
            return self
        seat, rows = actor.user.seat, self
        if seat.period_from:
            rows = rows.filter(occurred_at__date__gte=seat.period_from)
        if seat.period_until:
            rows = rows.filter(occurred_at__date__lte=seat.period_until)
        return rows


class SealQuerySet(models.QuerySet):
    def between(self, start: int, end: int) -> Self:
        """The seals of the leaves [start, end), with their entries, in the log's order."""
        rows = self.filter(leaf_index__gte=start, leaf_index__lt=end)
        return rows.select_related("entry").order_by("leaf_index")
