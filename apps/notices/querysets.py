from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models

from apps.core.actors import Actor, Person, reads_everything
from apps.notices.states import DeliveryStatus

if TYPE_CHECKING:
    from apps.notices.models import Delivery, Notice  # noqa: F401  (names a row's type)


class NoticeQuerySet(models.QuerySet["Notice"]):
    def visible_to(self, actor: Actor) -> Self:
        """Stewards see every notice; everybody else those sent to them."""
        if reads_everything(actor):
            return self
        return self.filter(recipient=actor.user) if isinstance(actor, Person) else self.none()

    def about(self, record: models.Model) -> Self:
        return self.filter(about_type=record._meta.label_lower, about_id=record.pk)

    def for_table(self) -> Self:
        return self.select_related("recipient", "delivery").fetch_mode(models.FETCH_RAISE)


class DeliveryQuerySet(models.QuerySet["Delivery"]):
    def waiting_at(self, moment: datetime) -> Self:
        return self.filter(status=DeliveryStatus.QUEUED, next_attempt_at__lte=moment)

    def taken(self, notice_id: int) -> "Delivery | None":
        """Lock a delivery that still waits; None if it is over or in another worker's hands."""
        waiting = self.filter(notice=notice_id, status=DeliveryStatus.QUEUED)
        return (
            waiting.select_for_update(of=["self"], skip_locked=True)
            .select_related("notice__recipient")
            .first()
        )
