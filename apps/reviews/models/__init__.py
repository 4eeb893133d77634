from apps.reviews.models.campaign import (
    Acknowledgement,
    Campaign,
    CampaignSource,
    Hold,
    PopulationPart,
)
from apps.reviews.models.decision import Decision, Draft
from apps.reviews.models.item import Assignment, ItemNote, ReviewItem
from apps.reviews.models.template import Template

__all__ = [
    "Acknowledgement",
    "Assignment",
    "Campaign",
    "CampaignSource",
    "Decision",
    "Draft",
    "Hold",
    "ItemNote",
    "PopulationPart",
    "ReviewItem",
    "Template",
]
