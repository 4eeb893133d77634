from typing import Self

from django.db import models

from apps.core.actors import Actor, Person, Role, reads_everything


class AuditEntryQuerySet(models.QuerySet):
    def about(self, target: models.Model) -> Self:
        """The entries of one record, newest first. Whoever may see the record may read them."""
        return (
            self.filter(target_type=target._meta.label_lower, target_id=target.pk)
            .select_related("actor")
            .order_by("-pk")
        )

    def visible_to(self, actor: Actor) -> Self:
        """The whole record: stewards; and auditors, within the period of their seat."""
        if reads_everything(actor):
            return self
        if not isinstance(actor, Person) or actor.role != Role.AUDITOR:
            return self.none()
        seat, rows = actor.user.seat, self
        if seat.period_from:
            rows = rows.filter(occurred_at__date__gte=seat.period_from)
        if seat.period_until:
            rows = rows.filter(occurred_at__date__lte=seat.period_until)
        return rows
