"""Who may have credentials issued, see what was, and end it."""

from apps.core.actors import Actor, Machine, Person, Role, System
from apps.core.policies import ALLOW, Verdict, deny
from apps.inventory.models import Agent
from apps.inventory.policies import AUDITORS_READ, benefits, manages
from apps.inventory.states import ISSUE_CREDENTIALS, AgentState
from apps.issuing.models import Issuance
from apps.issuing.states import IssuanceState


def can_browse(actor: Actor) -> Verdict:
    return ALLOW if actor.role else deny("You have no role yet. A steward can give you one.")


def can_issue(actor: Actor, agent: Agent) -> Verdict:
    """Have a credential issued: an agent itself, signed in with its own client. Nobody else."""
    if not isinstance(actor, Machine) or actor.agent_id != agent.pk:
        return deny("Only the agent itself is issued credentials.")
    if ISSUE_CREDENTIALS not in actor.scopes:
        return deny(f"This client lacks the scope {ISSUE_CREDENTIALS}.")
    if agent.state != AgentState.ACTIVE:
        return deny(f"The agent is {agent.get_state_display().lower()}: nothing is issued to it.")
    return ALLOW


def can_end(actor: Actor, issuance: Issuance) -> Verdict:
    """End what was issued: whoever answers for the agent, a steward, or the agent itself."""
    if issuance.state == IssuanceState.ENDING:
        return deny("It is being ended.")
    if issuance.state not in {IssuanceState.ACTIVE, IssuanceState.END_FAILED}:
        return deny(f"There is nothing to end: {issuance.get_state_display().lower()}.")
    if not issuance.external_id:
        return deny("The system never told its name, so nothing can end it before its time.")
    if isinstance(actor, System) or actor.role == Role.STEWARD:
        return ALLOW
    if isinstance(actor, Machine):
        own = actor.agent_id == issuance.agent_id and ISSUE_CREDENTIALS in actor.scopes
        return ALLOW if own else deny("It was issued to another agent.")
    return _answers_for(actor, issuance.agent)


def _answers_for(actor: Person, agent: Agent) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if actor.role == Role.REVIEWER and (benefits(actor, agent) or manages(actor, agent)):
        return ALLOW
    return deny("Only the agent's owners, its team's manager, or a steward may end it.")
