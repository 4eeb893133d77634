"""While a campaign runs, the world moves on: items follow it, and say why.

An item whose subject is gone is void. One whose agent's design drifted, or whose own grant was
changed from outside the campaign, is superseded, and a new item takes its place. Access that is
new is not slipped into a frozen population: closing counts it, and the next review asks.
"""

import logging
from collections.abc import Callable, Sequence

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.fields.json import KT

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.grants.models import AgentFingerprint
from apps.grants.states import LIVE, FingerprintKind
from apps.inventory.states import CREDENTIAL_OVER
from apps.remediation.models import Order
from apps.reviews.models import Assignment, Campaign, ReviewItem
from apps.reviews.services.freezing import (
    Freezer,
    frozen_bindings,
    frozen_credentials,
    frozen_grants,
)
from apps.reviews.services.letters import invite_reviewers
from apps.reviews.services.moves import campaign_move, items_move
from apps.reviews.services.phases import CHUNK
from apps.reviews.states import CampaignState, Disposition, FoundBy, ItemState, Outcome

logger = logging.getLogger(__name__)

GONE = (
    Q(grant__isnull=False) & (~Q(grant__state__in=LIVE) | Q(grant__gone_at__isnull=False))
    | Q(credential__isnull=False)
    & (Q(credential__state__in=CREDENTIAL_OVER) | Q(credential__gone_at__isnull=False))
    | Q(binding__ended_at__isnull=False)
)
# A choice to end access stands whatever the design has become; a choice to keep it does not.
STILL_MOVES = Q(state__in=(ItemState.OPEN, ItemState.CARRIED)) | Q(
    state=ItemState.DECIDED, decision__outcome__in=(Outcome.KEEP, Outcome.NARROW, Outcome.ABSTAIN)
)


def campaigns_reconcile(*, actor: Actor) -> int:
    """Reconcile every running campaign; what one of them refuses holds no other up."""
    moved = 0
    for pk in list(Campaign.objects.running().order_by("pk").values_list("pk", flat=True)):
        try:
            moved += campaign_reconcile(campaign_id=pk, actor=actor)
        except DomainError as error:
            logger.warning("Campaign %s was not reconciled: %s", pk, error)
    return moved


def campaign_reconcile(*, campaign_id: int, actor: Actor) -> int:
    """Void and supersede what the world has overtaken. Returns how many items moved.

    Chunked, one transaction each; safe to run twice or alongside itself.
    """
    return _in_chunks(campaign_id, actor, _void_gone) + _in_chunks(
        campaign_id, actor, _supersede_drifted
    )


def _in_chunks(campaign_id: int, actor: Actor, step: Callable[[Campaign, Actor], int]) -> int:
    moved = 0
    while True:
        with transaction.atomic():
            campaign = Campaign.objects.locked(campaign_id)
            if campaign.state != CampaignState.RUNNING:
                return moved
            done = step(campaign, actor)
        moved += done
        if done < CHUNK:
            return moved


def _void_gone(campaign: Campaign, actor: Actor) -> int:
    items = list(
        ReviewItem.objects.select_for_update(of=["self"])
        .filter(GONE, campaign=campaign, state=ItemState.OPEN)
        .order_by("pk")[:CHUNK]
    )
    items_move(
        items,
        ItemState.VOID,
        Disposition.VOID,
        actor=actor,
        reason="It ended, or its source no longer shows it: there is nothing left to decide.",
    )
    return len(items)


def _supersede_drifted(campaign: Campaign, actor: Actor) -> int:
    newest = AgentFingerprint.objects.filter(
        agent=OuterRef("agent"), kind=FingerprintKind.DESIGN
    ).order_by("-pk")
    drifted = Q(design_now__isnull=False) & ~Q(design_now=F("design_digest"))
    drifted &= ~Q(design_digest="")
    changed = Q(grant__isnull=False) & ~Q(grant__content_sha256=KT("frozen__content_sha256"))
    items = list(
        ReviewItem.objects.select_for_update(of=["self"])
        .annotate(design_now=Subquery(newest.values("digest")[:1]))
        .filter(STILL_MOVES, drifted | changed, campaign=campaign)
        .exclude(GONE)
        .select_related("grant")
        .order_by("pk")[:CHUNK]
    )
    _supersede(campaign, items, actor)
    return len(items)


def _supersede(campaign: Campaign, items: Sequence[ReviewItem], actor: Actor) -> None:
    """Close these items as superseded and open new ones, of the same subjects as they are now."""
    by_subject = {(item.grant_id, item.credential_id, item.binding_id): item for item in items}
    for reason, group in _by_reason(items).items():
        items_move(group, ItemState.SUPERSEDED, Disposition.SUPERSEDED, actor=actor, reason=reason)
    freezer = Freezer(campaign)
    frozen = [
        *frozen_grants(freezer, [item.grant_id for item in items if item.grant_id]),
        *frozen_credentials(freezer, [item.credential_id for item in items if item.credential_id]),
        *frozen_bindings(freezer, [item.binding_id for item in items if item.binding_id]),
    ]
    successors = [new.unsaved() for new in frozen]
    for new in successors:
        old = by_subject[new.grant_id, new.credential_id, new.binding_id]
        new.supersedes = old
        if old.reassigned_count:
            new.reviewer_id, new.found_by = old.reviewer_id, FoundBy.REASSIGNED
            new.reassigned_count = old.reassigned_count
    ReviewItem.objects.bulk_create(successors)
    Assignment.objects.bulk_create(
        Assignment(
            item=new,
            reviewer_id=new.reviewer_id,
            found_by=new.found_by,
            reason=new.supersedes.state_reason if new.supersedes else "",
        )
        for new in successors
    )
    if successors:
        # Whoever was asked at launch knows already, and is not written to again.
        invite_reviewers(campaign, actor)
        record(
            actor=actor,
            verb=Verb.CAMPAIGN_ITEMS_CREATED,
            target=campaign,
            changes={"successors": (None, len(successors))},
        )


def _by_reason(items: Sequence[ReviewItem]) -> dict[str, list[ReviewItem]]:
    grouped: dict[str, list[ReviewItem]] = {}
    for item in items:
        changed = item.grant and item.grant.content_sha256 != item.frozen.get("content_sha256")
        reason = (
            "The grant was changed in its source after it was frozen."
            if changed
            else "The agent's design drifted after it was frozen."
        )
        grouped.setdefault(reason, []).append(item)
    return grouped


@transaction.atomic
def campaign_follow_orders(*, campaign_id: int, actor: Actor) -> Campaign:
    """Move a campaign on when its last order is settled, and back when one opens again."""
    campaign = Campaign.objects.locked(campaign_id)
    waiting = Order.objects.of_campaign(campaign.pk).unsettled().exists()
    if campaign.state == CampaignState.REMEDIATING and not waiting:
        return campaign_move(campaign, CampaignState.VERIFYING, actor=actor)
    if campaign.state == CampaignState.VERIFYING and waiting:
        return campaign_move(
            campaign, CampaignState.REMEDIATING, actor=actor, reason="An order is open again."
        )
    return campaign


def campaigns_follow_orders(*, actor: Actor) -> int:
    """Move every campaign whose orders say so. Returns how many."""
    waiting = Exists(Order.objects.unsettled().filter(campaign_id=OuterRef("pk")))
    rows = Campaign.objects.filter(
        Q(state=CampaignState.REMEDIATING) & ~waiting | Q(state=CampaignState.VERIFYING) & waiting
    )
    pks = list(rows.order_by("pk").values_list("pk", flat=True))
    for pk in pks:
        campaign_follow_orders(campaign_id=pk, actor=actor)
    return len(pks)
