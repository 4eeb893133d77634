"""Carrying items forward while a campaign is staged, by the rule it was made with."""

from collections import defaultdict
from collections.abc import Collection
from typing import Any

from django.db.models.fields.json import KT
from django.db.models.functions import Coalesce
from django.utils import timezone

from apps.grants.states import Level
from apps.reviews.carrying import RULES, Earlier, Frozen, may_carry
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.selectors.deadlines import deadline_day
from apps.reviews.services.moves import items_move
from apps.reviews.services.phases import CHUNK, Work
from apps.reviews.states import CampaignState, Disposition, ItemState


def carry_forward(work: Work) -> bool:
    """Carry forward what the campaign's rule, if it has one, covers of one chunk of items."""
    campaign = work.campaign
    if not campaign.carry_forward:
        return False
    items = list(
        ReviewItem.objects.select_for_update(of=["self"])
        .filter(
            campaign=campaign,
            grant__isnull=False,
            level=Level.READ,
            state=ItemState.OPEN,
            pk__gt=work.after,
        )
        .order_by("pk")[:CHUNK]
    )
    rule, now = RULES[campaign.carry_forward], timezone.now()
    before = _earlier([item.grant_id for item in items if item.grant_id], campaign)
    carried = []
    for item in items:
        earlier = before.get(item.grant_id or 0)
        if earlier and may_carry(rule, campaign.carry_days, _frozen(item, campaign), earlier, now):
            item.carries_id = earlier.decision_id
            carried.append(item)
    ReviewItem.objects.bulk_update(carried, ["carries"], batch_size=CHUNK)
    items_move(
        carried,
        ItemState.CARRIED,
        Disposition.CARRIED,
        actor=work.actor,
        reason=f"{rule.in_words(campaign.carry_days)}.",
    )
    work.after = items[-1].pk if items else work.after
    return len(items) == CHUNK


def _frozen(item: ReviewItem, campaign: Campaign) -> Frozen:
    return Frozen(
        level=item.level,
        agent_id=item.agent_id,
        content_sha256=item.frozen.get("content_sha256", ""),
        design_digest=item.design_digest,
        deadline_on=deadline_day(campaign),
    )


def _earlier(grant_ids: Collection[int], campaign: Campaign) -> dict[int, Earlier]:
    """The newest item of each grant in other campaigns. Nothing of a cancelled one counts."""
    rows = (
        ReviewItem.objects.filter(grant__in=grant_ids)
        .exclude(campaign=campaign)
        .exclude(campaign__state=CampaignState.CANCELLED)
        .exclude(state__in=(ItemState.VOID, ItemState.SUPERSEDED))
        .order_by("grant_id", "-pk")
        .values(
            "grant_id",
            "disposition",
            "agent_id",
            "design_digest",
            content=KT("frozen__content_sha256"),
            rests_on=Coalesce("decision__pk", "carries_id"),
            rests_at=Coalesce("decision__decided_at", "carries__decided_at"),
            rests_until=Coalesce("decision__until", "carries__until"),
        )
    )
    by_grant: dict[int, list[Any]] = defaultdict(list)
    for row in rows:
        by_grant[row["grant_id"]].append(row)
    return {grant_id: _newest(newest_first) for grant_id, newest_first in by_grant.items()}


def _newest(rows: list[Any]) -> Earlier:
    newest = rows[0]
    return Earlier(
        disposition=newest["disposition"],
        agent_id=newest["agent_id"],
        content_sha256=newest["content"] or "",
        design_digest=newest["design_digest"],
        decision_id=newest["rests_on"],
        decided_at=newest["rests_at"],
        until=newest["rests_until"],
        running=_running(rows),
    )


def _running(newest_first: list[Any]) -> int:
    """How many of the newest items were carried forward without one asked between them."""
    carried = [row["disposition"] == Disposition.CARRIED for row in newest_first]
    return carried.index(False) if False in carried else len(carried)
