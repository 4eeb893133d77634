"""The sources a campaign rests on: how old they are, and whether they were read again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from apps.core.preferences import all_preferences
from apps.inventory.models import Source
from apps.reviews.models import Campaign, CampaignSource
from apps.reviews.querysets.population import credentials_in, grants_in
from apps.reviews.scope import Scope


def sources_of(scope: Scope) -> QuerySet[Source]:
    """The current source of each stream that has a record in scope.

    What people wrote by hand comes from none.
    """
    grants = grants_in(scope).filter(stream=OuterRef("stream"))
    credentials = credentials_in(scope).filter(stream=OuterRef("stream"))
    return Source.objects.current().filter(Exists(grants) | Exists(credentials))


def sources_now(
    campaign: Campaign, sources: QuerySet[Source], moment: str, policy: dict[str, int]
) -> list[CampaignSource]:
    """These sources with their age, unsaved."""
    now = timezone.now()
    return [
        _seen(campaign, source, moment, now, policy) for source in sources.order_by("label", "pk")
    ]


def stale_sources(campaign: Campaign) -> list[CampaignSource]:
    """The sources that staging now would refuse without a reason."""
    scope = Scope.of(campaign.scope)
    sources = sources_now(campaign, sources_of(scope), "staging", all_preferences())
    return [one for one in sources if one.is_stale]


def _seen(
    campaign: Campaign, source: Source, moment: str, now: datetime, policy: dict[str, int]
) -> CampaignSource:
    age = max(now - source.as_of, timedelta())
    key = "stale_after_hours" if source.independently_obtained else "stale_file_after_hours"
    return CampaignSource(
        campaign=campaign,
        source=source,
        moment=moment,
        age_hours=int(age / timedelta(hours=1)),
        is_stale=age > timedelta(hours=policy[key]),
    )


def told(sources: Collection[CampaignSource]) -> str:
    """Sources in words: name and age."""
    return "; ".join(f"{one.source} ({one.age_hours} hours old)" for one in sources)
