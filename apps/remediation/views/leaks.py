"""Leaked? The text comes by POST, is looked at, and forgotten: no page repeats it."""

from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.views.decorators.debug import sensitive_post_parameters, sensitive_variables
from django.views.decorators.http import require_http_methods, require_POST

from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.remediation import policies
from apps.remediation.forms import AdoptForm, LeakForm
from apps.remediation.services.leaks import credential_adopt, leak_look_up


@require_http_methods(["GET", "POST"])
@page(policies.can_end_credentials)
@sensitive_post_parameters("pasted")
@sensitive_variables("form")
def leak_search(request: Request) -> HttpResponse:
    form = LeakForm(request.POST or None)
    found: Any = None
    if request.method == "POST" and form.is_valid():
        found = leak_look_up(text=form.cleaned_data["pasted"], actor=request.actor)
    errors = list(form.errors.get("pasted", ()))
    response = render_page(
        request,
        "remediation/leak_search.html",
        {"found": found, "problems": errors},
        status=422 if errors else 200,
    )
    response.headers["Cache-Control"] = "no-store"
    return response


@require_POST
@page(policies.can_end_credentials)
def leak_adopt(request: Request) -> HttpResponse:
    """Take in what a connection found, and go on to killing it."""
    form = AdoptForm(request.POST)
    if not form.is_valid():
        return _refused(request, "That is not what a connection found.")
    try:
        credential = credential_adopt(actor=request.actor, **form.cleaned_data)
    except DomainError as error:
        return _refused(request, str(error))
    return redirect(reverse("remediation:credential_kill", args=[credential.pk]))


def _refused(request: Request, why: str) -> HttpResponse:
    messages.error(request, why)
    return redirect(reverse("remediation:leak_search"))
