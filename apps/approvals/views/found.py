"""The two ways out for access that is there and that no request explains."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_http_methods

from apps.activity.selectors.breaking import breaks_without_grant
from apps.approvals import policies
from apps.approvals.forms.requests import AskForm, ReasonForm
from apps.approvals.selectors.dry_run import dry_run
from apps.approvals.selectors.found import agents_to_ask_for, answerable_by
from apps.approvals.selectors.removal import actions_of, resources_of
from apps.approvals.services.found import found_order
from apps.approvals.services.requests import longest_days
from apps.approvals.states import RequestKind
from apps.approvals.views.asking import answer_ask
from apps.approvals.views.shown_ends import NO_AGENT
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request
from apps.core.policies import enforce, page
from apps.grants.models import Grant
from apps.inventory.models import Agent


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def found_ask(request: Request, pk: int) -> HttpResponse:
    """Ask for the approval of what is there. Everything is filled in but the reason."""
    grant = _grant(request, pk)
    enforce(policies.can_ask_for_found(request.actor, grant))
    agents = agents_to_ask_for(grant, request.actor)
    agent = _chosen(agents, request.GET.get("agent", ""))
    enforce(policies.can_ask(request.actor, agent) if agent else NO_AGENT)
    assert agent is not None  # noqa: S101  (without one it was just refused)
    keys = sorted(actions_of(grant))
    form = AskForm(
        request.POST or None,
        agent=agent,
        level=grant.level,
        keys=keys,
        initial={
            "actions": keys,
            "resources": "\n".join(sorted(resources_of(grant))),
            "task": _task(grant, agent),
            "days": longest_days(grant.level),
        },
    )
    wanted = Grant(system=grant.system, service=grant.service, level=grant.level, tags=grant.tags)
    return answer_ask(
        request,
        "approvals/found_ask.html",
        form=form,
        of={
            "agent_id": agent.pk,
            "identity_id": grant.identity_id,
            "service": grant.service,
            "kind": RequestKind.FOUND,
            "grant_id": grant.pk,
        },
        context={
            "agent": agent,
            "agents": agents,
            "grant": grant,
            "would": dry_run(
                agent=agent,
                identity=grant.identity,
                wanted=wanted,
                asked_by_id=request.actor.user.pk,
                instead_of=grant.pk,
            ),
        },
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def found_remove(request: Request, pk: int) -> HttpResponse:
    """Order that what is there goes."""
    grant = get_object_or_404(answerable_by(request.actor).for_table(), pk=pk)
    enforce(policies.can_order_removal(request.actor, grant))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(found_order, grant_id=pk, actor=request.actor),
        words=Words(
            f"Order the removal of {grant}",
            "Somebody removes it in its system. Until that is seen, it stays in force. "
            + breaks_without_grant(grant, request.actor).in_words,
            "Order its removal",
            style="btn-danger",
            said="Its removal is ordered.",
        ),
        changed=["accessrequest", "grant", "order"],
        back=reverse("approvals:about_panel", args=["grant", pk]),
    )


def _grant(request: Request, pk: int) -> Grant:
    rows = Grant.objects.visible_to(request.actor).for_table().prefetch_related("statements")
    return get_object_or_404(rows, pk=pk)


def _chosen(agents: list[Agent], pk: str) -> Agent | None:
    """The agent that was chosen, else the first that may be given something."""
    return next((one for one in agents if str(one.pk) == pk), agents[0] if agents else None)


def _task(grant: Grant, agent: Agent) -> int | None:
    """The task that its justification names, where it is one of the agent's."""
    task = grant.justification.task if grant.justification else None
    return task.pk if task is not None and task.agent_id == agent.pk else None
