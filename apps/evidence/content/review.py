"""Which review a package is about, and up to which moment it speaks."""

from dataclasses import dataclass
from datetime import datetime

from apps.reviews.models import Acknowledgement, Assignment, Campaign, ReviewItem
from apps.reviews.states import CampaignState

FINAL, INTERIM = "FINAL", "INTERIM"


@dataclass(frozen=True, slots=True)
class Review:
    """A campaign as a package tells it.

    A final package speaks up to the acknowledgement; what comes after it goes into an addendum.
    `added` are the items that were not there at launch.
    """

    campaign: Campaign
    status: str
    note: str
    until: datetime | None
    added: frozenset[int]

    @property
    def package(self) -> str:
        return f"campaign-{self.campaign.pk}"


def is_final(campaign: Campaign) -> bool:
    return campaign.state == CampaignState.ACKNOWLEDGED


def review_of(campaign: Campaign) -> Review:
    final = is_final(campaign)
    return Review(
        campaign=campaign,
        status=FINAL if final else INTERIM,
        note="" if final else _interim_note(campaign),
        until=Acknowledgement.objects.get(campaign=campaign).given_at if final else None,
        added=frozenset(_added(campaign)),
    )


def _interim_note(campaign: Campaign) -> str:
    if campaign.state == CampaignState.CLOSED:
        return "The campaign is closed, and management has not acknowledged it yet."
    return f"The campaign is {campaign.get_state_display().lower()}; its figures will change."


def _added(campaign: Campaign) -> set[int]:
    """Items that took another's place, or were first assigned after launch."""
    successors = ReviewItem.objects.filter(campaign=campaign, supersedes__isnull=False)
    early = Assignment.objects.filter(item__campaign=campaign, since__lte=campaign.launched_at)
    late = Assignment.objects.filter(item__campaign=campaign, since__gt=campaign.launched_at)
    late_only = late.exclude(item__in=early.values("item"))
    return {*successors.values_list("pk", flat=True), *late_only.values_list("item", flat=True)}
