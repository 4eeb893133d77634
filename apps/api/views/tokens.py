"""Where a client gets its tokens and gives them back: allauth's own views, and no other of them."""

from typing import Any

from allauth.account.adapter import get_adapter
from allauth.core.internal.httpkit import extract_basic_auth
from allauth.idp.oidc import views
from allauth.idp.oidc.internal.oauthlib.server import get_server
from allauth.idp.oidc.internal.oauthlib.utils import convert_response, extract_params
from allauth.idp.oidc.models import Client
from django.conf import settings
from django.core.exceptions import ValidationError
from django.db import DataError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.utils import timezone
from django.utils.decorators import method_decorator
from django.views.decorators.csrf import csrf_exempt
from oauthlib.common import Request as OAuthRequest
from oauthlib.oauth2.rfc6749.errors import AccessDeniedError, InvalidClientError

from apps.api.doors import too_large
from apps.api.limits import seconds_to_wait
from apps.api.problems import problem
from apps.core.policies import public
from apps.inventory.models import AgentClient
from apps.inventory.policies import can_use_client
from apps.inventory.services import client_note_use
from apps.inventory.states import APPEND_TRAIL

OWN_PROOF = "A client proves itself with its own secret."


class Guarded:
    """Bounds before allauth's view: the size of the body, how often, and what it can read at all.

    What goes wrong with the client or its grant is told as RFC 6749 has it, by allauth.
    """

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        response = self._answer(request, *args, **kwargs)
        response.headers["Cache-Control"] = "no-store"
        return response

    def _answer(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method != "POST":
            return problem(405, "Only POST here.", headers={"Allow": "POST"})
        refused = too_large(request, settings.API_LARGEST_BODY) or _too_often(request)
        if refused is not None:
            return refused
        if request.GET or "resource" in request.POST:
            return _oauth_error("invalid_request", "Send the form in the body, and no resource.")
        try:
            answer: HttpResponse = super().dispatch(request, *args, **kwargs)  # type: ignore[misc]
        except (ValueError, ValidationError, DataError):
            return _oauth_error("invalid_request", "The form cannot be read.")
        return answer


@method_decorator(csrf_exempt, name="dispatch")
class TokenView(Guarded, views.TokenView):
    def post(self, request: HttpRequest) -> HttpResponse:
        if request.POST.get("grant_type") != Client.GrantType.CLIENT_CREDENTIALS:
            return _oauth_error("unsupported_grant_type", "Only client_credentials.")
        answer: HttpResponse = super().post(request)
        return answer

    def _create_token_response(self, request: HttpRequest, **kwargs: Any) -> HttpResponse:
        server = get_server()
        server.credentials_grant.custom_validators.post_token.append(_judge)
        server.default_token_type.expires_in = _life
        answer: HttpResponse = convert_response(
            *server.create_token_response(*extract_params(request))
        )
        return answer


@method_decorator(csrf_exempt, name="dispatch")
class RevokeView(Guarded, views.RevokeView):
    pass


token = public(because=OWN_PROOF)(TokenView.as_view())
revoke = public(because=OWN_PROOF)(RevokeView.as_view())


def _judge(asked: OAuthRequest) -> None:
    """Once the client has proven itself: whether its agent may use the API now."""
    client = AgentClient.objects.select_related("agent").filter(oauth_client=asked.client).first()
    if client is None:
        raise InvalidClientError
    verdict = can_use_client(client)
    if not verdict:
        raise AccessDeniedError(description=verdict.reason)
    client_note_use(oauth_client_id=asked.client.pk, moment=timezone.now())


def _life(asked: OAuthRequest) -> int:
    """How long the token lives: longer than any other only if it can append and nothing else."""
    usual: int = settings.IDP_OIDC_ACCESS_TOKEN_EXPIRES_IN
    if set(asked.scopes) != {APPEND_TRAIL}:
        return usual
    client = AgentClient.objects.filter(oauth_client=asked.client).first()
    return (client and client.token_seconds) or usual


def _too_often(request: HttpRequest) -> HttpResponse | None:
    client_id, _ = extract_basic_auth(request.headers)
    client_id = client_id or request.POST.get("client_id", "")
    who = (f"from {get_adapter().get_client_ip(request)}", f"client {client_id}")
    wait = max(seconds_to_wait("token", one) for one in who)
    if not wait:
        return None
    return problem(429, f"Try again in {wait} seconds.", headers={"Retry-After": str(wait)})


def _oauth_error(error: str, description: str) -> HttpResponse:
    return JsonResponse({"error": error, "error_description": description}, status=400)
