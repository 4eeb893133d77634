from apps.core.actors import Actor, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.findings.models import Finding
from apps.findings.states import FINDING_MOVES, FindingState


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_recheck(actor: Actor) -> Verdict:
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    return deny(
        "Only a steward may check the rules out of turn. They are checked every quarter hour."
    )


def can_judge(actor: Actor, finding: Finding) -> Verdict:
    """Acknowledge, snooze, or reopen: a steward, or whoever sees it because they answer for it."""
    if not isinstance(actor, Person) or actor.role not in {Role.STEWARD, Role.REVIEWER}:
        return deny("Only a steward or whoever answers for the agent may judge a finding.")
    if finding.state == FindingState.RESOLVED:
        return deny("It no longer holds, so there is nothing to say about it.")
    return ALLOW


def can_accept_risk(actor: Actor, finding: Finding) -> Verdict:
    if actor.role != Role.STEWARD or not isinstance(actor, Person):
        return deny("Only a steward may accept a risk.")
    if finding.agent is not None and actor.user.pk in {
        finding.agent.owner_id,
        finding.agent.technical_owner_id,
    }:
        return deny("You answer for this agent, so somebody else must accept its risk.")
    if not FINDING_MOVES.can(finding.state, FindingState.RISK_ACCEPTED):
        return deny(f"This finding is {finding.get_state_display().lower()}.")
    return ALLOW
