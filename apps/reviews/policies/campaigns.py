from django.utils import timezone

from apps.core.actors import Actor, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.inventory.querysets.scope import is_limited_auditor
from apps.reviews.models import Campaign, Hold
from apps.reviews.states import AFTER_LAUNCH, CAMPAIGN_MOVES, CampaignState, HoldState


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_plan(actor: Actor) -> Verdict:
    """Make campaigns and templates, and run them."""
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny("Only a steward runs reviews.")


def _moves(actor: Actor, campaign: Campaign, state: CampaignState, refusal: str) -> Verdict:
    may = can_plan(actor)
    if not may:
        return may
    if not CAMPAIGN_MOVES.can(campaign.state, state):
        return deny(refusal.format(state=campaign.get_state_display().lower()))
    return ALLOW


def can_stage(actor: Actor, campaign: Campaign) -> Verdict:
    return _moves(
        actor,
        campaign,
        CampaignState.STAGING,
        "The population is frozen once; this campaign is {state}.",
    )


def can_launch(actor: Actor, campaign: Campaign) -> Verdict:
    refusal = "Only a staged campaign can be launched; this one is {state}."
    may = _moves(actor, campaign, CampaignState.RUNNING, refusal)
    if may and campaign.population_count == 0:
        return deny("Nothing is in this campaign. Stage it with a wider scope.")
    return may


def can_exclude(actor: Actor, campaign: Campaign) -> Verdict:
    may = can_plan(actor)
    if may and campaign.state != CampaignState.STAGED:
        return deny("Items are excluded between staging and launch, never later.")
    return may


def can_remind(actor: Actor, campaign: Campaign) -> Verdict:
    may = can_plan(actor)
    if may and campaign.state != CampaignState.RUNNING:
        return deny("Nobody is being asked: the campaign is not running.")
    return may


def can_start_beyond(actor: Actor, campaign: Campaign) -> Verdict:
    """Make a small campaign about access that is new beside a launched one."""
    may = can_plan(actor)
    if may and campaign.state not in AFTER_LAUNCH:
        return deny("Nothing is new yet: the campaign is not launched, so stage it anew.")
    return may


def can_decide(actor: Actor, campaign: Campaign) -> Verdict:
    """End the deciding: when the deadline has passed, or earlier with a reason."""
    refusal = "Only a running campaign can be ended; this one is {state}."
    return _moves(actor, campaign, CampaignState.DECIDED, refusal)


def can_close_early(actor: Actor, campaign: Campaign) -> Verdict:
    may = can_decide(actor, campaign)
    if may and campaign.deadline_at <= timezone.now():
        return deny("The deadline has passed; the campaign ends by itself.")
    return may


def can_cancel(actor: Actor, campaign: Campaign) -> Verdict:
    return _moves(
        actor,
        campaign,
        CampaignState.CANCELLED,
        "A campaign can be cancelled until its orders are planned; this one is {state}.",
    )


def can_close(actor: Actor, campaign: Campaign) -> Verdict:
    return _moves(
        actor,
        campaign,
        CampaignState.CLOSED,
        "A campaign closes once every order is settled; this one is {state}.",
    )


def can_decide_hold(actor: Actor, hold: Hold) -> Verdict:
    """Release or refuse a batch: a second person, never the one whose batch it is."""
    if not isinstance(actor, Person) or not _is_management(actor):
        return deny("A steward or a team's manager decides a held batch.")
    if hold.state != HoldState.HELD:
        return deny(f"This batch is {hold.get_state_display().lower()} already.")
    if actor.user.pk == hold.placed_by_id:
        return deny("You ended the deciding, so a second person must look at what follows.")
    if actor.user.pk == hold.campaign.run_by_id:
        return deny("You run this campaign, so a second person must look at what follows.")
    return ALLOW


def can_acknowledge(actor: Actor, campaign: Campaign) -> Verdict:
    """Management acknowledges: not the one who ran the review."""
    if not isinstance(actor, Person) or not _is_management(actor):
        return deny("A manager acknowledges: somebody who manages a team, or a steward.")
    if actor.user.pk == campaign.run_by_id:
        return deny("You ran this campaign, so another manager must acknowledge it.")
    if campaign.state == CampaignState.ACKNOWLEDGED:
        return deny("It has been acknowledged already.")
    if campaign.state != CampaignState.CLOSED:
        return deny(
            f"Only a closed campaign can be acknowledged; this one is"
            f" {campaign.get_state_display().lower()}."
        )
    return ALLOW


def can_see_whole(actor: Actor, campaign: Campaign) -> Verdict:
    """Read every item, and what the campaign left out."""
    if is_limited_auditor(actor):
        return deny("Your seat covers some systems: you see the items of those.")
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("You see your own items on the bench; stewards and auditors see all of them.")


def can_export(actor: Actor, campaign: Campaign) -> Verdict:
    may = can_see_whole(actor, campaign)
    if may and campaign.state not in AFTER_LAUNCH:
        return deny("There is evidence once the campaign has been launched.")
    return may


def _is_management(actor: Person) -> bool:
    if actor.role == Role.STEWARD:
        return True
    return actor.role == Role.REVIEWER and actor.user.manages.exists()
