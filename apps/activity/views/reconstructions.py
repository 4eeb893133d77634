"""Whether what an agent did can be told: the list of agents, each one's check, and signing it."""

from functools import partial

from django.db.models import Value
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from apps.activity import policies
from apps.activity.filters import ReconstructionFilterSet
from apps.activity.models import Reconstruction
from apps.activity.querysets.reconstructions import checked
from apps.activity.selectors.drifted import standing_of
from apps.activity.selectors.reconstructing import check_of
from apps.activity.services.reconstructing import reconstruction_sign
from apps.activity.settling import judged_since, settled_before
from apps.activity.tables import ReconstructionTable
from apps.core.dialogs import Words, answer_dialog
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.core.preferences import all_preferences, preference
from apps.inventory.models import Agent
from apps.inventory.querysets.scope import hidden_systems


@require_GET
@page(policies.can_browse)
def reconstruction_list(request: Request) -> HttpResponse:
    defaults, now = all_preferences(), timezone.now()
    agents = Agent.objects.visible_to(request.actor).standing().for_table()
    judged = agents.with_reasons(request.actor).annotate(
        judged_since=Value(judged_since(now, days=defaults["explained_days"])),
        settled_before=Value(settled_before(now, hours=defaults["settling_hours"])),
    )
    return render_listing(
        request,
        "activity/reconstruction_list.html",
        rows=checked(judged, Reconstruction.objects.all()),
        table_class=ReconstructionTable,
        filterset_class=ReconstructionFilterSet,
        context={
            "days": defaults["reconstruction_days"],
            "due_days": defaults["reconstruction_due_days"],
            "empty_title": "No agents yet",
            "empty_text": "Each agent is checked here: can what it did be told?",
            "empty_icon": "timeline",
        },
        csv_name="reconstruction-checks",
    )


@require_GET
@page(policies.can_browse)
def reconstruction_detail(request: Request, pk: int) -> HttpResponse:
    agent = _agent(request, pk)
    days = preference("reconstruction_days")
    signed = list(Reconstruction.objects.of_agent(pk).select_related("signed_by")[:20])
    context = {
        "agent": agent,
        "days": days,
        "check": check_of(agent, days, timezone.now(), request.actor),
        "signed": signed,
        "hidden": hidden_systems(request.actor, _systems_in(signed)),
        "may_sign": policies.can_sign(request.actor, agent),
    }
    return render_page(
        request, "activity/reconstruction_detail.html", context, regions=["reconstruction"]
    )


@require_GET
@page(policies.can_browse)
def agent_standing(request: Request, pk: int) -> HttpResponse:
    """What it did outside its purpose, and its newest check: a region of the agent's page."""
    agent = _agent(request, pk)
    context = {
        "agent": agent,
        "days": preference("measured_window_days"),
        "standing": standing_of(agent, request.actor),
    }
    return render_page(request, "activity/agent_standing.html", context, regions=["agent-standing"])


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def reconstruction_sign_dialog(request: Request, pk: int) -> HttpResponse:
    agent = _agent(request, pk)
    enforce(policies.can_sign(request.actor, agent))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="What you know beside the figures"),
        act=partial(reconstruction_sign, agent_id=pk, actor=request.actor),
        words=Words(
            f"Sign the reconstruction check of {agent}",
            "The figures and the verdict are kept as they are measured now, with your name and"
            f" note; the next is due in {preference('reconstruction_due_days')} days.",
            "Sign it",
            said="Signed.",
        ),
        changed="reconstruction",
        back=reverse("activity:reconstruction_detail", args=[pk]),
    )


def _systems_in(signed: list[Reconstruction]) -> set[int]:
    return {of["system_id"] for one in signed for of in one.figures.get("systems", ())}


def _agent(request: Request, pk: int) -> Agent:
    rows = Agent.objects.visible_to(request.actor).select_related("owner", "team")
    return get_object_or_404(rows, pk=pk)
