"""The requests about something, as a panel that loads itself into that thing's page."""

from collections.abc import Callable
from typing import Any

from django.db.models import Q, QuerySet
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from apps.approvals import policies
from apps.approvals.models import AccessRequest
from apps.approvals.selectors.found import answerable_by
from apps.approvals.views.shown_found import ways_out
from apps.core.actors import Actor
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.grants.models import Grant
from apps.inventory.models import Agent, System

SHOWN = 5


def _led_to(grant: Grant) -> Q:
    """What led to a grant, and what else was asked for that it covers."""
    same = Q(identity=grant.identity_id, service=grant.service, level=grant.level)
    return Q(grant=grant) | same


def _grants(actor: Actor) -> QuerySet:
    return answerable_by(actor).select_related("identity", "system")


SUBJECTS: dict[str, tuple[Callable[[Actor], QuerySet], Callable[[Any], Q]]] = {
    "agent": (Agent.objects.visible_to, lambda agent: Q(agent=agent)),
    "grant": (_grants, _led_to),
    "system": (System.objects.visible_to, lambda system: Q(system=system)),
}


@require_GET
@page(policies.can_browse)
def about_panel(request: Request, what: str, pk: int) -> HttpResponse:
    if what not in SUBJECTS:
        raise Http404
    rows_of, of = SUBJECTS[what]
    subject = get_object_or_404(rows_of(request.actor), pk=pk)
    rows = AccessRequest.objects.visible_to(request.actor).filter(of(subject)).for_table()
    found = list(rows.order_by("-pk")[: SHOWN + 1])
    return render_page(
        request,
        "approvals/about_panel.html",
        {
            "subject": subject,
            "what": what,
            "requests": found[:SHOWN],
            "has_more": len(found) > SHOWN,
            "ways_out": ways_out(subject, request.actor) if what == "grant" else None,
        },
        regions=["requests-about"],
    )
