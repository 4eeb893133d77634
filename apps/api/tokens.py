"""Who calls: from a token of allauth's provider to the `Machine` that services are handed."""

from typing import Any

from allauth.idp.oidc.contrib.ninja.security import TokenAuth
from django.core.exceptions import BadRequest, PermissionDenied
from django.http import HttpRequest
from ninja.errors import AuthenticationError

from apps.api.ingest.senders import sender_of_client
from apps.api.limits import seconds_to_wait
from apps.api.problems import TooMany
from apps.core.actors import Machine
from apps.core.policies import enforce
from apps.inventory.models import AgentClient
from apps.inventory.policies import can_use_client
from apps.inventory.states import ClientState


class MachineAuth(TokenAuth):
    """Demand a token with one scope, of a client whose agent may use the API now.

    Without a valid token it is a 401. A valid one that may not do this, because of its scope or
    because its agent was stopped since, is a 403 that says so. An address whose query the
    provider's library cannot read is a 400.
    """

    openapi_type = "http"
    openapi_scheme = "bearer"
    openapi_description = "A short-lived token from the token endpoint; see docs/api.md."

    def __init__(self, scope: str):
        super().__init__(scope=[])
        self.wanted = scope

    def __call__(self, request: HttpRequest) -> Any:
        try:
            token = super().__call__(request)
        except ValueError as error:
            raise BadRequest from error
        if token is None or token.client_id is None:
            raise AuthenticationError
        clients = AgentClient.objects.select_related("agent", "oauth_client")
        client = clients.filter(oauth_client=token.client_id).first()
        if client is None:
            raise AuthenticationError
        self.judge(request, client)
        scopes = frozenset(token.get_scopes())
        wait = seconds_to_wait(self.counted_as(request), client.oauth_client_id)
        if wait:
            raise TooMany(wait)
        if self.wanted not in scopes:
            raise PermissionDenied(f"This token lacks the scope {self.wanted}.")
        request.actor = Machine(  # type: ignore[attr-defined]
            client_id=client.oauth_client_id,
            agent_id=client.agent_id,
            scopes=scopes,
            request_id=request.request_id,  # type: ignore[attr-defined]
            label=str(client),
        )
        return token

    def judge(self, request: HttpRequest, client: AgentClient) -> None:
        enforce(can_use_client(client))

    def counted_as(self, request: HttpRequest) -> str:
        return "read" if request.method == "GET" else "write"


class TrailAuth(MachineAuth):
    """The same for what an agent tells of itself. A stopped agent's records are taken all the same:
    what it did after it was stopped is wanted most."""

    def judge(self, request: HttpRequest, client: AgentClient) -> None:
        if client.state != ClientState.ACTIVE:
            raise AuthenticationError
        request.sender = sender_of_client(client)  # type: ignore[attr-defined]

    def counted_as(self, request: HttpRequest) -> str:
        return "append"
