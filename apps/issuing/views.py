"""What agents were issued: a list, each one's story, and the button that ends it."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.inventory.models import Agent
from apps.issuing import policies
from apps.issuing.filters import IssuanceFilterSet
from apps.issuing.models import Issuance
from apps.issuing.selectors import grants_of
from apps.issuing.services.ending import issuance_end as end
from apps.issuing.states import IssuanceState
from apps.issuing.tables import IssuanceTable

SHOWN = 5


@require_GET
@page(policies.can_browse)
def issuance_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "issuing/issuance_list.html",
        rows=Issuance.objects.visible_to(request.actor).for_table(),
        table_class=IssuanceTable,
        filterset_class=IssuanceFilterSet,
        context={
            "empty_title": "Nothing was issued yet",
            "empty_text": "Short-lived credentials that agents ask for stand here, never a secret.",
            "empty_icon": "ticket",
        },
        csv_name="issued-credentials",
    )


@require_GET
@page(policies.can_browse)
def issuance_detail(request: Request, pk: int) -> HttpResponse:
    issuance = _issuance(request, pk)
    return render_page(
        request,
        "issuing/issuance_detail.html",
        {
            "issuance": issuance,
            "grants": grants_of(issuance, request.actor),
            "entries": AuditEntry.objects.about(issuance, request.actor),
            "may_end": policies.can_end(request.actor, issuance),
            "is_live": issuance.state in {IssuanceState.ASKED, IssuanceState.ENDING},
        },
        regions=["issuance-summary", "issuance-history"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def issuance_end(request: Request, pk: int) -> HttpResponse:
    issuance = _issuance(request, pk)
    enforce(policies.can_end(request.actor, issuance))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why it is ended"),
        act=partial(end, issuance_id=pk, actor=request.actor),
        words=Words(
            "End it now?",
            f"How far that goes: {issuance.ends_with}",
            "End it now",
            style="btn-danger",
            said="It is being ended.",
        ),
        changed="issuance",
        back=issuance.get_absolute_url(),
    )


@require_GET
@page(policies.can_browse)
def agent_panel(request: Request, pk: int) -> HttpResponse:
    """What the page of an agent shows of what was issued to it."""
    agent = get_object_or_404(Agent.objects.visible_to(request.actor), pk=pk)
    issued = Issuance.objects.visible_to(request.actor).of_agent(pk).for_table()
    return render_page(
        request,
        "issuing/agent_panel.html",
        {"agent": agent, "issued": issued[:SHOWN], "open_count": issued.open().count()},
        regions=["agent-issued"],
    )


def _issuance(request: Request, pk: int) -> Issuance:
    return get_object_or_404(Issuance.objects.visible_to(request.actor).for_table(), pk=pk)
