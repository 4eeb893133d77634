"""Export what was asked for: one request, or the requests of a period."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from apps.approvals.models import AccessRequest
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.evidence import policies
from apps.evidence.content.access.scope import still_to_come
from apps.evidence.forms import ExportForm, PeriodForm
from apps.evidence.services.access_packages import (
    period_package_request,
    request_package_request,
)
from apps.evidence.views.asking import package_asked


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_package_create(request: Request, request_pk: int) -> HttpResponse:
    """Export a request: ask for its package."""
    rows = AccessRequest.objects.visible_to(request.actor)
    asked = get_object_or_404(rows, pk=request_pk)
    form = ExportForm(request.POST if request.method == "POST" else None)
    asked_for = package_asked(
        request, form, lambda: request_package_request(request_id=request_pk, actor=request.actor)
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/request_package_create.html",
        {
            "asked": asked,
            "form": form,
            "may_export": policies.can_export_request(request.actor, asked),
            "to_come": still_to_come(asked),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def period_package_create(request: Request) -> HttpResponse:
    """Export the requests of a period, of one system or of all."""
    form = PeriodForm(request.POST or None, actor=request.actor, initial=request.GET.dict())
    asked_for = package_asked(
        request, form, lambda: period_package_request(period=form.period(), actor=request.actor)
    )
    if asked_for is not None:
        return asked_for
    return render_page(
        request,
        "evidence/period_package_create.html",
        {"form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
