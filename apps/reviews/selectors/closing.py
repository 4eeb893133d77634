"""What stands between a campaign and its close."""

from apps.inventory.models import Source
from apps.reviews.models import Campaign, CampaignSource


def streams_not_read_again(campaign: Campaign) -> list[str]:
    """Streams the population was frozen from whose newest reading is older than the launch."""
    noted = CampaignSource.objects.filter(campaign=campaign, moment="staging")
    streams = set(noted.values_list("source__stream", flat=True))
    newer = {
        source.stream
        for source in Source.objects.current().filter(stream__in=streams)
        if campaign.launched_at is not None and source.as_of > campaign.launched_at
    }
    return sorted(streams - newer)
