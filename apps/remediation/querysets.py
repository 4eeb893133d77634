from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef, Q

from apps.core.actors import Actor, Person, Role, reads_everything
from apps.grants.models import Grant
from apps.inventory.models import Binding, Credential
from apps.inventory.querysets.scope import reads_all_systems
from apps.remediation.states import (
    GONE,
    IN_HAND,
    SETTLED,
    WATCHED,
    WITHDRAWABLE,
    BatchState,
    IncidentState,
    OrderKind,
    OrderState,
)

if TYPE_CHECKING:
    from apps.inventory.models import Source
    from apps.remediation.models import (  # noqa: F401  (name rows' types)
        Batch,
        Incident,
        IncidentCall,
        Order,
    )

# What a connection carried out and looks after.
_STANDS = Q(state=OrderState.EXECUTED) | Q(state=OrderState.VERIFY_FAILED, wake_at__isnull=False)


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
        """Orders of which nothing was done yet, or that wait for a person."""
        untouched = Q(state__in=IN_HAND) & ~Q(steps__done_at__isnull=False)
        return self.filter(Q(state__in=WITHDRAWABLE) | untouched)

    def acted_on(self) -> Self:
        """Orders of which a connection did something: they stand until they are undone."""
        begun = Q(state__in=IN_HAND) & Q(steps__done_at__isnull=False)
        return self.filter(begun | _STANDS, connection__isnull=False).distinct()

    def open_from(self, record: models.Model) -> Self:
        """What a record of an app above ordered, and might want to take back."""
        return self.from_origin(record).filter(Q(state__in=(*WITHDRAWABLE, *IN_HAND)) | _STANDS)

    def waiting_for(self, what: str) -> Self:
        """Orders that need a person to carry them out ("carry-out"), or another to "confirm"."""
        if what != "carry-out":
            return self.filter(state=OrderState.MANUAL_NEEDED, executed_at__isnull=False)
        came_back = Q(state=OrderState.VERIFY_FAILED, wake_at__isnull=True)
        return self.filter(Q(state=OrderState.MANUAL_NEEDED) | came_back, executed_at__isnull=True)

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

    def shown_again_in(self, source: "Source") -> Self:
        """Orders about grants of which the source shows a newer, live one."""
        again = Grant.objects.present().filter(
            source=source,
            pk__gt=OuterRef("grant"),
            identity=OuterRef("grant__identity"),
            system=OuterRef("grant__system"),
            service=OuterRef("grant__service"),
            level=OuterRef("grant__level"),
        )
        return self.filter(Exists(again), grant__isnull=False)

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

    def taken(self, pks: Collection[int], now: datetime) -> Self:
        """Lock orders of connections of which something is due, in pk order; those that another
        worker has are left out."""
        awake = self.filter(pk__in=pks, connection__isnull=False, wake_at__lte=now)
        return (
            awake.select_for_update(of=["self"], skip_locked=True)
            .select_related("connection", "credential", "grant", "binding")
            .order_by("pk")
        )

    def ending_credentials(self) -> Self:
        """Orders that end or suspend credentials."""
        ends = (OrderKind.REVOKE, OrderKind.KILL, OrderKind.ROTATE, OrderKind.SUSPEND)
        return self.filter(credential__isnull=False, kind__in=ends)

    def stopping(self, credential_id: int) -> Self:
        """Orders that end a credential, and were not taken back."""
        return self.in_force().ending_credentials().filter(credential=credential_id)

    def standing_beside(self, order: "Order") -> Self:
        """Other orders about the same credential or grant that still want it gone."""
        same = (
            Q(credential=order.credential_id, grant__isnull=True)
            if order.credential_id
            else Q(grant=order.grant_id, credential__isnull=True)
        )
        put_off = (OrderState.NOT_APPLICABLE, OrderState.EXCEPTION, OrderState.SCHEDULED)
        return (
            self.in_force()
            .filter(same)
            .exclude(pk=order.pk)
            .exclude(kind=OrderKind.TAKE_BACK)
            .exclude(state__in=put_off)
        )

    def look_again(self, now: datetime) -> int:
        """Have connections look anew at what they carried out and watch."""
        watched = self.filter(state=OrderState.EXECUTED, connection__isnull=False)
        return watched.update(looked_at=None, wake_at=now)

    def watched_at(self, since: datetime) -> Self:
        """Credentials ended since then, and so supposed to be dead."""
        return self.seen_dead().filter(stopped_at__gte=since)

    def seen_dead(self) -> Self:
        """Credentials that were seen to be dead, by whomever, and whenever that was.

        Where somebody says that one was removed anew, it is watched again once that is confirmed.
        """
        rows = self.in_force().filter(
            kind__in=WATCHED,
            credential__isnull=False,
            stopped_at__isnull=False,
            undo_asked_at__isnull=True,
        )
        return rows.exclude(state=OrderState.MANUAL_NEEDED, executed_at__isnull=False)

    def unwatched_since(self, moment: datetime) -> Self:
        """Those whose log was not looked at since then; first what never was."""
        due = self.filter(Q(watched_at__isnull=True) | Q(watched_at__lt=moment))
        return due.order_by(models.F("watched_at").asc(nulls_first=True), "pk")

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
            "incident",
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


class IncidentQuerySet(models.QuerySet["Incident"]):
    def visible_to(self, actor: Actor) -> Self:
        """An incident is visible to stewards and auditors with its credential."""
        if not reads_everything(actor) and actor.role != Role.AUDITOR:
            return self.none()
        return self.filter(credential__in=Credential.objects.visible_to(actor).values("pk"))

    def to_read_at(self, moment: datetime, *, opened_after: datetime) -> Self:
        """Open incidents whose log was not read since then, and may still grow."""
        return self.filter(
            Q(read_at__isnull=True) | Q(read_at__lt=moment),
            state=IncidentState.OPEN,
            opened_at__gte=opened_after,
        ).order_by(models.F("read_at").asc(nulls_first=True), "pk")

    def for_table(self) -> Self:
        return self.select_related(
            "credential__identity__system", "order__connection", "order__decided_by"
        ).fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Incident":
        return self.select_for_update(of=["self"]).select_related("credential").get(pk=pk)


class IncidentCallQuerySet(models.QuerySet["IncidentCall"]):
    def of(self, incident: "Incident") -> Self:
        return self.filter(incident=incident)

    def refused(self) -> Self:
        return self.exclude(error="")

    def changing(self) -> Self:
        """Calls that may have changed something: not known to only read."""
        return self.exclude(read_only=True)

    def for_table(self) -> Self:
        return self.fetch_mode(models.FETCH_RAISE)
