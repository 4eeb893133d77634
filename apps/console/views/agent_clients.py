"""An agent's client of the API: made, given a new secret, revoked; and the list of them all."""

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.console.forms.clients import ClientForm, CollectsForm, RevokeClientForm, SecretForm
from apps.console.views.agents import visible_agent
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page
from apps.core.links import public_url
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.inventory import policies, services
from apps.inventory.filters import AgentClientFilterSet
from apps.inventory.models import Agent, AgentClient
from apps.inventory.services import NewSecret
from apps.inventory.states import APPEND_TRAIL
from apps.inventory.tables import AgentClientTable


@require_GET
@page(policies.can_browse)
def client_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "console/client_list.html",
        rows=AgentClient.objects.visible_to(request.actor).for_table(),
        table_class=AgentClientTable,
        filterset_class=AgentClientFilterSet,
        context={
            "empty_title": "No clients yet",
            "empty_text": "A steward lets an agent sign in to the API on the agent's page.",
            "empty_icon": "plug",
        },
        csv_name="api-clients",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_make_clients)
@fresh_sign_in_required
def client_new(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_make_client(request.actor, agent))
    return _answer_with_secret(
        request,
        agent,
        form=ClientForm(request.POST or None),
        act=partial(services.client_create, agent_id=pk, actor=request.actor),
        words=Words(
            f"Let {agent} sign in to the API?",
            "It may then ask for access for itself. It never approves anything, and sees its own "
            "requests alone. Its secret is shown once.",
            "Make the client",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_make_clients)
@fresh_sign_in_required
def client_rotate(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    client = _client_of(request, agent)
    enforce(policies.can_rotate_client(request.actor, client))
    return _answer_with_secret(
        request,
        agent,
        form=SecretForm(request.POST or None),
        act=partial(services.client_rotate, client_id=client.pk, actor=request.actor),
        words=Words(
            f"Give {agent} a new secret?",
            "The old secret, and every token got with it, end at once. The new one is shown once.",
            "Make a new secret",
            style="btn-warning",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_make_clients)
@fresh_sign_in_required
def client_collects(request: Request, pk: int) -> HttpResponse:
    """Whose telemetry this client delivers."""
    agent = visible_agent(request, pk)
    client = _client_of(request, agent)
    enforce(policies.can_change_collects(request.actor, client))
    others = Agent.objects.visible_to(request.actor).standing().exclude(pk=agent.pk)
    collected = client.collects.order_by("name").values_list("name", flat=True)
    form = CollectsForm(
        request.POST or None,
        agents=others,
        initial={"agent_ids": "\n".join(collected)},
    )
    return answer_dialog(
        request,
        form=form,
        act=partial(services.client_change_collects, client_id=client.pk, actor=request.actor),
        words=Words(
            f"Whose telemetry does {agent} deliver?",
            "For a collector that stands between agents and Countersign. Each record then says "
            "that this client attested it; what came before stays as it was.",
            "Save",
            said="Saved.",
        ),
        changed="agent",
        back=agent.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_make_clients)
@fresh_sign_in_required
def client_revoke(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    client = _client_of(request, agent)
    enforce(policies.can_revoke_client(request.actor, client))
    return answer_dialog(
        request,
        form=RevokeClientForm(request.POST or None),
        act=partial(services.client_revoke, client_id=client.pk, actor=request.actor),
        words=Words(
            f"Revoke the client of {agent}?",
            "Its secret and every token got with it end at once, for good. What it asked for "
            "stays as it is.",
            "Revoke",
            style="btn-danger",
            said="Revoked.",
        ),
        changed="agent",
        back=agent.get_absolute_url(),
    )


def _client_of(request: Request, agent: Agent) -> AgentClient:
    active = AgentClient.objects.visible_to(request.actor).active()
    return get_object_or_404(active.select_related("agent"), agent=agent)


def _answer_with_secret(
    request: Request,
    agent: Agent,
    *,
    form: Form,
    act: Callable[..., NewSecret],
    words: Words,
) -> HttpResponse:
    """Show the form; once it is done, the secret in its place, and never again."""
    back = agent.get_absolute_url()
    if request.method == "POST" and form.is_valid():
        try:
            made = act(**form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            tells = APPEND_TRAIL in made.client.scopes
            response = render_page(
                request,
                "console/client_secret.html",
                {
                    "agent": agent,
                    "made": made,
                    "back": back,
                    "site": public_url(""),
                    "telemetry": settings.INGEST_URL if tells else "",
                },
                regions=["dialog"],
            )
            response.headers["Cache-Control"] = "no-store"
            return trigger_client_event(response, "agent:changed")
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": words, "back": back},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
