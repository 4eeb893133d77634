from django.utils import timezone

from apps.inventory.states import AgentState
from tests.architecture.url_matrix import DECIDERS, RECORD, STEWARDS, Row, inside
from tests.factories.inventory import AgentFactory

# An act of those who answer for the agent: a stranger's agent does not exist for them.
ACT = inside(404, 200, 403, 403)


def _agent():
    return [AgentFactory(purpose="Answers tickets.").pk]


def _in_state(state):
    return lambda: [AgentFactory(active=True, state=state).pk]


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
    "console:agent_retire": Row(ACT, _in_state(AgentState.ACTIVE)),
}
