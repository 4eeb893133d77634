"""The controls by period: each campaign, when it ran, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Q

from apps.core.actors import Actor
from apps.reviews.models import Campaign
from apps.reviews.states import Disposition

KEPT = [Disposition.KEPT]
ENDED = [Disposition.NARROWED, Disposition.REVOKED, Disposition.ROTATED]
UNANSWERED = [Disposition.UNCERTIFIED, Disposition.SUSPENDED, Disposition.WITHDRAWN]


@dataclass(frozen=True, slots=True)
class Control:
    """One campaign and its figures; each query leads to exactly the items counted."""

    campaign: Campaign
    kept: int
    ended: int
    unanswered: int
    kept_query: str = urlencode({"disposition": KEPT}, doseq=True)
    ended_query: str = urlencode({"disposition": ENDED}, doseq=True)
    unanswered_query: str = urlencode({"disposition": UNANSWERED}, doseq=True)


def controls_by_period(actor: Actor, *, most: int = 30) -> list[Control]:
    """The newest campaigns that somebody may read whole, with how their items ended."""
    campaigns = (
        Campaign.objects.readable_whole_by(actor)
        .select_related("template", "run_by", "acknowledgement__given_by")
        .annotate(kept=_items(KEPT), ended=_items(ENDED), unanswered=_items(UNANSWERED))
        .order_by("-launched_at", "-pk")[:most]
    )
    return [
        Control(campaign, campaign.kept, campaign.ended, campaign.unanswered)
        for campaign in campaigns
    ]


def _items(dispositions: Sequence[Disposition]) -> Count:
    return Count("items", filter=Q(items__disposition__in=dispositions))
