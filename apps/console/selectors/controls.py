"""The controls by period: each campaign, when it ran, and how it ended."""

from dataclasses import dataclass

from django.db.models import Count, Q

from apps.core.actors import Actor
from apps.reviews.models import Campaign
from apps.reviews.states import Disposition


@dataclass(frozen=True, slots=True)
class Control:
    campaign: Campaign
    kept: int
    ended: int
    unanswered: int


def controls_by_period(actor: Actor, *, most: int = 30) -> list[Control]:
    """The newest campaigns that somebody may read whole, with how their items ended."""
    ended = [Disposition.NARROWED, Disposition.REVOKED, Disposition.ROTATED]
    unanswered = [Disposition.UNCERTIFIED, Disposition.SUSPENDED]
    campaigns = (
        Campaign.objects.readable_whole_by(actor)
        .select_related("template", "run_by", "acknowledgement__given_by")
        .annotate(
            kept=Count("items", filter=Q(items__disposition=Disposition.KEPT)),
            ended=Count("items", filter=Q(items__disposition__in=ended)),
            unanswered=Count("items", filter=Q(items__disposition__in=unanswered)),
        )
        .order_by("-launched_at", "-pk")[:most]
    )
    return [
        Control(campaign, campaign.kept, campaign.ended, campaign.unanswered)
        for campaign in campaigns
    ]
