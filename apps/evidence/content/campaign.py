"""The campaign itself: what was asked, under which rules, and how it ended."""

from typing import Any

from apps.evidence.content.files import Files
from apps.evidence.content.orders import Orders
from apps.evidence.content.record import setting_changes
from apps.evidence.content.review import Review
from apps.reviews.models import Acknowledgement
from apps.reviews.states import CampaignState

ORDERED = {
    CampaignState.REMEDIATING,
    CampaignState.VERIFYING,
    CampaignState.CLOSED,
    CampaignState.ACKNOWLEDGED,
}


def write_acknowledgement(files: Files, review: Review) -> bool:
    given = (
        Acknowledgement.objects.filter(campaign=review.campaign).select_related("given_by").first()
    )
    if given is None:
        return False
    files.json(
        "data/acknowledgement.json",
        "Management's acknowledgement",
        {
            "words": given.words,
            "comment": given.comment,
            "given_by_id": given.given_by_id,
            "given_by": str(given.given_by),
            "given_at": given.given_at,
        },
    )
    return True


def stated(review: Review, orders: Orders, dispositions: dict[str, int]) -> dict[str, Any]:
    """What the signed statement repeats: which package, of what status, with which figures."""
    return {
        "package": review.package,
        "number": 0,
        "status": review.status,
        "dispositions": dispositions,
        "orders_planned": review.campaign.state in ORDERED,
        "order_states": _order_states(orders),
    }


def _order_states(orders: Orders) -> dict[str, int]:
    counts: dict[str, int] = {}
    for state in orders.states.values():
        counts[state] = counts.get(state, 0) + 1
    return dict(sorted(counts.items()))


def write_campaign(files: Files, review: Review, statement: dict[str, Any]) -> dict[str, Any]:
    """Write `campaign.json`, last of the data, since it counts the rows of all the rest."""
    campaign = review.campaign
    template = campaign.template
    facts = {
        **statement,
        "counts": dict(sorted(files.counts.items())),
        "note": review.note,
        "campaign": campaign.pk,
        "name": campaign.name,
        "state": campaign.state,
        "scope": campaign.scope,
        "policy": campaign.policy,
        "no_answer": campaign.no_answer,
        "carry_forward": {"rule": campaign.carry_forward, "words": campaign.carry_rule},
        "instructions": campaign.instructions,
        "run_by": str(campaign.run_by),
        "fallback_reviewer": str(campaign.fallback_reviewer),
        "time_zone": campaign.time_zone,
        "occurrence_at": campaign.occurrence_at,
        "created_at": campaign.created_at,
        "staged_at": campaign.staged_at,
        "launched_at": campaign.launched_at,
        "deadline_at": campaign.deadline_at,
        "decided_at": campaign.decided_at,
        "closed_at": campaign.closed_at,
        "population_count": campaign.population_count,
        "population_sha256": campaign.population_sha256,
        "fallback_count": campaign.fallback_count,
        "stale_reason": campaign.stale_reason,
        "fallback_reason": campaign.fallback_reason,
        "early_close_reason": campaign.early_close_reason,
        "unread_reason": campaign.unread_reason,
        "reconciliation": campaign.reconciliation,
        "not_in_population": campaign.excluded,
        "template": None
        if template is None
        else {
            "name": template.name,
            "purpose": template.purpose,
            "recurrence": template.recurrence,
            "frequency_reason": template.frequency_reason,
        },
        "setting_changes": setting_changes(review),
    }
    files.json("data/campaign.json", "The campaign, its policy, and its figures", facts)
    return facts
