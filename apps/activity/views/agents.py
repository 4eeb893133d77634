"""What one agent did."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from apps.activity import policies
from apps.activity.selectors.agents import DAYS, activity_of
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.inventory.models import Agent


@require_GET
@page(policies.can_browse)
def agent_activity(request: Request, pk: int) -> HttpResponse:
    agent = get_object_or_404(Agent.objects.visible_to(request.actor).only("name"), pk=pk)
    asked = request.GET.get("days", "")
    days = int(asked) if asked in {str(one) for one in DAYS} else DAYS[1]
    context = {
        "agent": agent,
        "activity": activity_of(agent, days, request.actor),
        "days": days,
        "spans": DAYS,
    }
    return render_page(request, "activity/agent_activity.html", context)
