from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.utils import timezone

from apps.core.actors import Actor, Person, reads_everything
from apps.inventory.models import Credential
from apps.inventory.querysets.scope import reads_all_systems
from apps.inventory.states import CREDENTIAL_OVER
from apps.remediation.states import GONE, OrderState
from apps.rotation.states import (
    MIGRATION_OVER,
    ROTATION_OVER,
    ROTATION_RUNS,
    ROTATION_WAITS,
    RotationState,
)

if TYPE_CHECKING:
    from apps.rotation.models import Migration, Rotation


class RotationQuerySet(models.QuerySet["Rotation"]):
    def visible_to(self, actor: Actor) -> Self:
        """A rotation is visible with its credential."""
        if reads_all_systems(actor):
            return self
        return self.filter(credential__in=Credential.objects.visible_to(actor).values("pk"))

    def open(self) -> Self:
        return self.exclude(state__in=ROTATION_OVER)

    def waiting(self) -> Self:
        """Rotations that go no further without a person."""
        return self.filter(state__in=ROTATION_WAITS)

    def waiting_for(self, actor: Actor) -> Self:
        """Those that are this person's own; of nobody, any steward's."""
        if not isinstance(actor, Person):
            return self.none()
        mine = models.Q(owner=actor.user)
        if reads_everything(actor):
            mine |= models.Q(owner__isnull=True)
        return self.waiting().filter(mine)

    def of_credential(self, credential_id: int) -> Self:
        return self.filter(
            models.Q(credential=credential_id) | models.Q(new_credential=credential_id)
        )

    def awake_at(self, moment: datetime) -> Self:
        return self.filter(wake_at__lte=moment, state__in=ROTATION_RUNS).order_by("wake_at", "pk")

    def retired(self) -> Self:
        """Those whose old one was removed since, or whose removal was taken back."""
        return self.filter(
            state=RotationState.RETIRING,
            retirement__state__in=[*GONE, OrderState.ROLLED_BACK],
        )

    def seen_done(self) -> Self:
        """Those that wait for a person, and of which a source shows that it was done."""
        old_is_over = models.Q(credential__state__in=CREDENTIAL_OVER) | models.Q(
            credential__in=Credential.objects.seen_gone()
        )
        rotated = models.Q(
            credential__rotated_at__gt=models.F("planned_at"), state=RotationState.BY_HAND
        )
        settled = models.Q(order__state__in=GONE, state=RotationState.BY_HAND)
        return self.waiting().filter(old_is_over | rotated | settled)

    def taken(self, pk: int) -> "Rotation | None":
        """Lock a rotation for one act; None where another worker has it."""
        locked = self.filter(pk=pk).select_for_update(of=["self"], skip_locked=True)
        return locked.select_related(
            "connection", "place_connection", "credential__identity__system"
        ).first()

    def locked(self, pk: int) -> "Rotation":
        rows = self.select_for_update(of=["self"])
        return rows.select_related("credential__identity__system").get(pk=pk)

    def for_table(self) -> Self:
        return self.select_related(
            "credential__identity__system",
            "new_credential",
            "owner",
            "planned_by",
            "connection",
            "place_connection",
            "order",
            "retirement",
        ).fetch_mode(models.FETCH_RAISE)


class MigrationQuerySet(models.QuerySet["Migration"]):
    def visible_to(self, actor: Actor) -> Self:
        """A way out is visible with its credential."""
        if reads_all_systems(actor):
            return self
        return self.filter(credential__in=Credential.objects.visible_to(actor).values("pk"))

    def open(self) -> Self:
        return self.exclude(state__in=MIGRATION_OVER)

    def late(self) -> Self:
        """Those that should be done by now."""
        return self.open().filter(target_on__lt=timezone.localdate())

    def arrived(self) -> Self:
        """Open ones whose credential is dead or gone since: the way out is gone."""
        dead = models.Q(credential__state__in=CREDENTIAL_OVER)
        return self.open().filter(dead | models.Q(credential__in=Credential.objects.seen_gone()))

    def for_table(self) -> Self:
        return self.select_related(
            "credential__identity__system", "owner", "proposed_by"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Migration":
        rows = self.select_for_update(of=["self"])
        return rows.select_related("credential__identity__system").get(pk=pk)
