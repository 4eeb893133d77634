"""Campaigns: made by hand or from a template, cancelled, and all that others may ask of them."""

from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor
from apps.core.errors import DomainError
from apps.core.policies import enforce
from apps.remediation.models import Order
from apps.reviews.carrying import DEFAULT_DAYS
from apps.reviews.models import Campaign, ReviewItem, Template
from apps.reviews.policies import campaigns as policies
from apps.reviews.recurrence import deadline_after, deadline_on
from apps.reviews.scope import Scope
from apps.reviews.selectors.beyond import beyond, scope_beyond
from apps.reviews.services.acknowledging import campaign_acknowledge
from apps.reviews.services.closing import campaign_close
from apps.reviews.services.deadline import campaign_decide, hold_decide
from apps.reviews.services.launching import campaign_launch, campaign_remind
from apps.reviews.services.moves import campaign_move, items_move
from apps.reviews.services.staging import campaign_stage
from apps.reviews.states import CampaignState, Disposition, ItemState

__all__ = [
    "NewCampaign",
    "campaign_acknowledge",
    "campaign_cancel",
    "campaign_close",
    "campaign_create",
    "campaign_create_beyond",
    "campaign_create_from_template",
    "campaign_decide",
    "campaign_launch",
    "campaign_remind",
    "campaign_stage",
    "hold_decide",
    "items_exclude",
]


DAYS_BEYOND = 14


@dataclass(frozen=True, slots=True)
class NewCampaign:
    """What a campaign is made of. The deadline is the end of `deadline_on` in `time_zone`."""

    name: str
    fallback_reviewer: User
    run_by: User
    deadline_on: date
    scope: Scope = field(default_factory=Scope)
    instructions: str = ""
    no_answer: str = "standard"
    carry_forward: str = ""
    carry_days: int = DEFAULT_DAYS
    time_zone: str = "UTC"


@transaction.atomic
def campaign_create(*, new: NewCampaign, actor: Actor) -> Campaign:
    """Make a draft by hand. Raises `DomainError` where it could never be run."""
    enforce(policies.can_plan(actor))
    return _created(
        actor,
        name=_free_name(new.name.strip()),
        scope=new.scope.stored(),
        instructions=new.instructions,
        no_answer=new.no_answer,
        carry_forward=new.carry_forward,
        carry_days=new.carry_days,
        time_zone=new.time_zone,
        deadline_at=deadline_on(new.deadline_on, new.time_zone, timezone.now()),
        fallback_reviewer=new.fallback_reviewer,
        run_by=new.run_by,
    )


@transaction.atomic
def campaign_create_from_template(
    *,
    template_id: int,
    actor: Actor,
    occurrence_at: datetime | None = None,
    name: str = "",
) -> Campaign:
    """Make a draft that copies a template; a later change of the template changes nothing in it.

    Where the template recurs, the database holds one campaign per occurrence.
    """
    enforce(policies.can_plan(actor))
    people = Template.objects.select_related("fallback_reviewer", "run_by")
    template = people.locked(template_id)
    if template.retired_at is not None:
        raise DomainError("This template is retired.")
    if occurrence_at and template.campaigns.filter(occurrence_at=occurrence_at).exists():
        raise DomainError("Somebody has just started this occurrence. Go on with their campaign.")
    now = timezone.now()
    day = timezone.localtime(occurrence_at or now)
    return _created(
        actor,
        template=template,
        occurrence_at=occurrence_at,
        name=_free_name(name.strip() or f"{template.name}, {day:%-d %B %Y}"),
        scope=template.scope,
        instructions=template.instructions,
        no_answer=template.no_answer,
        carry_forward=template.carry_forward,
        carry_days=template.carry_days,
        time_zone=template.time_zone,
        deadline_at=deadline_after(template.days_to_decide, template.time_zone, now),
        fallback_reviewer=template.fallback_reviewer,
        run_by=template.run_by,
    )


@transaction.atomic
def campaign_create_beyond(*, campaign_id: int, actor: Actor) -> Campaign:
    """Make a small draft about what is new beside a running campaign, and under its rules."""
    enforce(policies.can_plan(actor))
    people = Campaign.objects.select_related("fallback_reviewer", "run_by", "template")
    old = people.locked(campaign_id)
    enforce(policies.can_start_beyond(actor, old))
    if not beyond(old).count:
        raise DomainError("Nothing is new: everything in its scope is in its population.")
    days = old.template.days_to_decide if old.template else DAYS_BEYOND
    return _created(
        actor,
        name=_free_name(f"New beside {old.name}"[:140]),
        scope=scope_beyond(old).stored(),
        instructions=old.instructions,
        no_answer=old.no_answer,
        time_zone=old.time_zone,
        deadline_at=deadline_after(days, old.time_zone, timezone.now()),
        fallback_reviewer=old.fallback_reviewer,
        run_by=old.run_by,
    )


def _free_name(name: str) -> str:
    """The name, or the first of `name (2)`, `name (3)`, ... that no campaign has."""
    if not name:
        raise DomainError("A campaign needs a name.")
    taken = set(Campaign.objects.filter(name__startswith=name).values_list("name", flat=True))
    number, free = 1, name
    while free in taken:
        number += 1
        free = f"{name} ({number})"
    return free


def _created(actor: Actor, **values: Any) -> Campaign:
    for person in (values["fallback_reviewer"], values["run_by"]):
        if not User.objects.who_may_decide().filter(pk=person.pk).exists():
            raise DomainError(f"{person} is not active, or may not decide. Name somebody else.")
    campaign = Campaign.objects.create(**values)
    record(
        actor=actor,
        verb=Verb.CAMPAIGN_CREATED,
        target=campaign,
        changes={
            "state": (None, campaign.state),
            "scope": (None, campaign.scope),
            **({"carry_forward": (None, campaign.carry_rule)} if campaign.carry_forward else {}),
        },
    )
    return campaign


@transaction.atomic
def campaign_cancel(*, campaign_id: int, reason: str, actor: Actor) -> Campaign:
    """End a campaign without a result. Its items stay as they were, and stay searchable."""
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_cancel(actor, campaign))
    if not reason.strip():
        raise DomainError("Say why it is cancelled.")
    if Order.objects.of_campaign(campaign.pk).exists():
        raise DomainError("Orders are planned already, so this campaign goes on to its end.")
    campaign.cancel_reason = reason.strip()
    return campaign_move(
        campaign,
        CampaignState.CANCELLED,
        actor=actor,
        reason=campaign.cancel_reason,
        also=["cancel_reason"],
    )


@transaction.atomic
def items_exclude(*, item_ids: list[int], reason: str, actor: Actor) -> int:
    """Leave items of a staged campaign out, with a reason; they stay in the population."""
    if not reason.strip():
        raise DomainError("Say why it is left out.")
    items = list(
        ReviewItem.objects.select_for_update(of=["self"])
        .filter(pk__in=item_ids, state=ItemState.OPEN)
        .select_related("campaign")
        .order_by("pk")
    )
    for campaign in {item.campaign for item in items}:
        enforce(policies.can_exclude(actor, Campaign.objects.locked(campaign.pk)))
    items_move(items, ItemState.EXCLUDED, Disposition.EXCLUDED, actor=actor, reason=reason.strip())
    return len(items)
