from apps.core.actors import Actor, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.grants.states import WRITING
from apps.reviews.models import ReviewItem
from apps.reviews.policies.campaigns import can_browse
from apps.reviews.states import CampaignState, ItemState

MOST_REASSIGNMENTS = 2


def can_use_bench(actor: Actor) -> Verdict:
    """Open a bench: people who may be given items. Whose items it shows is another question."""
    if isinstance(actor, Person) and actor.role in {Role.REVIEWER, Role.STEWARD}:
        return ALLOW
    may = can_browse(actor)
    return deny("Auditors read decisions; they make none.") if may else may


def may_judge(user_id: int, item: ReviewItem) -> Verdict:
    """Nobody judges their own. Read `grant`, `credential`, `binding`, `agent` with the item."""
    grant, credential, binding = item.grant, item.credential, item.binding
    if grant is not None and grant.requested_by_id == user_id:
        return deny("You asked for this access, so someone else must review it.")
    if grant is not None and grant.granted_by_id == user_id:
        return deny("You granted this access, so someone else must review it.")
    if credential is not None and credential.made_by_id == user_id:
        return deny("You made this credential, so someone else must review it.")
    if binding is not None and binding.bound_by_id == user_id:
        return deny("You bound this agent, so someone else must review it.")
    if item.level in WRITING and item.agent is not None and item.agent.owner_id == user_id:
        return deny("You own this agent: you attest the need of its write access, others decide.")
    return ALLOW


def is_askable(item: ReviewItem) -> Verdict:
    """Whether anybody may still decide or write beside it."""
    if item.campaign.state != CampaignState.RUNNING:
        state = item.campaign.get_state_display().lower()
        return deny(f"The campaign is {state}: nothing is decided in it now.")
    if item.state != ItemState.OPEN:
        return deny(f"This item is {item.get_state_display().lower()} already.")
    return ALLOW


def can_draft(actor: Actor, item: ReviewItem) -> Verdict:
    """Prepare a decision: the reviewer the item is assigned to, unless it is their own."""
    if not isinstance(actor, Person) or item.reviewer_id != actor.user.pk:
        return deny("This item is assigned to someone else.")
    return is_askable(item) and may_judge(actor.user.pk, item)


can_decide = can_draft


def can_reassign(actor: Actor, item: ReviewItem) -> Verdict:
    if not isinstance(actor, Person) or not _runs_or_reviews(actor, item):
        return deny("Its reviewer, a steward, or whoever runs the campaign may reassign it.")
    if item.reassigned_count >= MOST_REASSIGNMENTS:
        return deny("It has been reassigned twice; whoever has it now must decide it.")
    return is_askable(item)


def can_be_given(user_id: int, item: ReviewItem) -> Verdict:
    """Whether somebody else may be made the reviewer of an item."""
    if user_id == item.reviewer_id:
        return deny("They have this item already.")
    refusal = may_judge(user_id, item)
    if not refusal:
        return deny("They own, asked for, granted, or made this access: nobody judges their own.")
    return ALLOW


def can_ask(actor: Actor, item: ReviewItem) -> Verdict:
    if not isinstance(actor, Person) or item.reviewer_id != actor.user.pk:
        return deny("Only its reviewer asks the owner; others may comment.")
    if owner_of(item) is None:
        return deny("Nobody owns this agent, so there is nobody to ask.")
    if owner_of(item) == actor.user.pk:
        return deny("You are the owner yourself.")
    return is_askable(item)


def can_answer(actor: Actor, item: ReviewItem) -> Verdict:
    if not isinstance(actor, Person) or owner_of(item) != actor.user.pk:
        return deny("The owner was asked, and answers.")
    return is_askable(item)


def can_attest(actor: Actor, item: ReviewItem) -> Verdict:
    if not isinstance(actor, Person) or item.attester_id != actor.user.pk:
        return deny("Only the agent's owner attests the need.")
    return is_askable(item)


def can_comment(actor: Actor, item: ReviewItem) -> Verdict:
    """Anybody who sees the item and may write at all; auditors change nothing."""
    if not isinstance(actor, Person) or actor.role not in {Role.REVIEWER, Role.STEWARD}:
        return deny("Reviewers and stewards comment.")
    return is_askable(item)


def can_disown(actor: Actor, item: ReviewItem) -> Verdict:
    """Say that an item is not one's own to decide, and propose somebody."""
    if not isinstance(actor, Person) or item.reviewer_id != actor.user.pk:
        return deny("This item is assigned to someone else.")
    return is_askable(item)


def can_hand_over(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward hands items over.")


def owner_of(item: ReviewItem) -> int | None:
    """Who answers for the need: the one asked to attest, else the agent's owner."""
    if item.attester_id is not None:
        return item.attester_id
    return item.agent.owner_id if item.agent is not None else None


def _runs_or_reviews(actor: Person, item: ReviewItem) -> bool:
    concerned = {item.reviewer_id, item.campaign.run_by_id}
    return actor.role == Role.STEWARD or actor.user.pk in concerned
