"""What one credential did."""

from datetime import timedelta

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.activity import policies
from apps.activity.searching import UnclearSearch, terms_of
from apps.activity.selectors.credentials import use_by_address
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.inventory.models import Credential

USUAL = timedelta(days=30)


@require_GET
@page(policies.can_browse)
def credential_use(request: Request, pk: int) -> HttpResponse:
    """By address, since a day that the reader names as a search does: 2026-11-01, or 7d."""
    credential = get_object_or_404(Credential.objects.visible_to(request.actor), pk=pk)
    asked, now, unclear, rows = request.GET.get("since", ""), timezone.now(), "", []
    since = now - USUAL
    try:
        if asked.strip():
            since = terms_of(f"after:{asked.split()[0]}", now=now).after or since
        rows = use_by_address(credential, since, request.actor)
    except UnclearSearch as error:
        unclear = str(error)
    return render_page(
        request,
        "activity/credential_use.html",
        {"credential": credential, "since": since, "rows": rows, "unclear": unclear},
        status=422 if unclear else 200,
    )
