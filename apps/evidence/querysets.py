from typing import TYPE_CHECKING, Self

from django.db import models
from django.db.models import Exists, OuterRef

from apps.core.actors import Actor
from apps.inventory.querysets.scope import is_limited_auditor, seat_systems
from apps.reviews.models import Campaign, ReviewItem

if TYPE_CHECKING:
    from apps.evidence.models import Package


def exportable_by(actor: Actor) -> models.QuerySet[Campaign]:
    """Campaigns somebody may take away whole: every item of them lies within their seat."""
    campaigns = Campaign.objects.readable_whole_by(actor)
    if not is_limited_auditor(actor):
        return campaigns
    beyond = ReviewItem.objects.exclude(system_id__in=seat_systems(actor))
    return campaigns.exclude(Exists(beyond.filter(campaign=OuterRef("pk"))))


class PackageQuerySet(models.QuerySet["Package"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(campaign__in=exportable_by(actor).values("pk"))

    def of_campaign(self, campaign_id: int) -> Self:
        return self.filter(campaign=campaign_id)

    def built(self) -> Self:
        return self.filter(built_at__isnull=False)

    def for_table(self) -> Self:
        return self.select_related("campaign", "requested_by", "job").fetch_mode(models.FETCH_RAISE)

    def locked(self, pk: int) -> "Package":
        return self.select_for_update(of=["self"]).select_related("campaign").get(pk=pk)


class SampleQuerySet(models.QuerySet):
    def visible_to(self, actor: Actor) -> Self:
        """Samples somebody drew are read by whoever may read all the items they name."""
        return self.filter(campaign__in=exportable_by(actor).values("pk"))

    def of_campaign(self, campaign_id: int) -> Self:
        return self.filter(campaign=campaign_id)

    def for_table(self) -> Self:
        return self.select_related("campaign", "drawn_by").fetch_mode(models.FETCH_RAISE)
