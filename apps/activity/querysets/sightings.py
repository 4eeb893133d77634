from datetime import datetime, timedelta
from typing import Self

from django.db import models
from django.db.models import Count, Exists, F, OuterRef, Q, StringAgg, Subquery, Value

from apps.activity.states import Trait

# Who used more than so many before is not told by one more: a function of a cloud, say.
MOST_KNOWN = 20
# How a person looks at a system: what agents run in says other things of itself.
PEOPLES_CLIENTS = (
    "mozilla",
    "signin.amazonaws.com",
    "console.amazonaws.com",
    "s3console",
    "aws-console",
    "opera",
)


class SightingQuerySet(models.QuerySet):
    def of_trait(self, trait: Trait) -> Self:
        return self.filter(trait=trait)

    def new_since(self, since: datetime, *, known_for: timedelta) -> Self:
        """First seen since then, of identities that had been in use for so long by that time.

        Nothing is new where all that came before already varied without end.
        """
        same = self.model._default_manager.filter(
            log_id=OuterRef("log_id"), identity_id=OuterRef("identity_id")
        )
        begun = same.filter(trait=Trait.HOUR).order_by("first_at").values("first_at")[:1]
        before = same.filter(trait=OuterRef("trait"), first_at__lt=OuterRef("first_at"))
        counted = before.order_by().values("identity_id").annotate(n=Count("pk")).values("n")
        return self.alias(before=Subquery(counted)).filter(
            first_at__gte=since,
            first_at__gt=Subquery(begun) + known_for,
            before__range=(1, MOST_KNOWN),
        )

    def used_between(self, start: datetime, until: datetime) -> Self:
        """In use at some time from `start` on, and not only since `until`."""
        return self.filter(last_at__gte=start, first_at__lt=until)

    def strange(self) -> Self:
        """Clients that no run shows, of identities of which runs show others; and people's own."""
        shown = self.model._default_manager.filter(
            log_id=OuterRef("log_id"),
            identity_id=OuterRef("identity_id"),
            trait=Trait.CLIENT,
            proven_at__isnull=False,
        )
        return self.filter(trait=Trait.CLIENT, proven_at__isnull=True).filter(
            Q(Exists(shown)) | Q(value__in=PEOPLES_CLIENTS)
        )

    def told(self) -> Subquery:
        """Their values in one text, for the identity whose row it is."""
        of_one = self.filter(identity_id=OuterRef("pk")).order_by().values("identity_id")
        told = StringAgg("value", Value(", "), order_by=F("first_at"))
        return Subquery(of_one.annotate(told=told).values("told"))
