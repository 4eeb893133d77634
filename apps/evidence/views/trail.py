"""Export what agents did: one run, one agent in a period, or everything in a period."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from apps.activity.models import Invocation
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.evidence import policies
from apps.evidence.forms import AgentForm, EverythingForm, InvocationForm
from apps.evidence.services.trail_packages import (
    agent_package_request,
    everything_package_request,
    invocation_package_request,
)
from apps.evidence.views.asking import package_asked
from apps.inventory.models import Agent


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def invocation_package_create(request: Request, invocation_pk: int) -> HttpResponse:
    """Export an invocation: ask for its package."""
    rows = Invocation.objects.visible_to(request.actor).for_table()
    run = get_object_or_404(rows, pk=invocation_pk)
    sent = request.POST if request.method == "POST" else None
    form = InvocationForm(sent, actor=request.actor)
    asked_for = package_asked(
        request,
        form,
        lambda: invocation_package_request(
            invocation_id=run.pk, with_payloads=form.with_payloads, actor=request.actor
        ),
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/invocation_package_create.html",
        {
            "invocation": run,
            "form": form,
            "may_export": policies.can_export_invocation(request.actor, run),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def agent_package_create(request: Request, agent_pk: int) -> HttpResponse:
    """Export what an agent did in a period."""
    agent = get_object_or_404(Agent.objects.visible_to(request.actor), pk=agent_pk)
    form = AgentForm(
        request.POST or None, actor=request.actor, agent=agent, initial=request.GET.dict()
    )
    asked_for = package_asked(
        request,
        form,
        lambda: agent_package_request(
            agent_id=agent.pk,
            period=form.period(),
            with_payloads=form.with_payloads,
            actor=request.actor,
        ),
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/agent_package_create.html",
        {
            "agent": agent,
            "form": form,
            "may_export": policies.can_package_agent(request.actor, agent),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def everything_package_create(request: Request) -> HttpResponse:
    """Export everything in a period."""
    form = EverythingForm(request.POST or None, actor=request.actor, initial=request.GET.dict())
    asked_for = package_asked(
        request,
        form,
        lambda: everything_package_request(
            period=form.period(), with_payloads=form.with_payloads, actor=request.actor
        ),
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/everything_package_create.html",
        {"form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
