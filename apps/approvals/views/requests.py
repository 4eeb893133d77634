"""Requests: what waits, one whole, and asking for another."""

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.approvals import policies
from apps.approvals.filters import RequestFilterSet
from apps.approvals.forms.requests import AskForm
from apps.approvals.models import AccessRequest
from apps.approvals.selectors.catalogue import catalogue_of
from apps.approvals.selectors.dry_run import dry_run, wanted_of
from apps.approvals.selectors.ending import end_of_request, open_orders
from apps.approvals.selectors.story import history_of, story_of
from apps.approvals.selectors.use import use_of
from apps.approvals.tables import RequestTable
from apps.approvals.views.asking import answer_ask
from apps.approvals.views.lookups import found_or_404
from apps.approvals.views.shown_ends import shown_end
from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.inventory.models import Agent

TABS = {
    "waiting": (
        "Waits for you",
        "Nothing waits for you",
        "What you are asked to judge stands here.",
    ),
    "to-place": (
        "To put in place",
        "Nothing to put in place",
        "Approved requests that you may put in place by hand stand here.",
    ),
    "asked": ("You asked", "You asked for nothing", "Ask from an agent's page."),
    "unused": (
        "Not used",
        "Nothing is known to be unused",
        "Approved access that nobody seems to use: keep it with a reason, or remove it.",
    ),
    "judged": ("You judged", "You judged nothing yet", "Every word you gave stays here."),
    "all": ("All", "No requests yet", "Ask for access from an agent's page."),
}


@require_GET
@page(policies.can_browse)
def request_list(request: Request, tab: str = "all") -> HttpResponse:
    if tab not in TABS:
        raise Http404
    _, title, text = TABS[tab]
    rows = AccessRequest.objects.visible_to(request.actor)
    person = request.actor.user
    if tab == "waiting":
        rows = rows.waiting_for(person)
    elif tab == "to-place":
        rows = rows.to_put_in_place(request.actor)
    elif tab == "unused":
        rows = rows.with_open_proposal(request.actor)
    elif tab == "asked":
        rows = rows.asked_by_person(person)
    elif tab == "judged":
        rows = rows.judged_by(person)
    return render_listing(
        request,
        "approvals/request_list.html",
        rows=rows,
        table_class=RequestTable,
        filterset_class=RequestFilterSet,
        context={
            "tabs": [(words[0], _tab(name), name == tab, None) for name, words in TABS.items()],
            "may_ask": policies.can_ask_some(request.actor),
            "may_export": policies.can_export(request.actor),
            "empty_title": title,
            "empty_text": text,
            "empty_icon": "user-check",
        },
        csv_name="access-requests",
        changed="accessrequest",
    )


def _tab(name: str) -> str:
    return reverse("approvals:request_tab", args=[name])


@require_GET
@page(policies.can_browse)
def request_detail(request: Request, pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    return render_page(
        request,
        "approvals/request_detail.html",
        {
            "asked": asked,
            "story": story_of(asked, request.actor),
            "use": use_of(asked, request.actor),
            "opens": Agent.objects.visible_to(request.actor).filter(pk=asked.agent_id).exists(),
            "entries": history_of(asked, request.actor),
            "end": shown_end(end_of_request(asked), request.actor),
            "orders": open_orders(asked.grant, request.actor),
            "may_export": policies.can_export(request.actor),
            "may_vote": policies.can_vote(request.actor, asked),
            "may_cancel": policies.can_cancel(request.actor, asked),
            "may_question": policies.can_question(request.actor, asked),
            "may_answer": policies.can_answer(request.actor, asked),
            "may_provision": policies.can_provision(request.actor, asked),
        },
        regions=["request-summary"],
    )


@require_GET
@page(policies.can_ask_some)
def ask_agent(request: Request, agent_pk: int) -> HttpResponse:
    """Choose what to ask for: an identity of the agent, and a permission of its system."""
    agent = _agent(request, agent_pk)
    enforce(policies.can_ask(request.actor, agent))
    found = catalogue_of(
        agent, query=request.GET.get("q", ""), identity_id=request.GET.get("identity", "")
    )
    return render_page(
        request,
        "approvals/ask_agent.html",
        {
            "agent": agent,
            "found": found,
            "leads_to": "approvals:ask_permission",
            "may_take": policies.can_take(request.actor, agent),
        },
        regions=["catalogue"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_ask_some)
def ask_permission(
    request: Request, agent_pk: int, identity_pk: int, permission_pk: int
) -> HttpResponse:
    agent = _agent(request, agent_pk)
    enforce(policies.can_ask(request.actor, agent))
    found = found_or_404(agent, identity_pk, permission_pk)
    keys = [one.key for one in found.permissions]
    chosen = request.POST or request.GET
    ticked = chosen.getlist("actions") or [found.permission.key]
    form = AskForm(
        request.POST or None,
        agent=agent,
        level=found.permission.level,
        keys=keys,
        initial={"actions": ticked},
    )
    wanted = [one for one in found.permissions if one.key in ticked] or [found.permission]
    return answer_ask(
        request,
        "approvals/ask_permission.html",
        form=form,
        of={
            "agent_id": agent.pk,
            "identity_id": identity_pk,
            "service": found.permission.service,
        },
        context={
            "agent": agent,
            "found": found,
            "would": dry_run(
                agent=agent,
                identity=found.identity,
                wanted=wanted_of(found.identity.system, wanted),
                asked_by_id=request.actor.user.pk,
            ),
        },
    )


def _agent(request: Request, pk: int) -> Agent:
    rows = Agent.objects.visible_to(request.actor).for_table()
    return get_object_or_404(rows, pk=pk)


def request_of(request: Request, pk: int) -> AccessRequest:
    rows = AccessRequest.objects.visible_to(request.actor).select_related(
        "agent__owner",
        "agent__technical_owner",
        "agent__team__manager",
        "identity",
        "system__owner",
        "task",
        "asked_by",
        "policy",
        "grant",
        "renews",
    )
    return get_object_or_404(rows, pk=pk)
