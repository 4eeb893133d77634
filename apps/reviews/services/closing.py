"""Closing holds the frozen population against the newest reading of each source.

The dispositions must sum to the population, or the campaign does not close.
"""

from collections import defaultdict

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.policies import enforce
from apps.inventory.models import Source
from apps.remediation.models import Order
from apps.reviews.models import Campaign, CampaignSource, ReviewItem
from apps.reviews.policies import campaigns as policies
from apps.reviews.selectors.beyond import beyond, told
from apps.reviews.selectors.closing import streams_not_read_again
from apps.reviews.services.moves import campaign_move
from apps.reviews.services.phases import CHUNK, Phase, Work, run_phases
from apps.reviews.services.sources import sources_now
from apps.reviews.states import AtClose, CampaignState, Disposition


@transaction.atomic
def campaign_close(*, campaign_id: int, actor: Actor, unread_reason: str = "") -> Campaign:
    """Start the closing. Every order is settled, and every source was read again since launch.

    A source that cannot be read again needs `unread_reason`; the evidence prints it, and what
    came from that source is told as *not compared*.
    """
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_close(actor, campaign))
    _refuse_open_orders(campaign)
    campaign.unread_reason = unread_reason.strip()
    missing = streams_not_read_again(campaign)
    if missing and not campaign.unread_reason:
        raise DomainError(
            f"Not read again since launch: {', '.join(missing)}. Import a newer reading, or say"
            " why the campaign closes without it."
        )
    campaign.save(update_fields=["unread_reason"])
    job_start(
        kind="closing",
        task="reviews.close_campaign",
        subject=campaign,
        actor=actor,
        total=campaign.population_count,
    )
    return campaign


def _refuse_open_orders(campaign: Campaign) -> None:
    waiting = Order.objects.of_campaign(campaign.pk).unsettled().count()
    if waiting:
        raise DomainError(f"{waiting} orders are not settled, so the campaign cannot close.")


def closing_run(*, job_id: int) -> None:
    """Do, or go on with, the closing of a campaign."""
    phases: dict[str, Phase] = {
        "sources": _while_verifying(_note_sources),
        "compare": _while_verifying(_compare),
        "finish": _while_verifying(_finish),
    }
    run_phases(job_id=job_id, phases=phases)


def _while_verifying(phase: Phase) -> Phase:
    return lambda work: work.campaign.state == CampaignState.VERIFYING and phase(work)


def _note_sources(work: Work) -> bool:
    """Note the readings that the closing compares with."""
    campaign = work.campaign
    CampaignSource.objects.filter(campaign=campaign, moment="closing").delete()
    at_staging = CampaignSource.objects.filter(campaign=campaign, moment="staging")
    sources = Source.objects.current().filter(stream__in=at_staging.values("source__stream"))
    CampaignSource.objects.bulk_create(sources_now(campaign, sources, "closing", campaign.policy))
    return False


def _compare(work: Work) -> bool:
    """Say of each item what its subject is now."""
    items = list(
        ReviewItem.objects.counted()
        .filter(campaign=work.campaign, pk__gt=work.after)
        .select_related("grant", "credential", "binding")
        .order_by("pk")[:CHUNK]
    )
    blind = set(streams_not_read_again(work.campaign))
    seen: dict[AtClose, list[int]] = defaultdict(list)
    for item in items:
        seen[_seen(item, blind)].append(item.pk)
    for at_close, pks in seen.items():
        ReviewItem.objects.filter(pk__in=pks).update(at_close=at_close)
    return work.went_through([item.pk for item in items])


def _seen(item: ReviewItem, blind: set[str]) -> AtClose:
    if item.frozen.get("stream") in blind:
        return AtClose.UNKNOWN
    subject = item.grant or item.credential
    if subject is None:
        ended = item.binding is None or item.binding.ended_at is not None
        return AtClose.GONE if ended else AtClose.SAME
    if subject.ended_at is not None or subject.gone_at is not None:
        return AtClose.GONE
    if item.grant and item.grant.content_sha256 != item.frozen.get("content_sha256"):
        return AtClose.CHANGED
    return AtClose.SAME


def _finish(work: Work) -> bool:
    """Sum up, and close if the sums agree."""
    campaign = work.campaign
    _refuse_open_orders(campaign)
    dispositions = _counted(campaign, "disposition")
    undecided = dispositions.pop(Disposition.UNDECIDED, 0)
    if undecided or sum(dispositions.values()) != campaign.population_count:
        raise DomainError(
            f"The dispositions sum to {sum(dispositions.values())} of {campaign.population_count};"
            f" {undecided} items have none. The campaign stays open until they agree."
        )
    new = list(told(beyond(campaign)))
    campaign.reconciliation = {
        "population": campaign.population_count,
        "dispositions": dispositions,
        "at_close": {state or "unknown": n for state, n in _counted(campaign, "at_close").items()},
        "new": new,
        "new_count": len(new),
        "not_compared": streams_not_read_again(campaign),
    }
    campaign.closed_at = timezone.now()
    campaign_move(
        campaign,
        CampaignState.CLOSED,
        actor=work.actor,
        reason=campaign.unread_reason,
        also=["reconciliation", "closed_at"],
    )
    work.message = "Closed: the dispositions sum to the population."
    return False


def _counted(campaign: Campaign, field: str) -> dict[str, int]:
    rows = ReviewItem.objects.counted().filter(campaign=campaign).order_by()
    return dict(sorted(rows.values_list(field).annotate(n=Count("pk"))))
