from typing import Self

from django.db import models

from apps.core.actors import Actor
from apps.reviews.models import Campaign


class PackageQuerySet(models.QuerySet["Package"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(campaign__in=Campaign.objects.readable_whole_by(actor).values("pk"))

    def for_table(self) -> Self:
        return self.select_related("campaign", "requested_by", "job").fetch_mode(models.FETCH_RAISE)


class SampleQuerySet(models.QuerySet["Sample"]):
    def visible_to(self, actor: Actor) -> Self:
        return self.filter(campaign__in=Campaign.objects.readable_whole_by(actor).values("pk"))
