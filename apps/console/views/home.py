from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.console import policies
from apps.console.selectors.alarms import record_alarm
from apps.console.selectors.controls import controls_by_period
from apps.console.selectors.home import (
    five_questions,
    justified_share,
    not_looked_at,
)
from apps.console.selectors.waiting import nav_counts_for, waiting_for
from apps.core.actors import Role
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.findings.selectors import nothing_is_read
from apps.remediation.selectors.ending import reach_of


@require_GET
@page(policies.can_open_home)
def home(request: Request) -> HttpResponse:
    """The manager sees what waits first, the steward five questions, the auditor controls."""
    actor = request.actor
    context = {
        "role": actor.role,
        "questions": five_questions(actor),
        "alarm": record_alarm(timezone.now()) if policies.can_read_record(actor) else "",
        "unseen": not_looked_at(actor),
        "nothing_is_read": nothing_is_read(),
        "waiting": waiting_for(actor),
        "reach": reach_of(actor) if actor.role == Role.STEWARD else None,
        "chart": justified_share(actor),
        "controls": controls_by_period(actor) if actor.role == Role.AUDITOR else [],
    }
    return render_page(request, "console/home.html", context, regions=["waiting"])


@require_GET
@page(policies.can_open_home)
def nav_counts(request: Request) -> HttpResponse:
    return render_page(
        request, "console/nav_counts.html", {"counts": nav_counts_for(request.actor)}
    )
