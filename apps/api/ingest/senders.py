"""Who delivers: from a bearer token to the agent whose client it was made for."""

import hashlib
import time
from dataclasses import dataclass

from allauth.idp.oidc.models import Token

from apps.activity.headers import Whose
from apps.inventory.models import AgentClient
from apps.inventory.states import APPEND_TRAIL, ClientState

# How long a token once looked up is believed, in seconds: a revoked one is refused after that.
BELIEVED_FOR = 5.0
MOST_REMEMBERED = 1000


class Refusal(Exception):
    """Why somebody may not deliver, and the status that says so."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status, self.message = status, message


@dataclass(frozen=True, slots=True)
class Sender:
    """One client, and whose its records are: an agent's own, whatever its telemetry claims."""

    name: str
    whose: Whose


_remembered: dict[bytes, tuple[float, Sender]] = {}


def sender_of(token: str) -> Sender:
    """Whose live token this is. Raises `Refusal`: 401 without one, 403 without the scope.

    Also a suspended agent's records are kept: what it did after it was stopped is wanted most.
    """
    digest, now = hashlib.sha256(token.encode(errors="replace")).digest(), time.monotonic()
    until, sender = _remembered.get(digest, (0.0, None))
    if sender is not None and now < until:
        return sender
    sender = _looked_up(token)
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[digest] = now + BELIEVED_FOR, sender
    return sender


def _looked_up(value: str) -> Sender:
    token = Token.objects.lookup(Token.Type.ACCESS_TOKEN, value) if value else None
    client = (
        AgentClient.objects.select_related("agent")
        .filter(oauth_client=token.client_id, state=ClientState.ACTIVE)
        .first()
        if token is not None
        else None
    )
    if token is None or client is None:
        raise Refusal(401, "A valid access token is needed: see docs/trail.md.")
    if APPEND_TRAIL not in token.get_scopes():
        raise Refusal(403, f"This token lacks the scope {APPEND_TRAIL}.")
    whose = Whose(
        agent_id=client.agent_id, agent=client.agent.name, attested_by=f"client {client.pk}"
    )
    return Sender(f"client:{client.pk}", whose)
