"""Reviews that come round by themselves: one run per occurrence, whoever runs the schedule."""

import logging
from datetime import datetime

from django.db import IntegrityError, transaction

from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.reviews.models import Campaign, Template
from apps.reviews.selectors.calendar import due_occurrence
from apps.reviews.services.campaigns import campaign_create_from_template
from apps.reviews.services.letters import tell_runner
from apps.reviews.services.staging import campaign_stage

logger = logging.getLogger(__name__)


def schedule_run(*, moment: datetime, actor: Actor) -> int:
    """Start every review that is due. Returns how many this run started."""
    templates = Template.objects.standing().scheduled().order_by("pk")
    started = [
        template_run_due(template_id=pk, moment=moment, actor=actor)
        for pk in templates.values_list("pk", flat=True)
    ]
    return sum(campaign is not None for campaign in started)


def template_run_due(*, template_id: int, moment: datetime, actor: Actor) -> Campaign | None:
    """Stage the template's due occurrence, unless somebody did or its last run is under way.

    The template's row is locked, and the database holds one campaign per occurrence, so any
    number of beats and workers make exactly one.
    """
    try:
        with transaction.atomic():
            return _run_due(template_id, moment, actor)
    except IntegrityError:
        return None
    except DomainError as error:
        logger.warning("Template %s is due and could not be run: %s", template_id, error)
        return None


def _run_due(template_id: int, moment: datetime, actor: Actor) -> Campaign | None:
    locked = Template.objects.select_for_update(of=["self"], skip_locked=True)
    template = locked.standing().scheduled().filter(pk=template_id).first()
    if template is None:
        return None
    occurrence = due_occurrence(template, moment)
    if occurrence is None or Campaign.objects.under_way().filter(template=template).exists():
        return None
    campaign = campaign_create_from_template(
        template_id=template.pk, occurrence_at=occurrence, actor=actor
    )
    try:
        with transaction.atomic():
            campaign_stage(campaign_id=campaign.pk, actor=actor, launch=template.launches_itself)
    except DomainError as error:
        # The draft stays, and its page says what to do; a person goes on from here.
        campaign.staging_message = str(error)
        campaign.save(update_fields=["staging_message"])
        tell_runner(
            campaign,
            kind="review-not-staged",
            subject="The review could not be staged",
            body=f"“{campaign.name}” is due, and waits for you: {error}",
            actor=actor,
        )
    return campaign
