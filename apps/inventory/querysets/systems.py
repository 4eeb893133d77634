from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.core.actors import Actor, Person, Role
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    rows_of,
    seat_systems,
)

if TYPE_CHECKING:
    from apps.accounts.models import User
    from apps.inventory.models import System


class SystemQuerySet(models.QuerySet["System"]):
    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(pk__in=seat_systems(actor))
        if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
            return self.none()
        identities = rows_of(self.model, "identities")
        reached = identities.visible_to(actor).filter(system=OuterRef("pk"))
        return self.filter(Q(owner=actor.user) | Exists(reached))

    def in_seat_of(self, person: "User") -> Self:
        """The systems that an auditor's limited seat names."""
        seat = getattr(person, "seat", None)
        return (
            self.none() if seat is None else self.filter(pk__in=seat.seat_systems.values("system"))
        )

    def present(self) -> Self:
        return self.filter(gone_at__isnull=True)

    def with_log(self, *, connected: bool) -> Self:
        """Systems still there, by whether their log is read."""
        return self.present().filter(log_connected=connected)

    def gone(self) -> Self:
        """Records their source no longer shows."""
        return self.filter(gone_at__isnull=False)

    def of_account(self, kind: str, account: str) -> Self:
        return self.filter(kind=kind, account=account).order_by("pk")

    def for_table(self) -> Self:
        return self.select_related("owner").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "System":
        return self.select_for_update(of=["self"]).get(pk=pk)
