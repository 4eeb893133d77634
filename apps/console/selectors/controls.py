"""The controls by period: each campaign, when it ran, and how it ended."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

from django.db.models import Count, Q

from apps.core.actors import Actor
from apps.inventory.querysets.scope import by_seat
from apps.reviews.models import Campaign
from apps.reviews.states import Disposition, ItemState

KEPT = [Disposition.KEPT]
ENDED = [Disposition.NARROWED, Disposition.REVOKED, Disposition.ROTATED]
UNANSWERED = [Disposition.UNCERTIFIED, Disposition.SUSPENDED, Disposition.WITHDRAWN]


@dataclass(frozen=True, slots=True)
class Control:
    """One campaign and its figures; each query leads to exactly the items counted."""

    campaign: Campaign
    population: int
    kept: int
    ended: int
    unanswered: int
    kept_query: str = urlencode({"disposition": KEPT}, doseq=True)
    ended_query: str = urlencode({"disposition": ENDED}, doseq=True)
    unanswered_query: str = urlencode({"disposition": UNANSWERED}, doseq=True)


def controls_by_period(actor: Actor, *, most: int = 30) -> list[Control]:
    """The newest campaigns of somebody's period, with how the items they may open ended."""
    seat = by_seat(actor, "items__system_id")
    campaigns = (
        Campaign.objects.readable_whole_by(actor)
        .select_related("template", "run_by", "acknowledgement__given_by")
        .annotate(
            population=Count("items", filter=seat & ~Q(items__state=ItemState.SUPERSEDED)),
            kept=_items(KEPT, seat),
            ended=_items(ENDED, seat),
            unanswered=_items(UNANSWERED, seat),
        )
        .order_by("-launched_at", "-pk")[:most]
    )
    return [
        Control(campaign, campaign.population, campaign.kept, campaign.ended, campaign.unanswered)
        for campaign in campaigns
    ]


def _items(dispositions: Sequence[Disposition], seat: Q) -> Count:
    return Count("items", filter=seat & Q(items__disposition__in=dispositions))
