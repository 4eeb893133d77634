from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.core.actors import Actor, Person
from apps.grants.models import Grant
from apps.inventory.models import Binding, Credential
from apps.inventory.querysets.scope import reads_all_systems
from apps.remediation.states import (
    GONE,
    SETTLED,
    WITHDRAWABLE,
    BatchState,
    OrderKind,
    OrderState,
)

if TYPE_CHECKING:
    from apps.inventory.models import Source
    from apps.remediation.models import Batch, Order


class OrderQuerySet(models.QuerySet["Order"]):
    def visible_to(self, actor: Actor) -> Self:
        """An order is visible with its subject."""
        if reads_all_systems(actor):
            return self
        return self.filter(
            Q(grant__in=Grant.objects.visible_to(actor).values("pk"))
            | Q(credential__in=Credential.objects.visible_to(actor).values("pk"))
            | Q(binding__in=Binding.objects.visible_to(actor).values("pk"))
        )

    def unsettled(self) -> Self:
        return self.exclude(state__in=SETTLED)

    def in_force(self) -> Self:
        """Orders that were not taken back."""
        return self.exclude(state=OrderState.ROLLED_BACK)

    def from_origin(self, record: models.Model) -> Self:
        """What a record of an app above ordered."""
        return self.filter(origin_type=record._meta.label_lower, origin_id=record.pk)

    def removing(self) -> Self:
        """Removals of a whole subject that are not over yet; an exception only puts one off."""
        return self.in_force().filter(kind=OrderKind.REVOKE).exclude(state__in=GONE)

    def open_about(self, grant_ids: Collection[int]) -> Self:
        """Orders about grants of which something is still to come."""
        return self.in_force().filter(grant__in=grant_ids).exclude(state__in=GONE)

    def withdrawable(self) -> Self:
        return self.filter(state__in=WITHDRAWABLE)

    def waiting_for(self, what: str) -> Self:
        """Orders that need a person to carry them out ("carry-out"), or another to "confirm"."""
        return self.filter(
            state=OrderState.MANUAL_NEEDED, executed_at__isnull=(what == "carry-out")
        )

    def confirmable_by(self, actor: Actor) -> Self:
        """Removals that somebody else carried out, and that wait for another look."""
        waiting = self.waiting_for("confirm")
        return waiting.exclude(executed_by=actor.user) if isinstance(actor, Person) else waiting

    def of_campaign(self, campaign_id: int) -> Self:
        return self.filter(campaign_id=campaign_id)

    def waiting_in(self, source: "Source") -> Self:
        """Orders waiting for a person whose subject comes from the source's stream."""
        return self.filter(
            Q(grant__stream=source.stream) | Q(credential__stream=source.stream),
            state=OrderState.MANUAL_NEEDED,
        ) | self.filter(binding__isnull=False, state=OrderState.MANUAL_NEEDED)

    def returned_in(self, source: "Source") -> Self:
        """Verified removals of grants that the source shows again as a new, live grant."""
        again = Grant.objects.present().filter(
            source=source,
            identity=OuterRef("grant__identity"),
            system=OuterRef("grant__system"),
            service=OuterRef("grant__service"),
            level=OuterRef("grant__level"),
            first_seen_at__gt=OuterRef("verified_at"),
        )
        return self.filter(
            Exists(again),
            state=OrderState.VERIFIED,
            kind__in=(OrderKind.REVOKE, OrderKind.NARROW),
            grant__isnull=False,
        )

    def suspensions_older_than(self, moment: datetime) -> Self:
        """Suspension orders nobody rolled back or followed up, and whose subject is not gone."""
        return self.filter(
            kind=OrderKind.SUSPEND, decided_at__lt=moment, followed_by__isnull=True
        ).exclude(state__in=(OrderState.ROLLED_BACK, OrderState.NOT_APPLICABLE))

    def for_check(self, pks: Collection[int]) -> Self:
        """Lock some orders, with their subjects, in pk order."""
        return (
            self.filter(pk__in=pks)
            .select_for_update(of=["self"])
            .select_related("grant", "credential", "binding")
            .order_by("pk")
        )

    def awake_at(self, moment: datetime) -> Self:
        """Orders of a connection of which something is due."""
        return self.filter(wake_at__lte=moment).order_by("wake_at", "pk")

    def taken(self, pk: int) -> "Order | None":
        """Lock an order for one act; None where another worker has it."""
        locked = self.filter(pk=pk).select_for_update(of=["self"], skip_locked=True)
        return locked.select_related("connection", "credential", "grant", "binding").first()

    def ending_credentials(self) -> Self:
        """Orders that end or suspend credentials."""
        ends = (OrderKind.REVOKE, OrderKind.KILL, OrderKind.ROTATE, OrderKind.SUSPEND)
        return self.filter(credential__isnull=False, kind__in=ends)

    def stopping(self, credential_id: int) -> Self:
        """Orders that end a credential, and were not taken back."""
        return self.in_force().ending_credentials().filter(credential=credential_id)

    def watched_at(self, since: datetime) -> Self:
        """Credentials ended since then by a connection, and so supposed to be dead."""
        return self.in_force().filter(
            kind__in=(OrderKind.REVOKE, OrderKind.KILL, OrderKind.ROTATE),
            credential__isnull=False,
            stopped_at__gte=since,
            undo_asked_at__isnull=True,
        )

    def unwatched_since(self, moment: datetime) -> Self:
        return self.filter(Q(watched_at__isnull=True) | Q(watched_at__lt=moment)).order_by(
            "watched_at", "pk"
        )

    def unconfirmed_since(self, moment: datetime) -> Self:
        """Kills that nobody else has confirmed in time."""
        return self.kills_to_confirm().filter(decided_at__lt=moment)

    def rotating(self, credential_id: int | None = None) -> Self:
        """Rotate orders that wait for a person, or for the rotation that carries them out."""
        rows = self.filter(kind=OrderKind.ROTATE, state=OrderState.MANUAL_NEEDED)
        rows = rows.filter(credential__isnull=False).order_by("pk")
        return rows if credential_id is None else rows.filter(credential=credential_id)

    def about_credential(self, credential_id: int) -> Self:
        return self.filter(credential=credential_id)

    def kills_to_confirm(self) -> Self:
        return self.in_force().filter(kind=OrderKind.KILL, confirmed_at__isnull=True)

    def for_table(self) -> Self:
        return self.select_related(
            "connection",
            "confirmed_by",
            "undo_asked_by",
            "grant__system",
            "credential__identity__system",
            "binding__identity__system",
            "decided_by",
            "executed_by",
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Order":
        return self.select_for_update(of=["self"]).get(pk=pk)


class BatchQuerySet(models.QuerySet["Batch"]):
    def visible_to(self, actor: Actor) -> Self:
        return self if reads_all_systems(actor) else self.none()

    def held(self) -> Self:
        return self.filter(state=BatchState.HELD)

    def for_table(self) -> Self:
        return self.select_related("decided_by", "judged_by", "agent").fetch_mode(
            models.FETCH_RAISE
        )

    def locked(self, pk: int) -> "Batch":
        return self.select_for_update(of=["self"]).get(pk=pk)
