"""Break-glass: who may, taking it, what is in force, and its review."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.approvals import policies
from apps.approvals.filters import BreakGlassFilterSet
from apps.approvals.forms.break_glass import ReviewForm, TakeForm
from apps.approvals.forms.requests import ReasonForm
from apps.approvals.models import BreakGlass
from apps.approvals.selectors.break_glass import named_people, orders_after, reviewers_of
from apps.approvals.selectors.catalogue import Found, agents_named, catalogue_of
from apps.approvals.selectors.told import told_about
from apps.approvals.services.break_glass import (
    break_glass_end,
    break_glass_review,
    break_glass_take,
)
from apps.approvals.tables import BreakGlassTable
from apps.approvals.views.lookups import found_or_404
from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.core.preferences import preference
from apps.inventory.models import Agent

CHANGED = "breakglass"


@require_GET
@page(policies.can_browse)
def break_glass_list(request: Request) -> HttpResponse:
    """Every use, and who may: an empty list means nobody, and says so."""
    return render_listing(
        request,
        "approvals/break_glass_list.html",
        rows=BreakGlass.objects.visible_to(request.actor).for_table(),
        table_class=BreakGlassTable,
        filterset_class=BreakGlassFilterSet,
        context={
            "named": named_people(),
            "hours": preference("break_glass_hours"),
            "days": preference("break_glass_review_days"),
            "may_take": policies.can_break_glass(request.actor),
            "may_set": policies.can_set_policies(request.actor),
            "empty_title": "Never used",
            "empty_text": "Each use stands here, with why, for how long, and who reviewed it.",
            "empty_icon": "urgent",
        },
        csv_name="break-glass-uses",
        changed=CHANGED,
    )


@require_GET
@page(policies.can_break_glass)
def break_glass_find(request: Request) -> HttpResponse:
    """Choose the agent. The people named for emergencies choose among all of them."""
    query = request.GET.get("q", "")
    agents, has_more = agents_named(query)
    return render_page(
        request,
        "approvals/break_glass_find.html",
        {"agents": agents, "has_more": has_more, "query": query},
        regions=["agents"],
    )


@require_GET
@page(policies.can_browse)
def break_glass_choose(request: Request, agent_pk: int) -> HttpResponse:
    """Choose the identity and the permission."""
    agent = _agent(request, agent_pk)
    enforce(policies.can_take(request.actor, agent))
    found = catalogue_of(
        agent, query=request.GET.get("q", ""), identity_id=request.GET.get("identity", "")
    )
    return render_page(
        request,
        "approvals/break_glass_choose.html",
        {"agent": agent, "found": found, "leads_to": "approvals:break_glass_take"},
        regions=["catalogue"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def break_glass_take_view(
    request: Request, agent_pk: int, identity_pk: int, permission_pk: int
) -> HttpResponse:
    agent = _agent(request, agent_pk)
    found = found_or_404(agent, identity_pk, permission_pk)
    enforce(policies.can_take(request.actor, agent))
    return fresh_sign_in_required(_take)(request, agent, found)


def _take(request: Request, agent: Agent, found: Found) -> HttpResponse:
    keys = [one.key for one in found.permissions]
    chosen = {"actions": [found.permission.key]}
    form = TakeForm(request.POST or None, keys=keys, initial=chosen)
    if request.method == "POST" and form.is_valid():
        emergency = form.emergency(
            agent_id=agent.pk, identity_id=found.identity.pk, service=found.permission.service
        )
        try:
            taken = break_glass_take(emergency=emergency, actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = "It was in force already." if taken.again else "In force. On call is paged."
            return moved(request, to=taken.use.get_absolute_url(), said=said)
    return render_page(
        request,
        "approvals/break_glass_take.html",
        {"agent": agent, "found": found, "form": form},
        status=422 if form.errors else 200,
    )


@require_GET
@page(policies.can_browse)
def break_glass_detail(request: Request, pk: int) -> HttpResponse:
    use = _use(request, pk)
    return render_page(
        request,
        "approvals/break_glass_detail.html",
        {
            "use": use,
            "opens": Agent.objects.visible_to(request.actor).filter(pk=use.agent_id).exists(),
            "orders": orders_after(use, request.actor),
            "told": told_about(use),
            "reviewers": reviewers_of(use),
            "entries": AuditEntry.objects.about(use, request.actor),
            "may_end": policies.can_end_use(request.actor, use),
            "may_review": policies.can_review_use(request.actor, use),
        },
        regions=["use-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def break_glass_end_view(request: Request, pk: int) -> HttpResponse:
    use = _use(request, pk)
    enforce(policies.can_end_use(request.actor, use))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(break_glass_end, use_id=pk, actor=request.actor),
        words=Words(
            f"End {use}",
            "Its removal is ordered now, and somebody else reviews it.",
            "End it now",
            style="btn-danger",
            said="Ended. Its removal is ordered.",
        ),
        changed=[CHANGED, "order"],
        back=use.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def break_glass_review_view(request: Request, pk: int) -> HttpResponse:
    use = _use(request, pk)
    enforce(policies.can_review_use(request.actor, use))
    return answer_dialog(
        request,
        form=ReviewForm(request.POST or None),
        act=partial(break_glass_review, use_id=pk, actor=request.actor),
        words=Words(
            f"Review {use}",
            f"{use.taken_by} took it and said: “{use.reason}”",
            "Give the review",
            said="Reviewed, in your name.",
        ),
        changed=CHANGED,
        back=use.get_absolute_url(),
        reloads=True,
    )


def _agent(request: Request, pk: int) -> Agent:
    """Any standing agent for the people named for it; for others those that they may see."""
    rows = Agent.objects.standing()
    if not policies.can_break_glass(request.actor):
        rows = rows.visible_to(request.actor)
    return get_object_or_404(rows.for_table(), pk=pk)


def _use(request: Request, pk: int) -> BreakGlass:
    rows = BreakGlass.objects.visible_to(request.actor).select_related(
        "agent__owner",
        "agent__technical_owner",
        "agent__team",
        "identity",
        "system__owner",
        "grant",
        "taken_by",
        "ended_by",
        "reviewed_by",
    )
    return get_object_or_404(rows, pk=pk)
