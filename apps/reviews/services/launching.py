"""Launching asks the reviewers; reminding asks again those who have not answered."""

from datetime import date, datetime

from django.db import connection, transaction
from django.utils import timezone

from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.reviews.models import Assignment, Campaign, ReviewItem
from apps.reviews.policies import campaigns as policies
from apps.reviews.recurrence import end_of_day
from apps.reviews.selectors.coverage import needs_fallback_reason
from apps.reviews.services.letters import invite_reviewers, remind_reviewers
from apps.reviews.services.moves import campaign_move
from apps.reviews.states import CampaignState


@transaction.atomic
def campaign_launch(
    *,
    campaign_id: int,
    actor: Actor,
    fallback_reason: str = "",
    deadline_on: date | None = None,
) -> Campaign:
    """Ask every reviewer, by mail, and start the clock.

    A large share at the fallback needs a reason. `deadline_on` moves the deadline to the end of
    that day. The assignments are written here: before launch nobody was asked.
    """
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_launch(actor, campaign))
    campaign.fallback_reason = fallback_reason.strip()
    if needs_fallback_reason(campaign) and not campaign.fallback_reason:
        raise DomainError(
            f"{campaign.fallback_count} of {campaign.population_count} items end at the fallback"
            f" reviewer, more than {campaign.policy['fallback_share']} %. Say why that will do."
        )
    before = campaign.deadline_at
    if deadline_on is not None:
        campaign.deadline_at = end_of_day(deadline_on, campaign.time_zone)
    campaign.launched_at = timezone.now()
    _refuse_past(campaign.deadline_at, campaign.launched_at)
    campaign_move(
        campaign,
        CampaignState.RUNNING,
        actor=actor,
        reason=campaign.fallback_reason,
        also=["fallback_reason", "deadline_at", "launched_at"],
        changes={"deadline_at": (before, campaign.deadline_at)},
    )
    _assign_everybody(campaign)
    invite_reviewers(campaign, actor)
    return campaign


def _refuse_past(deadline: datetime, now: datetime) -> None:
    if deadline <= now:
        raise DomainError("The deadline has passed already. Choose a later day.")


def _assign_everybody(campaign: Campaign) -> None:
    """One assignment per item, in one statement: a population may be large."""
    item, assignment = ReviewItem._meta.db_table, Assignment._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"""
            INSERT INTO {assignment} (item_id, reviewer_id, found_by, reason, since)
            SELECT id, reviewer_id, found_by, COALESCE(frozen ->> 'found_because', ''), now()
            FROM {item} WHERE campaign_id = %s AND state = 'open' ORDER BY id
            """,  # noqa: S608  (table names of our own models)
            [campaign.pk],
        )


@transaction.atomic
def campaign_remind(*, campaign_id: int, actor: Actor) -> int:
    """Remind everybody who has open items; nobody twice on one day. Returns how many."""
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_remind(actor, campaign))
    reminded = remind_reviewers(campaign, actor)
    record(
        actor=actor,
        verb=Verb.CAMPAIGN_REMINDED,
        target=campaign,
        changes={"people": (None, reminded)},
    )
    return reminded
