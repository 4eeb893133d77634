"""What ends, and asking that it goes on; what is not used, and what somebody says to that."""

from functools import partial
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.activity.selectors.breaking import breaks_without_grant
from apps.approvals import policies
from apps.approvals.forms.requests import AskForm, ReasonForm
from apps.approvals.models import AccessRequest, RemovalProposal
from apps.approvals.selectors.ending import agent_to_renew_for, ends_of_grant
from apps.approvals.selectors.removal import actions_of
from apps.approvals.services.requests import longest_days
from apps.approvals.services.unused import proposal_keep, proposal_order
from apps.approvals.states import RequestKind
from apps.approvals.views.asking import answer_ask
from apps.approvals.views.requests import request_of
from apps.approvals.views.shown_ends import NO_AGENT, shown_end
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request, render_page
from apps.core.policies import enforce, page
from apps.grants.models import Grant
from apps.grants.states import WRITING
from apps.inventory.models import Agent


@require_GET
@page(policies.can_browse)
def ends_panel(request: Request, pk: int) -> HttpResponse:
    """When a grant ends and what was said of that: a region of its page."""
    grant = _grant(request, pk)
    found = ends_of_grant(grant, request.actor)
    return render_page(
        request,
        "approvals/ends_panel.html",
        {
            "grant": grant,
            "orders": found.orders,
            "ends": [shown_end(end, request.actor) for end in found.ends],
        },
        regions=["grant-ends"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_renew(request: Request, pk: int) -> HttpResponse:
    """Ask for the same once more. Everything is filled in but the reason."""
    renewed = request_of(request, pk)
    enforce(policies.can_renew(request.actor, renewed))
    initial = {
        "actions": renewed.actions,
        "resources": "\n".join(renewed.resources),
        "task": renewed.task_id,
        "days": renewed.days,
    }
    return _ask(
        request,
        agent=renewed.agent,
        held=renewed,
        keys=renewed.actions,
        initial=initial,
        of={"renews_id": renewed.pk},
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def grant_renew(request: Request, pk: int) -> HttpResponse:
    """Ask that a grant goes on to which no request led."""
    grant = _grant(request, pk)
    enforce(policies.can_renew_grant(request.actor, grant))
    agent = agent_to_renew_for(grant, request.actor)
    enforce(policies.can_ask(request.actor, agent) if agent else NO_AGENT)
    assert agent is not None  # noqa: S101  (without one it was just refused)
    keys = sorted(actions_of(grant))
    initial = {
        "actions": keys,
        "task": grant.justification.task_id if grant.justification else None,
        "days": longest_days(grant.level) if grant.level in WRITING else None,
    }
    of = {"grant_id": grant.pk}
    return _ask(request, agent=agent, held=grant, keys=keys, initial=initial, of=of)


def _ask(
    request: Request,
    *,
    agent: Agent,
    held: AccessRequest | Grant,
    keys: list[str],
    initial: dict[str, Any],
    of: dict[str, int],
) -> HttpResponse:
    form = AskForm(request.POST or None, agent=agent, level=held.level, keys=keys, initial=initial)
    form.fields["days"].help_text += " It never ends sooner than it does now."
    about = {
        "agent_id": agent.pk,
        "identity_id": held.identity_id,
        "service": held.service,
        "kind": RequestKind.RENEWAL,
    }
    return answer_ask(
        request,
        "approvals/renew.html",
        form=form,
        of={**about, **of},
        context={"agent": agent, "held": held},
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def proposal_keep_view(request: Request, pk: int) -> HttpResponse:
    proposal = _proposal(request, pk)
    enforce(policies.can_answer_proposal(request.actor, proposal))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(proposal_keep, proposal_id=pk, actor=request.actor),
        words=Words(
            f"Keep {proposal.request}",
            "It stays in place until its end, with your words beside it.",
            "Keep it",
            said="Kept, in your name.",
        ),
        changed=["accessrequest", "grant"],
        back=proposal.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def proposal_order_view(request: Request, pk: int) -> HttpResponse:
    proposal = _proposal(request, pk)
    enforce(policies.can_answer_proposal(request.actor, proposal))
    grant = proposal.request.grant
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(proposal_order, proposal_id=pk, actor=request.actor),
        words=Words(
            f"Order the removal of {proposal.request}",
            "Somebody removes it in its system. Until that is seen, it stays in force."
            + (f" {breaks_without_grant(grant, request.actor).in_words}" if grant else ""),
            "Order its removal",
            style="btn-danger",
            said="Its removal is ordered.",
        ),
        changed=["accessrequest", "grant", "order"],
        back=proposal.get_absolute_url(),
    )


def _grant(request: Request, pk: int) -> Grant:
    rows = Grant.objects.visible_to(request.actor).for_table().prefetch_related("statements")
    return get_object_or_404(rows, pk=pk)


def _proposal(request: Request, pk: int) -> RemovalProposal:
    visible = AccessRequest.objects.visible_to(request.actor).values("pk")
    rows = RemovalProposal.objects.select_related("request__agent", "request__grant")
    return get_object_or_404(rows, pk=pk, request__in=visible)
