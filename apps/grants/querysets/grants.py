from datetime import date, datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q
from django.utils import timezone

from apps.core.actors import Actor
from apps.grants.states import LIVE, WRITING
from apps.inventory.models import Identity
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    rows_of,
    seat_systems,
)

if TYPE_CHECKING:
    from apps.grants.models import Grant, Permission


class GrantQuerySet(models.QuerySet["Grant"]):
    def live(self) -> Self:
        return self.filter(state__in=LIVE)

    def named(self) -> Self:
        """With no more than a link to each says, and its level."""
        return self.only("label", "level")

    def present(self) -> Self:
        """Live and still in its source: what an identity holds now."""
        return self.live().filter(gone_at__isnull=True)

    def ended(self) -> Self:
        return self.exclude(state__in=LIVE)

    def service_linked(self, *, linked: bool) -> Self:
        """Grants by whether a provider owns and uses the identity itself."""
        return self.filter(identity__is_service_linked=linked)

    def writing(self) -> Self:
        return self.filter(level__in=WRITING)

    def due_at(self, moment: datetime) -> Self:
        return self.live().filter(expires_at__lte=moment)

    def unjustified(self, today: date | None = None) -> Self:
        """The fourth question of home: write or admin held without a standing justification."""
        return self.filter(justified_to__lt=today or timezone.localdate())

    def listing(self, permission: "Permission") -> Self:
        """Grants with a statement that allows exactly this action or pattern."""
        statement = rows_of(self.model, "statements")
        lines = statement.filter(
            grant=OuterRef("pk"), effect="allow", actions__contains=[permission.key]
        )
        return self.filter(Exists(lines), system__kind=permission.system_kind)

    def justified(self, *, stands: bool) -> Self:
        """Grants held now, at any level, by whether a reason for them is in force."""
        in_force = Q(justification__isnull=False) & (
            Q(justified_until__isnull=True) | Q(justified_until__gte=timezone.localdate())
        )
        return self.present().filter(in_force if stands else ~in_force)

    def of_agent(self, agent_id: int) -> Self:
        """Everything the agent may do: grants of every identity it acts as now."""
        return self.filter(
            identity__bindings__agent=agent_id, identity__bindings__ended_at__isnull=True
        )

    def making_possible(self, tag: str) -> Self:
        return self.filter(tags__contains=[tag])

    def carrying(self, permission: "Permission") -> Self:
        """Grants whose service and level the permission belongs to, on its kind of system."""
        return self.filter(
            system__kind=permission.system_kind,
            service=permission.service,
            level=permission.level,
        )

    def visible_to(self, actor: Actor) -> Self:
        """Every list and every lookup by id starts here, so a stranger's grant is a 404."""
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(system_id__in=seat_systems(actor))
        return self.filter(identity__in=Identity.objects.visible_to(actor).values("pk"))

    def gone(self) -> Self:
        """Records their source no longer shows."""
        return self.filter(gone_at__isnull=False)

    def for_table(self) -> Self:
        """Load what a row shows; anything forgotten raises instead of querying per row."""
        return self.select_related(
            "identity", "system", "justification__given_by", "justification__task"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Grant":
        """Read one grant for update. Callers decide on what they read here, not before."""
        return self.select_for_update(of=["self"]).get(pk=pk)
