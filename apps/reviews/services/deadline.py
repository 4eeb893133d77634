"""When the time is up: what was said becomes final, silence never approves, orders follow.

A campaign moves to *decided* at once, so that no late answer slips in; a job then makes every
item final in chunks, plans the orders, and moves the campaign on. A batch of unanswered write
access that is too large waits, held, for a second person.
"""

from datetime import datetime

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.models import User
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.core.actors import Actor, Person, Role
from apps.core.errors import DomainError
from apps.core.jobs import job_start
from apps.core.policies import enforce
from apps.grants.states import Level
from apps.remediation.models import Order
from apps.reviews.models import Campaign, Hold, ReviewItem
from apps.reviews.policies import campaigns as policies
from apps.reviews.services.letters import announce_hold
from apps.reviews.services.moves import campaign_move, items_move
from apps.reviews.services.ordering import plan_orders_of
from apps.reviews.services.phases import CHUNK, Phase, Work, run_phases
from apps.reviews.states import (
    HOLD_MOVES,
    CampaignState,
    Disposition,
    HoldState,
    ItemState,
    Outcome,
)

NO_ANSWER = "no_answer"
ENDS_AS = {
    Outcome.KEEP: Disposition.KEPT,
    Outcome.NARROW: Disposition.NARROWED,
    Outcome.REVOKE: Disposition.REVOKED,
    Outcome.ROTATE: Disposition.ROTATED,
}


@transaction.atomic
def campaign_decide(*, campaign_id: int, actor: Actor, early_reason: str = "") -> Campaign:
    """End the deciding: at the deadline, or earlier with a reason."""
    campaign = Campaign.objects.locked(campaign_id)
    enforce(policies.can_decide(actor, campaign))
    campaign.early_close_reason = early_reason.strip()
    campaign.decided_at = timezone.now()
    if campaign.decided_at < campaign.deadline_at and not campaign.early_close_reason:
        raise DomainError("The deadline has not passed. Say why the deciding ends early.")
    campaign_move(
        campaign,
        CampaignState.DECIDED,
        actor=actor,
        reason=campaign.early_close_reason,
        also=["early_close_reason", "decided_at"],
    )
    _start_settling(campaign, actor)
    return campaign


@transaction.atomic
def campaign_decide_due(*, campaign_id: int, moment: datetime, actor: Actor) -> Campaign | None:
    """End the deciding if its deadline has passed and nobody else is ending it."""
    due = Campaign.objects.past_deadline(moment).filter(pk=campaign_id)
    if not due.select_for_update(of=["self"], skip_locked=True).exists():
        return None
    return campaign_decide(campaign_id=campaign_id, actor=actor)


def campaigns_decide_due(*, moment: datetime, actor: Actor) -> int:
    """End the deciding of every campaign whose deadline has passed. Returns how many."""
    due = list(Campaign.objects.past_deadline(moment).order_by("pk").values_list("pk", flat=True))
    ended = [campaign_decide_due(campaign_id=pk, moment=moment, actor=actor) for pk in due]
    return sum(campaign is not None for campaign in ended)


def _start_settling(campaign: Campaign, actor: Actor) -> None:
    job_start(kind="deciding", task="reviews.settle_campaign", subject=campaign, actor=actor)


def settling_run(*, job_id: int) -> None:
    """Do, or go on with, what follows the deadline."""
    phases: dict[str, Phase] = {
        "answered": _while_decided(_make_answers_final),
        "reads": _while_decided(_leave_reads_uncertified),
        "hold": _while_decided(_hold_large_batch),
        "unanswered": _while_decided(_unless_held(_end_unanswered)),
        "orders": _while_decided(_unless_held(plan_orders_of)),
        "move on": _while_decided(_unless_held(_move_on)),
    }
    run_phases(job_id=job_id, phases=phases)


def _while_decided(phase: Phase) -> Phase:
    return lambda work: work.campaign.state == CampaignState.DECIDED and phase(work)


def _unless_held(phase: Phase) -> Phase:
    def waiting(work: Work) -> bool:
        if _hold_of(work.campaign, HoldState.HELD):
            work.message = "Held for a second person."
            return False
        return phase(work)

    return waiting


def _make_answers_final(work: Work) -> bool:
    items = _chunk(work, Q(state=ItemState.DECIDED) & ~Q(decision__outcome=Outcome.ABSTAIN))
    for outcome, disposition in ENDS_AS.items():
        of_outcome = [item for item in items if item.decision.outcome == outcome]
        items_move(of_outcome, ItemState.FINAL, disposition, actor=work.actor)
    return work.went_through([item.pk for item in items])


def _leave_reads_uncertified(work: Work) -> bool:
    """Unanswered read access stays, as an exception: never counted as reviewed."""
    items = _chunk(work, _UNANSWERED & ~_WRITING)
    items_move(
        items,
        ItemState.FINAL,
        Disposition.UNCERTIFIED,
        actor=work.actor,
        reason="No answer at the deadline: kept, uncertified, and asked again next time.",
    )
    return work.went_through([item.pk for item in items])


def _hold_large_batch(work: Work) -> bool:
    """Hold what silence would change, if it is more than one person's word should do."""
    campaign = work.campaign
    if campaign.holds.filter(kind=NO_ANSWER).exists():
        return False
    count = ReviewItem.objects.filter(_UNANSWERED & _WRITING, campaign=campaign).count()
    policy = campaign.policy
    many = count > policy.get("mass_change_count", 50)
    share = count * 100 > campaign.population_count * policy.get("mass_change_share", 10)
    if not count or not (many or share):
        return False
    hold = Hold.objects.create(
        campaign=campaign,
        kind=NO_ANSWER,
        count=count,
        share_percent=min(100, round(count * 100 / max(campaign.population_count, 1))),
        placed_by=work.actor.user if isinstance(work.actor, Person) else None,
    )
    record(
        actor=work.actor,
        verb=Verb.HOLD_PLACED,
        target=hold,
        changes={"state": (None, hold.state), "count": (None, count)},
    )
    announce_hold(hold, _who_may_look(hold), work.actor)
    return False


def _who_may_look(hold: Hold) -> list[User]:
    managers = Q(role=Role.REVIEWER, manages__isnull=False)
    people = User.objects.active().filter(Q(role=Role.STEWARD) | managers).distinct()
    others = people.exclude(pk__in=[hold.campaign.run_by_id, hold.placed_by_id or 0])
    return [one for one in others if _sees(one, hold.campaign)]


def _sees(user: User, campaign: Campaign) -> bool:
    """A manager sees the campaigns that ask about agents of their own, or ask them."""
    return Campaign.objects.visible_to(Person(user)).filter(pk=campaign.pk).exists()


def _end_unanswered(work: Work) -> bool:
    """Unanswered write and admin access is ordered suspended, or removed; or, where a second
    person refused that, stays as an exception."""
    refused = _hold_of(work.campaign, HoldState.REFUSED)
    if refused is not None:
        disposition = Disposition.UNCERTIFIED
        reason = f"No answer; {refused.decided_by} refused the batch: {refused.reason}"
    elif work.campaign.no_answer == "revoke":
        disposition = Disposition.WITHDRAWN
        reason = "No answer at the deadline: removal ordered."
    else:
        disposition = Disposition.SUSPENDED
        reason = "No answer at the deadline: suspension ordered."
    items = _chunk(work, _UNANSWERED & _WRITING)
    items_move(items, ItemState.FINAL, disposition, actor=work.actor, reason=reason)
    return work.went_through([item.pk for item in items])


def _move_on(work: Work) -> bool:
    campaign_move(work.campaign, CampaignState.REMEDIATING, actor=work.actor)
    if not Order.objects.of_campaign(work.campaign.pk).unsettled().exists():
        campaign_move(work.campaign, CampaignState.VERIFYING, actor=work.actor)
    work.message = "Every item is final, and every order is planned."
    return False


@transaction.atomic
def hold_decide(*, hold_id: int, release: bool, reason: str, actor: Person) -> Hold:
    """Release a held batch, or refuse it: a second person, with a reason."""
    hold = Hold.objects.select_for_update(of=["self"]).select_related("campaign").get(pk=hold_id)
    enforce(policies.can_decide_hold(actor, hold))
    if not reason.strip():
        raise DomainError("Say why: the evidence prints it.")
    state = HoldState.RELEASED if release else HoldState.REFUSED
    HOLD_MOVES.check(hold.state, state)
    before, hold.state = hold.state, state
    hold.decided_by, hold.decided_at, hold.reason = actor.user, timezone.now(), reason.strip()
    hold.save(update_fields=["state", "decided_by", "decided_at", "reason"])
    record(
        actor=actor,
        verb=Verb.HOLD_MOVED,
        target=hold,
        changes={"state": (before, state)},
        reason=hold.reason,
    )
    _start_settling(hold.campaign, actor)
    return hold


def _hold_of(campaign: Campaign, state: HoldState) -> Hold | None:
    rows = campaign.holds.filter(kind=NO_ANSWER, state=state)
    return rows.select_related("decided_by").order_by("-pk").first()


# An abstain still standing at the deadline counts as no answer.
_UNANSWERED = Q(state=ItemState.OPEN) | Q(
    state=ItemState.DECIDED, decision__outcome=Outcome.ABSTAIN
)
_WRITING = ~Q(level=Level.READ)


def _chunk(work: Work, condition: Q) -> list[ReviewItem]:
    """The next items of a kind, locked in primary key order."""
    return list(
        ReviewItem.objects.select_for_update(of=["self"])
        .filter(condition, campaign=work.campaign, pk__gt=work.after)
        .select_related("decision")
        .order_by("pk")[:CHUNK]
    )
