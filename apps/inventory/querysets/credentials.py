from collections.abc import Collection
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import ExpressionWrapper
from django.db.models.functions import Coalesce, Least
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.preferences import preference
from apps.inventory.querysets.scope import (
    is_limited_auditor,
    reads_all_systems,
    rows_of,
    seat_systems,
)
from apps.inventory.states import (
    BY_PLACE,
    CREDENTIAL_EXPIRES,
    CREDENTIAL_OVER,
    STATIC_KINDS,
    CredentialKind,
)

if TYPE_CHECKING:
    from apps.inventory.models import Credential


class CredentialQuerySet(models.QuerySet["Credential"]):
    def visible_to(self, actor: Actor) -> Self:
        if reads_all_systems(actor):
            return self
        if is_limited_auditor(actor):
            return self.filter(identity__system_id__in=seat_systems(actor))
        identities = rows_of(self.model, "identity")
        return self.filter(identity__in=identities.visible_to(actor).values("pk"))

    def standing(self) -> Self:
        """Credentials that still count: neither over nor gone from their source."""
        return self.exclude(state__in=CREDENTIAL_OVER).filter(gone_at__isnull=True)

    def over(self) -> Self:
        """All the others: those that ended, or that their source no longer shows."""
        return self.filter(models.Q(state__in=CREDENTIAL_OVER) | models.Q(gone_at__isnull=False))

    def service_linked(self, *, linked: bool) -> Self:
        """Credentials by whether a provider owns and uses the identity itself."""
        return self.filter(identity__is_service_linked=linked)

    def never_expires_or_rotates(self) -> Self:
        """The second question of home: a static secret with neither expiry nor rotation policy."""
        return self.standing().filter(
            kind__in=STATIC_KINDS, expires_at__isnull=True, rotation_days__isnull=True
        )

    def due_at(self, moment: datetime) -> Self:
        """Credentials in a state from which they expire, whose time is up."""
        return self.filter(state__in=CREDENTIAL_EXPIRES, expires_at__lte=moment)

    def rotating(self) -> Self:
        """Credentials that have a day by which they are to be rotated."""
        return self.standing().filter(rotation_due_at__isnull=False)

    def rotation_due(self, after: datetime | None, until: datetime) -> Self:
        """Of those, the ones whose day lies after one moment, and not after another."""
        rows = self.rotating().filter(rotation_due_at__lte=until)
        return rows if after is None else rows.filter(rotation_due_at__gt=after)

    def with_stale_rotation_date(self) -> Self:
        """Static ones without an interval of their own whose day the house's no longer gives."""
        days = timedelta(days=preference("static_key_days"))
        born = Coalesce("rotated_at", "issued_at")
        rows = self.filter(kind__in=STATIC_KINDS, rotation_days__isnull=True)
        fresh = ExpressionWrapper(born + days, output_field=models.DateTimeField())
        return rows.exclude(rotation_due_at=fresh).exclude(rotated_at=None, issued_at=None)

    def with_exposure(self, now: datetime) -> Self:
        """Adds `exposed_until`: when one stolen now stops working by itself; null: never.

        The same as `selectors.exposure` says in words. A rotation that is overdue ends nothing.
        """
        rotates = models.Case(
            models.When(
                rotation_days__isnull=False,
                rotation_due_at__gt=now,
                then=models.F("rotation_due_at"),
            )
        )
        return self.annotate(exposed_until=Least("expires_at", rotates))

    def exposed_without_end(self) -> Self:
        """Standing ones that somebody can steal, and that would work until somebody ends them."""
        rows = self.standing().exclude(kind=CredentialKind.MANAGED)
        return rows.with_exposure(timezone.now()).filter(exposed_until__isnull=True)

    def of_people(self, user_id: int) -> Self:
        """Credentials of the agents that somebody owns or keeps running."""
        bindings = rows_of(rows_of(self.model, "identity").model, "bindings").live()
        theirs = bindings.filter(
            models.Q(agent__owner=user_id) | models.Q(agent__technical_owner=user_id)
        )
        return self.filter(identity__in=theirs.values("identity"))

    def issued_before(self, moment: datetime) -> Self:
        return self.filter(issued_at__lt=moment)

    def shared(self) -> Self:
        """The third question of home: credentials that several agents sign in with."""
        return self.standing().filter(identity__binding_count__gt=1)

    def gone(self) -> Self:
        """Records their source no longer shows."""
        return self.filter(gone_at__isnull=False)

    def lost_sight_of(self) -> Self:
        """Gone ones that may well be one that their stream still shows, under another key.

        One of the two is known by its place in a listing only, and nothing tells them apart:
        places move up, and the moment in a listing is that of the last change.
        """
        shown = self.model._default_manager.filter(
            identity=models.OuterRef("identity"),
            kind=models.OuterRef("kind"),
            stream=models.OuterRef("stream"),
            gone_at__isnull=True,
        )
        at, last_seen = models.OuterRef("issued_at"), models.OuterRef("last_seen_at")
        by_id = shown.exclude(facts__has_key=BY_PLACE).exclude(issued_at__gt=last_seen)
        by_place = shown.filter(facts__has_key=BY_PLACE)
        moved = by_place.exclude(issued_at__lte=last_seen) | by_place.filter(issued_at=at)
        is_placed = models.Q(facts__has_key=BY_PLACE)
        undated = is_placed & models.Q(issued_at__isnull=True) & models.Exists(by_place)
        return self.gone().filter(
            is_placed & (models.Exists(by_id) | models.Exists(moved))
            | undated
            | ~is_placed & models.Exists(by_place)
        )

    def seen_gone(self) -> Self:
        """Gone ones that nothing their stream still shows can be."""
        return self.gone().exclude(pk__in=self.lost_sight_of().values("pk"))

    def may_work(self) -> Self:
        """Those neither over nor seen gone: standing ones, and those only lost sight of."""
        gone = self.model._default_manager.seen_gone()
        return self.exclude(state__in=CREDENTIAL_OVER).exclude(pk__in=gone.values("pk"))

    def named_by(self, ids: Collection[str], digests: Collection[str]) -> Self:
        """Credentials with one of these ids, or whose secret has one of these fingerprints."""
        by_digest = self.model._default_manager.exclude(fingerprint="").filter(
            fingerprint__in=digests
        )
        by_id = self.model._default_manager.filter(external_id__in=ids)
        return self.filter(pk__in=by_id.values("pk").union(by_digest.values("pk")))

    def hinted(self, hints: Collection[str]) -> Self:
        """Standing client secrets whose first characters their system tells."""
        return self.standing().filter(kind=CredentialKind.CLIENT_SECRET, facts__hint__in=hints)

    def for_table(self) -> Self:
        return self.select_related("identity__system", "made_by").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Credential":
        return self.select_for_update(of=["self"]).get(pk=pk)
