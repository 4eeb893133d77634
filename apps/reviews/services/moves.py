"""The one place where the state of a campaign and of its items changes in bulk."""

from collections.abc import Iterable, Sequence
from typing import Any

from apps.audit.services import Fact, record, record_many
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.states import CAMPAIGN_MOVES, ITEM_MOVES, CampaignState, Disposition, ItemState

# Each move that may share a transaction with another has a verb of its own: a verb is recorded
# once per record and transaction.
_VERBS = {
    CampaignState.STAGED: Verb.CAMPAIGN_STAGED,
    CampaignState.STAGING_FAILED: Verb.CAMPAIGN_STAGING_FAILED,
    CampaignState.RUNNING: Verb.CAMPAIGN_LAUNCHED,
    CampaignState.DECIDED: Verb.CAMPAIGN_DECIDED,
    CampaignState.REMEDIATING: Verb.CAMPAIGN_REMEDIATING,
    CampaignState.VERIFYING: Verb.CAMPAIGN_VERIFYING,
    CampaignState.CLOSED: Verb.CAMPAIGN_CLOSED,
    CampaignState.ACKNOWLEDGED: Verb.CAMPAIGN_ACKNOWLEDGED,
    CampaignState.CANCELLED: Verb.CAMPAIGN_CANCELLED,
}


def campaign_move(
    campaign: Campaign,
    state: CampaignState,
    *,
    actor: Actor,
    reason: str = "",
    also: Iterable[str] = (),
    changes: dict[str, tuple[Any, Any]] | None = None,
) -> Campaign:
    """Move a locked campaign and record it. `also` names further fields the caller changed."""
    CAMPAIGN_MOVES.check(campaign.state, state)
    before, campaign.state = campaign.state, state
    campaign.save(update_fields=["state", *also])
    record(
        actor=actor,
        verb=_VERBS.get(state, Verb.CAMPAIGN_MOVED),
        target=campaign,
        changes={"state": (before, state), **(changes or {})},
        reason=reason,
    )
    return campaign


def items_move(
    items: Sequence[ReviewItem],
    state: ItemState,
    disposition: Disposition,
    *,
    actor: Actor,
    reason: str = "",
) -> None:
    """Move locked items to one state with one disposition, and record each.

    Raises `IllegalTransition` before anything is written.
    """
    for item in items:
        ITEM_MOVES.check(item.state, state)
    facts = [
        Fact(
            item,
            {"state": (item.state, state), "disposition": (item.disposition, disposition)},
            reason,
        )
        for item in items
    ]
    for item in items:
        item.state, item.disposition = state, disposition
        item.state_reason = reason or item.state_reason
    pks = [item.pk for item in items]
    rows = ReviewItem.objects.filter(pk__in=pks)
    if reason:
        rows.update(state=state, disposition=disposition, state_reason=reason)
    else:
        rows.update(state=state, disposition=disposition)
    record_many(actor=actor, verb=Verb.ITEM_MOVED, facts=facts)
