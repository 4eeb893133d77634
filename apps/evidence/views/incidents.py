"""Export what a killed credential did, and what was done about it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.evidence import policies
from apps.evidence.content.incident.scope import still_to_come
from apps.evidence.forms import ExportForm
from apps.evidence.services.incident_packages import incident_package_request
from apps.evidence.views.asking import package_asked
from apps.remediation.models import Incident


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def incident_package_create(request: Request, incident_pk: int) -> HttpResponse:
    """Export an incident: ask for its package."""
    rows = Incident.objects.visible_to(request.actor).for_table()
    incident = get_object_or_404(rows, pk=incident_pk)
    form = ExportForm(request.POST if request.method == "POST" else None)
    asked_for = package_asked(
        request,
        form,
        lambda: incident_package_request(incident_id=incident_pk, actor=request.actor),
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/incident_package_create.html",
        {
            "incident": incident,
            "form": form,
            "may_export": policies.can_export_incident(request.actor, incident),
            "to_come": still_to_come(incident),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
