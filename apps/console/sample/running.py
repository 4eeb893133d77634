"""The review that is running now: made, staged, launched, and half decided by the services."""

from datetime import timedelta

from django.utils import timezone

from apps.accounts.models import User
from apps.console.sample.schedule import named, quarterly, quarters_of
from apps.core.actors import Channel, Person
from apps.core.jobs import jobs_of
from apps.reviews.choices import Chosen
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.services.campaigns import (
    campaign_create_from_template,
    campaign_launch,
    campaign_stage,
)
from apps.reviews.services.drafts import draft_save
from apps.reviews.services.items import items_submit
from apps.reviews.services.staging import staging_run
from apps.reviews.states import Outcome

FALLBACK_REASON = "Some identities have no agent yet; security decides them this time."
# Who has decided all they were asked, and who has only begun, by mail address before the @.
DONE, BEGUN = ("data", "analytics"), ("finance", "sales")
KEPT = "Still needed for what the agent does every day; nothing smaller would do."
ENDED = "Nobody could say what this is for."


def running_review_load(*, people: dict[str, User], actor: Person) -> Campaign:
    """Start this quarter's review and let some people answer."""
    template = quarterly()
    due = quarters_of(template, timezone.now())[-1]
    campaign = campaign_create_from_template(
        template_id=template.pk, occurrence_at=due, name=named(template, due), actor=actor
    )
    campaign_stage(campaign_id=campaign.pk, actor=actor)
    staging_run(job_id=jobs_of(campaign).latest("pk").pk)
    campaign_launch(campaign_id=campaign.pk, actor=actor, fallback_reason=FALLBACK_REASON)
    for name in DONE:
        _answer(campaign, Person(people[name], Channel.COMMAND), every=1)
        items_submit(campaign_id=campaign.pk, actor=Person(people[name], Channel.COMMAND))
    for name in BEGUN:
        _answer(campaign, Person(people[name], Channel.COMMAND), every=2)
    return campaign


def _answer(campaign: Campaign, actor: Person, *, every: int) -> None:
    """Draft one item in so many: keep what was used lately, end what never was."""
    items = ReviewItem.objects.assigned_to(actor).waiting().filter(campaign=campaign)
    until = timezone.localdate() + timedelta(days=90)
    for item in items.order_by("pk")[::every]:
        unused = item.frozen["last_used_at"] is None
        chosen = (
            Chosen(outcome=Outcome.REVOKE, reason=ENDED, hits="all")
            if unused
            else Chosen(outcome=Outcome.KEEP, reason=KEPT, until=until)
        )
        draft_save(item_id=item.pk, chosen=chosen, version=0, actor=actor)
