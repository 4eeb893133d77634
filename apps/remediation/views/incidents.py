"""After a kill: what the credential did since, by address, and what it made."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.jobs import jobs_of
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.remediation import policies
from apps.remediation.filters import IncidentCallFilterSet, IncidentFilterSet
from apps.remediation.models import Incident, IncidentCall
from apps.remediation.selectors.incidents import story_of
from apps.remediation.services import incidents
from apps.remediation.tables import IncidentCallTable, IncidentTable


@require_GET
@page(policies.can_see_incidents)
def incident_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "remediation/incident_list.html",
        rows=Incident.objects.visible_to(request.actor).for_table(),
        table_class=IncidentTable,
        filterset_class=IncidentFilterSet,
        context={
            "empty_title": "No credential was killed as compromised",
            "empty_text": "Killing one opens its incident: what it did since it was exposed.",
            "empty_icon": "shield-check",
        },
        csv_name="incidents",
    )


@require_GET
@page(policies.can_see_incidents)
def incident_detail(request: Request, pk: int) -> HttpResponse:
    job = jobs_of(Incident(pk=pk)).first()
    incident = _incident(request, pk)
    return render_page(
        request,
        "remediation/incident_detail.html",
        {
            "incident": incident,
            "story": story_of(incident),
            "job": job,
            "entries": AuditEntry.objects.about(incident, request.actor),
            "may_export": policies.can_see_incidents(request.actor),
            "may_read": policies.can_end_credentials(request.actor),
            "may_take_back": policies.can_take_back(request.actor, incident),
            "may_close": policies.can_close_incident(request.actor, incident),
        },
        regions=["incident-story"],
    )


@require_GET
@page(policies.can_see_incidents)
def incident_calls(request: Request, pk: int) -> HttpResponse:
    incident = _incident(request, pk)
    return render_listing(
        request,
        "remediation/incident_calls.html",
        rows=IncidentCall.objects.of(incident).for_table(),
        table_class=IncidentCallTable,
        filterset_class=IncidentCallFilterSet,
        context={
            "incident": incident,
            "empty_title": "No calls are known",
            "empty_text": "The log of the system holds none since the exposure, as far as it goes.",
            "empty_icon": "list-search",
        },
        csv_name=f"incident-{incident.pk}-calls",
    )


@require_POST
@page(policies.can_end_credentials)
def incident_read(request: Request, pk: int) -> HttpResponse:
    incident = _incident(request, pk)
    incidents.incident_read_again(incident_id=pk, actor=request.actor)
    return moved(request, to=incident.get_absolute_url())


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def incident_take_back(request: Request, pk: int) -> HttpResponse:
    incident = _incident(request, pk)
    enforce(policies.can_take_back(request.actor, incident))
    form = ReasonForm(
        request.POST or None,
        label="Why it is taken back",
        initial={"reason": "Made with a compromised credential."},
    )
    if request.method == "POST" and form.is_valid():
        try:
            order = incidents.incident_take_back(
                incident_id=pk, actor=request.actor, **form.cleaned_data
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=order.get_absolute_url())
    words = Words(
        "Take back everything that was made with it?",
        "Keys are disabled and deleted, sessions ended, users and roles denied everything, "
        "policies removed: each as its line on the page says.",
        "Take all of it back",
        style="btn-danger",
    )
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": words, "back": incident.get_absolute_url()},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
def incident_close(request: Request, pk: int) -> HttpResponse:
    incident = _incident(request, pk)
    enforce(policies.can_close_incident(request.actor, incident))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="What came of it"),
        act=partial(incidents.incident_close, incident_id=pk, actor=request.actor),
        words=Words(
            "Close the incident?",
            "Its log is read no more. What was read stays.",
            "Close it",
            said="Closed.",
        ),
        changed="incident",
        back=incident.get_absolute_url(),
        reloads=True,
    )


def _incident(request: Request, pk: int) -> Incident:
    return get_object_or_404(Incident.objects.visible_to(request.actor).for_table(), pk=pk)
