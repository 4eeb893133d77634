from apps.core.actors import Machine
from apps.inventory.states import ISSUE_CREDENTIALS


def machine(client, scopes=(ISSUE_CREDENTIALS,)):
    """An agent as the API hands it to a service."""
    return Machine(
        client_id=client.oauth_client_id, agent_id=client.agent_id, scopes=frozenset(scopes)
    )
