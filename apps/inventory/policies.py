"""Who may do what with agents, systems, identities, and credentials."""

from apps.core.actors import Actor, Person, Role, reads_everything
from apps.core.policies import ALLOW, Verdict, deny
from apps.inventory.models import Agent, AgentClient, Credential, Identity, System
from apps.inventory.states import APPEND_TRAIL, AgentState, ClientState

ONLY_STEWARDS = "Only a steward may do this."
AUDITORS_READ = "An auditor reads and exports; they change nothing."


def can_browse(actor: Actor) -> Verdict:
    if reads_everything(actor) or actor.role:
        return ALLOW
    return deny("Your account has no role yet. A steward can give you one.")


def _steward(actor: Actor, reason: str = ONLY_STEWARDS) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    return ALLOW if reads_everything(actor) else deny(reason)


def _user_id(actor: Actor) -> int | None:
    return actor.user.pk if isinstance(actor, Person) else None


def manages(actor: Actor, agent: Agent) -> bool:
    manager = agent.team.manager_id if agent.team is not None else None
    return manager is not None and manager == _user_id(actor)


def benefits(actor: Actor, agent: Agent) -> bool:
    """The owner and the technical owner gain from what their agent may do."""
    user = _user_id(actor)
    return user is not None and user in {agent.owner_id, agent.technical_owner_id}


def _answers_for(actor: Actor, agent: Agent) -> bool:
    if reads_everything(actor):
        return True
    return actor.role == Role.REVIEWER and (benefits(actor, agent) or manages(actor, agent))


def can_create_agent(actor: Actor) -> Verdict:
    """Stewards for anybody; a reviewer proposes agents of their own."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if reads_everything(actor) or actor.role == Role.REVIEWER:
        return ALLOW
    return deny("Only a reviewer or a steward may propose an agent.")


def can_create_agent_for(actor: Actor, owner_id: int | None) -> Verdict:
    verdict = can_create_agent(actor)
    if not verdict or reads_everything(actor) or owner_id == _user_id(actor):
        return verdict
    return deny("You may propose an agent that you own; a steward names other owners.")


def can_name_owners(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may name another owner or team.")


def can_change_agent(actor: Actor, agent: Agent) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if agent.state == AgentState.RETIRED:
        return deny("A retired agent no longer changes.")
    if _answers_for(actor, agent):
        return ALLOW
    return deny("Only the agent's owners, its team's manager, or a steward may change it.")


def can_change_owner(actor: Actor, agent: Agent) -> Verdict:
    if agent.state == AgentState.RETIRED:
        return deny("A retired agent no longer changes.")
    return _steward(actor, "Only a steward may name another owner or team.")


def can_accept_purpose(actor: Actor, agent: Agent) -> Verdict:
    """The team's manager accepts what a beneficiary wrote; a steward where the manager benefits."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if not agent.purpose_waits:
        return deny("No change of purpose waits to be accepted.")
    if benefits(actor, agent) or agent.purpose_changed_by_id == _user_id(actor):
        return deny("You benefit from this purpose, so the team's manager must accept it.")
    if isinstance(actor, Person) and (manages(actor, agent) or actor.role == Role.STEWARD):
        return ALLOW
    return deny("Only the team's manager or a steward may accept a purpose.")


def can_activate_agent(actor: Actor, agent: Agent) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if agent.state not in {AgentState.PROPOSED, AgentState.SUSPENDED}:
        return deny("Only a proposed or suspended agent can be activated.")
    if agent.owner_id is None:
        return deny("It has no owner. Name one first.")
    if not agent.purpose:
        return deny("It has no purpose. Write one first.")
    if reads_everything(actor) or (manages(actor, agent) and not benefits(actor, agent)):
        return ALLOW
    return deny("Only the team's manager, not being its owner, or a steward may activate it.")


def can_suspend_agent(actor: Actor, agent: Agent) -> Verdict:
    """Whoever answers for an agent may stop it."""
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if agent.state != AgentState.ACTIVE:
        return deny("Only an active agent can be suspended.")
    if _answers_for(actor, agent):
        return ALLOW
    return deny("Only the agent's owners, its team's manager, or a steward may suspend it.")


def can_retire_agent(actor: Actor, agent: Agent) -> Verdict:
    if actor.role == Role.AUDITOR:
        return deny(AUDITORS_READ)
    if agent.state == AgentState.RETIRED:
        return deny("It is retired already.")
    if _answers_for(actor, agent):
        return ALLOW
    return deny("Only the agent's owners, its team's manager, or a steward may retire it.")


def can_bind(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may say which identity an agent acts as.")


def can_choose_accountable(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may choose the accountable agent.")


def can_create_system(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may add a system.")


def can_change_system(actor: Actor, system: System) -> Verdict:
    if actor.role == Role.REVIEWER and system.owner_id == _user_id(actor):
        return ALLOW
    return _steward(actor, "Only the system's owner or a steward may change it.")


def can_change_credential(actor: Actor, credential: Credential) -> Verdict:
    """Say where its secret is kept: whoever answers for an agent that signs in with it."""
    if actor.role == Role.REVIEWER and _reaches(actor, credential.identity_id):
        return ALLOW
    return _steward(actor, "Only those who answer for its agents, or a steward, may change it.")


def can_move_credential(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may move a credential; removals go through an order.")


def can_hand_over(actor: Actor) -> Verdict:
    return _steward(actor, "Only a steward may hand agents over.")


def can_make_clients(actor: Actor) -> Verdict:
    """Open the door to an agent's API client; the rules below judge the agent and the client."""
    return _steward(actor, "Only a steward gives an agent a client of the API.")


def can_make_client(actor: Actor, agent: Agent) -> Verdict:
    verdict = can_make_clients(actor)
    if not verdict:
        return verdict
    running = _runs(agent)
    if not running:
        return running
    if agent.clients.active().exists():
        return deny("It has a client already. Give that one a new secret, or revoke it first.")
    return ALLOW


def can_change_collects(actor: Actor, client: AgentClient) -> Verdict:
    verdict = can_make_clients(actor)
    if not verdict:
        return verdict
    if client.state != ClientState.ACTIVE:
        return deny("This client is revoked.")
    if APPEND_TRAIL not in client.scopes:
        return deny("It may not deliver to the trail, so it collects for nobody.")
    return ALLOW


def can_rotate_client(actor: Actor, client: AgentClient) -> Verdict:
    verdict = can_make_clients(actor)
    return can_use_client(client) if verdict else verdict


def can_revoke_client(actor: Actor, client: AgentClient) -> Verdict:
    if client.state != ClientState.ACTIVE:
        return deny("It is revoked already.")
    return can_make_clients(actor)


def can_use_client(client: AgentClient) -> Verdict:
    """Whether its agent may sign in with it now: not once it or the agent is stopped."""
    if client.state != ClientState.ACTIVE:
        return deny("This client is revoked.")
    return _runs(client.agent)


def _runs(agent: Agent) -> Verdict:
    if agent.state in {AgentState.SUSPENDED, AgentState.RETIRED}:
        return deny(f"The agent is {agent.get_state_display().lower()}: it may not use the API.")
    return ALLOW


def _reaches(actor: Actor, identity_id: int) -> bool:
    return Identity.objects.visible_to(actor).filter(pk=identity_id).exists()
