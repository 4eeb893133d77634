"""Who delivers: from a bearer token to the agent whose client it was made for, or, where that is a
collector, to one of the agents it is listed for."""

import hashlib
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from allauth.idp.oidc.models import Token

from apps.activity.headers import Whose
from apps.activity.readings import Reading
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


# How far up a claim is looked for; runs nest a few deep.
DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Sender:
    """One client, and whose its records are: its agent's own, whatever the telemetry claims.

    Of a collector the claim selects one of the `listed` agents, by name; what claims none of them
    is kept as an unknown agent's.
    """

    name: str
    whose: Whose
    listed: Mapping[str, Whose] = field(default_factory=dict)

    def attributed(self, readings: Sequence[Reading]) -> list[tuple[Reading, Whose]]:
        if not self.listed:
            return [(reading, self.whose) for reading in readings]
        unknown = Whose(attested_by=self.whose.attested_by)
        claims = zip(readings, _claims(readings), strict=True)
        return [(reading, self.listed.get(claim.casefold(), unknown)) for reading, claim in claims]


_remembered: dict[bytes, tuple[float, Sender]] = {}


def sender_of(token: str) -> Sender:
    """Whose live token this is. Raises `Refusal`: 401 without one, 403 without the scope.

    Also a suspended agent's records are kept: what it did after it was stopped is wanted most.
    """
    sender = sender_remembered(token)
    if sender is not None:
        return sender
    sender = _looked_up(token)
    if len(_remembered) >= MOST_REMEMBERED:
        _remembered.clear()
    _remembered[_digest(token)] = time.monotonic() + BELIEVED_FOR, sender
    return sender


def sender_remembered(token: str) -> Sender | None:
    """Whose token this was found to be a moment ago, without asking the database."""
    until, sender = _remembered.get(_digest(token), (0.0, None))
    return sender if time.monotonic() < until else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="replace")).digest()


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
        raise Refusal(401, "A valid access token is needed: see docs/sending.md.")
    if APPEND_TRAIL not in token.get_scopes():
        raise Refusal(403, f"This token lacks the scope {APPEND_TRAIL}.")
    return sender_of_client(client)


def sender_of_client(client: AgentClient) -> Sender:
    """Whose an active client's records are."""
    collected = list(client.collects.order_by("pk"))
    word = "collector" if collected else "client"
    attested = f"{word} {client.pk} ({client.name})"
    own = Whose(agent_id=client.agent_id, agent=client.agent.name, attested_by=attested)
    listed = {
        agent.name.casefold(): Whose(agent_id=agent.pk, agent=agent.name, attested_by=attested)
        for agent in collected
    }
    if listed:
        listed.setdefault(own.agent.casefold(), own)
    return Sender(f"client:{client.pk}", own, listed)


def _claims(readings: Sequence[Reading]) -> list[str]:
    """Which agent each record says it is of: itself, else what it lies in, else its whole run.

    Of what lies in something that is not here that is not told yet: the projector sees the rest.
    """
    said = {(one.trace_id, one.span_id): one for one in readings}
    of_run: dict[str, set[str]] = {}
    for one in readings:
        if one.claimed_agent:
            of_run.setdefault(one.trace_id, set()).add(one.claimed_agent)
    tops = [_top(one, said) for one in readings]
    return ["" if at is None else at.claimed_agent or _only(of_run.get(at.trace_id)) for at in tops]


def _top(reading: Reading, said: Mapping[tuple[str, str], Reading]) -> Reading | None:
    """The nearest that claims an agent, from the record up; else the last, None if not here."""
    at: Reading | None = reading
    for _ in range(DEEPEST):
        if at is None or at.claimed_agent or not at.parent_id:
            break
        at = said.get((at.trace_id, at.parent_id))
    return at


def _only(claims: set[str] | None) -> str:
    return next(iter(claims)) if claims is not None and len(claims) == 1 else ""
