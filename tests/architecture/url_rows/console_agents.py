from django.utils import timezone

from apps.inventory.states import AgentState
from tests.architecture.url_matrix import DECIDERS, EVERYBODY, RECORD, STEWARDS, Row, inside
from tests.factories.inventory import AgentClientFactory, AgentFactory

# An act of those who answer for the agent: a stranger's agent does not exist for them.
ACT = inside(404, 200, 403, 403)


def _agent():
    return [AgentFactory(purpose="Answers tickets.").pk]


def _in_state(state):
    return lambda: [AgentFactory(active=True, state=state).pk]


def _with_client():
    return [AgentClientFactory().agent_id]


def _with_collector():
    return [AgentClientFactory(scopes=["trail:append"]).agent_id]


def _waiting():
    agent = AgentFactory(purpose="Pays invoices.")
    agent.purpose_changed_at, agent.purpose_changed_by = timezone.now(), agent.owner
    agent.save()
    return [agent.pk]


ROWS = {
    "console:agent_new": Row(DECIDERS),
    "console:agent_detail": Row(RECORD, _agent),
    "console:agent_edit": Row(ACT, _agent),
    "console:agent_bind": Row(STEWARDS, _agent),
    "console:agent_change_purpose": Row(ACT, _agent),
    "console:agent_accept_purpose": Row(ACT, _waiting),
    "console:agent_change_owner": Row(STEWARDS, _agent),
    "console:agent_activate": Row(ACT, _agent),
    "console:agent_suspend": Row(ACT, _in_state(AgentState.ACTIVE)),
    "console:agent_resume": Row(ACT, _in_state(AgentState.SUSPENDED)),
    "console:client_list": Row(EVERYBODY),
    "console:client_new": Row(STEWARDS, _in_state(AgentState.ACTIVE)),
    "console:client_rotate": Row(STEWARDS, _with_client),
    "console:client_collects": Row(STEWARDS, _with_collector),
    "console:client_revoke": Row(STEWARDS, _with_client),
    "console:agent_retire": Row(ACT, _in_state(AgentState.ACTIVE)),
}
