"""The sources a campaign rests on: how old they are, and whether they were read again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.utils import timezone

from apps.core.preferences import all_preferences
from apps.inventory.models import Source
from apps.reviews.models import Campaign, CampaignSource
from apps.reviews.querysets.population import credentials_in, grants_in
from apps.reviews.scope import Scope


def streams_of(scope: Scope) -> set[str]:
    """The streams that the records in scope come from. What people wrote by hand has none."""
    held = [
        rows.exclude(stream="").order_by().values_list("stream", flat=True).distinct()
        for rows in (grants_in(scope), credentials_in(scope))
    ]
    return {stream for rows in held for stream in rows}


def sources_now(
    campaign: Campaign, streams: Collection[str], moment: str, policy: dict[str, int]
) -> list[CampaignSource]:
    """The current source of each stream with its age, unsaved."""
    now = timezone.now()
    rows = Source.objects.current().filter(stream__in=streams).order_by("label", "pk")
    return [_seen(campaign, source, moment, now, policy) for source in rows]


def stale_sources(campaign: Campaign) -> list[CampaignSource]:
    """The sources that staging now would refuse without a reason."""
    streams = streams_of(Scope.of(campaign.scope))
    sources = sources_now(campaign, streams, "staging", all_preferences())
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
