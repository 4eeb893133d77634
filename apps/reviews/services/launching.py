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
from apps.reviews.recurrence import deadline_on
from apps.reviews.selectors.asked import people_asked
from apps.reviews.selectors.coverage import needs_fallback_reason
from apps.reviews.selectors.deadlines import deadline_day
from apps.reviews.services.letters import invite_reviewers, remind
from apps.reviews.services.moves import campaign_move
from apps.reviews.states import CampaignState


@transaction.atomic
def campaign_launch(
    *,
    campaign_id: int,
    actor: Actor,
    fallback_reason: str = "",
    new_deadline: date | None = None,
) -> Campaign:
    """Ask every reviewer, by mail, and start the clock.

    A large share at the fallback needs a reason. `new_deadline` moves the deadline to the end
    of that day. The assignments are written here: before launch nobody was asked.
    """
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_launch(actor, campaign))
    campaign.fallback_reason = fallback_reason.strip()
    if needs_fallback_reason(campaign) and not campaign.fallback_reason:
        raise DomainError(
            f"{campaign.fallback_count} of {campaign.population_count} items end at the fallback"
            f" reviewer, more than {campaign.policy['fallback_share']} %. Say why that will do."
        )
    campaign.launched_at = timezone.now()
    moved = _deadline_moved(campaign, new_deadline, campaign.launched_at)
    campaign_move(
        campaign,
        CampaignState.RUNNING,
        actor=actor,
        reason=campaign.fallback_reason,
        also=["fallback_reason", "deadline_at", "launched_at"],
        changes=moved,
    )
    _assign_everybody(campaign)
    invite_reviewers(campaign, actor)
    return campaign


def _deadline_moved(
    campaign: Campaign, day: date | None, now: datetime
) -> dict[str, tuple[datetime, datetime]]:
    """Move the deadline where another day is wanted. Returns what is recorded of it."""
    before = campaign.deadline_at
    if day is not None and day != deadline_day(campaign):
        campaign.deadline_at = deadline_on(day, campaign.time_zone, now)
        return {"deadline_at": (before, campaign.deadline_at)}
    if before <= now:
        raise DomainError("The deadline has passed already. Choose a later day.")
    return {}


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
def campaign_remind(*, campaign_id: int, actor: Actor, words: str = "") -> int:
    """Remind everybody who has something open; nobody twice on one day. Returns how many.

    `words` go into the mail. Raises `DomainError` where nobody is left to remind today.
    """
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_remind(actor, campaign))
    asked = people_asked(campaign)
    if not asked:
        raise DomainError("Nobody has anything open, so there is nobody to remind.")
    people = [one for one in asked if not one.reminded_today]
    if not people:
        raise DomainError("Everybody with something open was reminded today already.")
    remind(campaign, people, words=words.strip(), actor=actor)
    record(
        actor=actor,
        verb=Verb.CAMPAIGN_REMINDED,
        target=campaign,
        changes={"people": (None, len(people))},
        reason=words.strip(),
    )
    return len(people)
