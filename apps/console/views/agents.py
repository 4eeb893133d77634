"""The dossier of an agent, and what it is built of."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.approvals.policies import can_ask
from apps.console.forms.agents import BindIdentityForm, EditForm, ProposeForm
from apps.console.selectors.dossier import dossier_of
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import enforce, page
from apps.inventory import policies, services
from apps.inventory.models import Agent, Identity
from apps.inventory.selectors.readiness import gap_keys

FOUND_AT_MOST = 25


def visible_agent(request: Request, pk: int) -> Agent:
    rows = Agent.objects.visible_to(request.actor)
    return get_object_or_404(
        rows.select_related("owner", "technical_owner", "team__manager"), pk=pk
    )


@require_GET
@page(policies.can_browse)
def agent_detail(request: Request, pk: int) -> HttpResponse:
    agent, actor = visible_agent(request, pk), request.actor
    dossier = dossier_of(agent, actor)
    client = dossier.client
    return render_page(
        request,
        "console/agent_detail.html",
        {
            "agent": agent,
            "dossier": dossier,
            "gaps": gap_keys(dossier.readiness),
            "may_ask": can_ask(actor, agent),
            "may_change": policies.can_change_agent(actor, agent),
            "may_own": policies.can_change_owner(actor, agent),
            "may_bind": policies.can_bind(actor),
            "may_accept": policies.can_accept_purpose(actor, agent),
            "may_activate": policies.can_activate_agent(actor, agent),
            "may_suspend": policies.can_suspend_agent(actor, agent),
            "may_sign_in": policies.can_make_client(actor, agent) if client is None else None,
            "may_rotate": client and policies.can_rotate_client(actor, client),
            "may_collect": client and policies.can_change_collects(actor, client),
            "may_end_client": client and policies.can_revoke_client(actor, client),
            "may_retire": policies.can_retire_agent(actor, agent),
        },
        regions=["agent-dossier"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_new(request: Request) -> HttpResponse:
    form = ProposeForm(request.POST or None, actor=request.actor)
    if request.method == "POST" and form.is_valid():
        try:
            agent = services.agent_create(actor=request.actor, **form.values())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(
                request,
                to=agent.get_absolute_url(),
                said="Proposed. Write its purpose next, and bind its identities.",
            )
    return render_page(
        request,
        "console/agent_form.html",
        {"form": form, "agent": None},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_agent)
def agent_edit(request: Request, pk: int) -> HttpResponse:
    agent = visible_agent(request, pk)
    enforce(policies.can_change_agent(request.actor, agent))
    form = EditForm(
        request.POST or None, actor=request.actor, agent=agent, initial=_built_of(agent)
    )
    if request.method == "POST" and form.is_valid():
        try:
            services.agent_change(agent_id=pk, actor=request.actor, **form.values())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=agent.get_absolute_url(), said="Saved.")
    return render_page(
        request,
        "console/agent_form.html",
        {"form": form, "agent": agent},
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_bind)
def agent_bind(request: Request, pk: int) -> HttpResponse:
    """Find an identity, and declare that the agent acts as it."""
    agent = visible_agent(request, pk)
    words = request.GET.get("q", "")
    free = Identity.objects.visible_to(request.actor).present().select_related("system")
    free = free.matching(words).not_of_agent(pk).order_by("name", "pk")
    shown = free.filter(pk__in=list(free.values_list("pk", flat=True)[:FOUND_AT_MOST]))
    form = BindIdentityForm(request.POST or None, found=shown)
    if request.method == "POST" and form.is_valid():
        try:
            services.binding_create(agent_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=agent.get_absolute_url(), said="Bound.")
    return render_page(
        request,
        "console/agent_bind.html",
        {
            "agent": agent,
            "form": form,
            "words": words,
            "found": len(shown),
            "at_most": FOUND_AT_MOST,
        },
        status=422 if form.errors else 200,
    )


def _built_of(agent: Agent) -> dict:
    names = (
        "name",
        "technical_owner",
        "environment",
        "platform",
        "autonomy",
        "has_human_step",
        "version",
        "model",
        "instructions_sha256",
        "tools",
    )
    calls = [call.callee_id for call in agent.calls.all()]
    return {**{name: getattr(agent, name) for name in names}, "calls": calls}
