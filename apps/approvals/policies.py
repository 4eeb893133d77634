"""Who may ask, judge, put in place, and set how access is approved."""

from apps.approvals.models import AccessRequest, BreakGlass, RemovalProposal, RequestStep
from apps.approvals.querysets.break_glass import WATCHING
from apps.approvals.selectors.break_glass import people_in, reviewers_of
from apps.approvals.selectors.found import is_explained
from apps.approvals.states import BreakGlassState, GroupKey, ProposalState, RequestState
from apps.core.actors import Actor, Machine, Person, Role, System, reads_everything
from apps.core.policies import ALLOW, Verdict, deny
from apps.grants.models import Grant
from apps.grants.states import LIVE, WRITING
from apps.inventory.models import Agent
from apps.inventory.policies import AUDITORS_READ, can_browse
from apps.inventory.states import AgentState
from apps.remediation.models import Order

__all__ = ["can_browse"]

ASK_SCOPE = "requests:write"
AGENTS_NEVER = "Agents may ask; they never approve."


def can_ask_some(actor: Actor) -> Verdict:
    """Open the door to asking; `can_ask` judges the agent."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if isinstance(actor, Machine):
        return ALLOW if ASK_SCOPE in actor.scopes else deny(f"This client lacks {ASK_SCOPE}.")
    if isinstance(actor, System) or actor.role in {Role.REVIEWER, Role.STEWARD}:
        return ALLOW
    return deny("Only a reviewer, a steward, or the agent itself may ask for access.")


def can_ask(actor: Actor, agent: Agent) -> Verdict:
    """Whoever answers for the agent, a steward, or the agent for itself."""
    verdict = can_ask_some(actor)
    if not verdict:
        return verdict
    if isinstance(actor, Machine) and actor.agent_id != agent.pk:
        return deny("An agent asks for itself alone.")
    if agent.state not in {AgentState.ACTIVE, AgentState.PROPOSED}:
        return deny(f"The agent is {agent.get_state_display().lower()}: it is given nothing new.")
    if reads_everything(actor) or Agent.objects.visible_to(actor).filter(pk=agent.pk).exists():
        return ALLOW
    return deny("Only those who answer for this agent, or a steward, may ask for it.")


def can_renew(actor: Actor, request: AccessRequest) -> Verdict:
    """Ask that access which is in place goes on: who may ask at all, while it has not ended."""
    if request.state != RequestState.PROVISIONED:
        return deny("Only access that is in place is renewed.")
    if request.access_ended_at is not None:
        return deny("It has ended. Ask for it anew.")
    if request.access_ends_at is None:
        return deny("It has no end, so there is nothing to renew.")
    return can_ask(actor, request.agent)


def can_renew_grant(actor: Actor, grant: Grant) -> Verdict:
    """Ask that a grant with an end goes on, to which no request led."""
    if grant.state not in LIVE or grant.gone_at is not None:
        return deny("This grant has ended. Ask for it anew.")
    if grant.expires_at is None:
        return deny("It has no end, so there is nothing to renew.")
    if grant.request_id is not None:
        return deny("A request led to it: renew that.")
    if grant.break_glass_uses.exists():
        return deny("Break-glass access is not renewed. Ask for access.")
    return can_ask_some(actor)


def can_ask_for_found(actor: Actor, grant: Grant) -> Verdict:
    """Ask for the approval of write access that is there and that no request explains."""
    verdict = _is_found(grant)
    return can_ask_some(actor) if verdict else verdict


def can_order_removal(actor: Actor, grant: Grant) -> Verdict:
    """Order that such access goes: who answers for the agent or the system, or a steward."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    verdict = _is_found(grant)
    if not verdict:
        return verdict
    if Order.objects.removing().filter(grant=grant).exists():
        return deny("Its removal is ordered already.")
    if reads_everything(actor) or _answers_for_grant(actor, grant):
        return ALLOW
    return deny("Whoever answers for its agent or its system, or a steward, orders it.")


def _is_found(grant: Grant) -> Verdict:
    if grant.state not in LIVE or grant.gone_at is not None:
        return deny("This grant has ended.")
    if grant.level not in WRITING:
        return deny("Read access is the default: nobody has to ask for it.")
    if grant.identity.is_service_linked:
        return deny("Its provider owns this identity and uses it itself.")
    return deny("It is explained already.") if is_explained(grant) else ALLOW


def _answers_for_grant(actor: Actor, grant: Grant) -> bool:
    if not isinstance(actor, Person) or actor.role != Role.REVIEWER:
        return False
    if grant.system.owner_id == actor.user.pk:
        return True
    return Grant.objects.visible_to(actor).filter(pk=grant.pk).exists()


def can_answer_proposal(actor: Actor, proposal: RemovalProposal) -> Verdict:
    """Keep what is not used, or order its removal: who wanted it, or a steward."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if proposal.state != ProposalState.OPEN:
        return deny(f"It is answered: {proposal.get_state_display().lower()}.")
    if reads_everything(actor):
        return ALLOW
    if isinstance(actor, Person) and actor.role and _answers_for(actor.user.pk, proposal.request):
        return ALLOW
    return deny("Whoever asked for it, an owner of the agent, or a steward answers.")


def can_break_glass(actor: Actor) -> Verdict:
    """Take access in an emergency that nobody approved: the people named for it, and no others."""
    if not isinstance(actor, Person):
        return deny("Only a person who is named for it breaks the glass.")
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    named = people_in(GroupKey.BREAK_GLASS)
    if not named:
        return deny("Nobody may: the group Break-glass is empty. A steward says who is in it.")
    if actor.role in {Role.REVIEWER, Role.STEWARD} and actor.user in named:
        return ALLOW
    return deny("Only the people in the group Break-glass may.")


def can_take(actor: Actor, agent: Agent) -> Verdict:
    verdict = can_break_glass(actor)
    if verdict and agent.state not in {AgentState.ACTIVE, AgentState.PROPOSED}:
        return deny(f"The agent is {agent.get_state_display().lower()}: it is given nothing new.")
    return verdict


def can_end_use(actor: Actor, use: BreakGlass) -> Verdict:
    """End an emergency before its time: whoever took it, watches it, or answers for the agent."""
    if isinstance(actor, System):
        return ALLOW
    if not use.is_in_force:
        return deny("It is over already.")
    if not isinstance(actor, Person) or actor.role not in {Role.REVIEWER, Role.STEWARD}:
        return deny(AUDITORS_READ if actor.role == Role.AUDITOR else "A person ends it.")
    agent = use.agent
    near = {use.taken_by_id, agent.owner_id, agent.technical_owner_id, use.system.owner_id}
    near |= {agent.team.manager_id} if agent.team else set()
    watches = actor.user.approver_groups.filter(key__in=WATCHING).exists
    if actor.role == Role.STEWARD or actor.user.pk in near or watches():
        return ALLOW
    return deny("Whoever took it, watches it, or answers for the agent ends it.")


def can_review_use(actor: Actor, use: BreakGlass) -> Verdict:
    """Judge an emergency afterwards: security, else a steward; never who took it or benefits."""
    if use.state == BreakGlassState.ACTIVE:
        return deny("It is still in force. It is reviewed once it is over.")
    if use.state == BreakGlassState.REVIEWED:
        return deny("It is reviewed.")
    if isinstance(actor, Person) and actor.user in reviewers_of(use):
        return ALLOW
    if isinstance(actor, Person) and actor.user.pk == use.taken_by_id:
        return deny("You took it, so somebody else must review it.")
    return deny("Security reviews it, or a steward where nobody of security may.")


def is_beneficiary(user_id: int, request: AccessRequest) -> Verdict:
    """Whether somebody benefits from a request, and so never approves it. Truthy if they do."""
    agent = request.agent
    if request.asked_by_id == user_id:
        return Verdict(allowed=True, reason="You asked for this, so someone else must judge it.")
    if user_id == agent.owner_id:
        return Verdict(allowed=True, reason="You own the agent that receives it.")
    if user_id == agent.technical_owner_id:
        return Verdict(allowed=True, reason="You are the technical owner of the agent.")
    if request.notes.filter(kind="joined", author=user_id).exists():
        return Verdict(allowed=True, reason="You asked for the same, so someone else must judge.")
    if request.identity.credentials.filter(made_by=user_id).exists():
        return Verdict(allowed=True, reason="You made a credential of the identity it goes to.")
    return Verdict(allowed=False)


def can_vote(actor: Actor, request: AccessRequest) -> Verdict:
    """Judge the step that runs: somebody it asks, who does not benefit, once in a round."""
    if not isinstance(actor, Person):
        machine = isinstance(actor, Machine)
        return deny(AGENTS_NEVER if machine else "Countersign approves nothing by itself.")
    for verdict in (_judges(actor), _is_judged(request)):
        if not verdict:
            return verdict
    benefits = is_beneficiary(actor.user.pk, request)
    if benefits:
        return deny(benefits.reason)
    return _is_asked(actor, request)


def _judges(actor: Person) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if actor.role in {Role.REVIEWER, Role.STEWARD}:
        return ALLOW
    return deny("Only a reviewer or a steward judges requests.")


def _is_judged(request: AccessRequest) -> Verdict:
    if request.state == RequestState.SUBMITTED:
        return deny("No policy covers this request yet, so nobody may approve it.")
    if request.state != RequestState.PENDING:
        return deny(f"The request is {request.get_state_display().lower()}: nothing is judged now.")
    return ALLOW


def _is_asked(actor: Person, request: AccessRequest) -> Verdict:
    if not request.approvers.filter(person=actor.user, step_at=request.step_at).exists():
        return deny(_not_asked(request))
    if request.votes.filter(person=actor.user, round=request.round).exists():
        return deny("You have judged this request. One person counts once in the whole of it.")
    return ALLOW


def _not_asked(request: AccessRequest) -> str:
    step = RequestStep.objects.filter(request=request, position=request.step_at).first()
    return f"The step “{step}” asks other people."


def can_cancel(actor: Actor, request: AccessRequest) -> Verdict:
    """Whoever asked, whoever answers for the agent, or a steward; until it is in place."""
    if not request.is_open:
        return deny(f"The request is {request.get_state_display().lower()} already.")
    if isinstance(actor, Machine):
        asked = request.asked_by_client == actor.client_id
        return ALLOW if asked else deny("Another client asked for this.")
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if reads_everything(actor):
        return ALLOW
    if isinstance(actor, Person) and _answers_for(actor.user.pk, request):
        return ALLOW
    return deny("Whoever asked, the agent's owners, or a steward may cancel it.")


def _answers_for(user_id: int, request: AccessRequest) -> bool:
    agent = request.agent
    return user_id in {request.asked_by_id, agent.owner_id, agent.technical_owner_id}


def can_question(actor: Actor, request: AccessRequest) -> Verdict:
    """Somebody it asks or asked, or a steward."""
    if not isinstance(actor, Person) or actor.role not in {Role.REVIEWER, Role.STEWARD}:
        return deny("Reviewers and stewards ask questions.")
    if request.state not in {RequestState.PENDING, RequestState.SUBMITTED}:
        return deny("It is judged already; there is nothing left to ask.")
    if actor.role == Role.STEWARD or request.approvers.filter(person=actor.user).exists():
        return ALLOW
    return deny("Those who are asked to approve ask questions.")


def can_answer(actor: Actor, request: AccessRequest) -> Verdict:
    """Whoever asked for it, or answers for the agent."""
    if not request.is_open:
        return deny("The request is over; its questions stay as they are.")
    if isinstance(actor, Person) and _answers_for(actor.user.pk, request):
        return ALLOW
    return deny("Whoever asked for it, or an owner of the agent, answers.")


def can_provision(actor: Actor, request: AccessRequest) -> Verdict:
    """Say that it is in place: a steward or the system's owner, never who benefits."""
    if isinstance(actor, System):
        return ALLOW
    if request.state != RequestState.APPROVED:
        return deny("Only an approved request is put in place.")
    if not isinstance(actor, Person) or actor.role not in {Role.REVIEWER, Role.STEWARD}:
        return deny("A steward or the system's owner puts it in place.")
    if actor.role != Role.STEWARD and actor.user.pk != request.system.owner_id:
        return deny("A steward or the system's owner puts it in place.")
    benefits = is_beneficiary(actor.user.pk, request)
    return deny(benefits.reason) if benefits else ALLOW


def can_export(actor: Actor) -> Verdict:
    """Open the door to packages of evidence, which judge the request or period themselves."""
    if isinstance(actor, System) or actor.role in {Role.STEWARD, Role.AUDITOR}:
        return ALLOW
    return deny("Stewards and auditors export evidence.")


def can_set_policies(actor: Actor) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if reads_everything(actor):
        return ALLOW
    return deny("Only a steward sets who approves.")
