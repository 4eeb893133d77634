"""What a grant or a credential was used for, where somebody asks before ending it."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET

from apps.activity import policies
from apps.activity.selectors.breaking import breaks_without_credential, breaks_without_grant
from apps.activity.selectors.measured import measured_of
from apps.core.htmx import Request, render_page
from apps.core.policies import page
from apps.core.preferences import preference
from apps.grants.models import Grant
from apps.inventory.models import Credential


@require_GET
@page(policies.can_browse)
def grant_use(request: Request, pk: int) -> HttpResponse:
    """How often it was used, and what would break without it: beside the grant, or on its own."""
    grant = get_object_or_404(Grant.objects.visible_to(request.actor).for_table(), pk=pk)
    days = preference("measured_window_days")
    context = {
        "subject": grant,
        "measured": measured_of([grant], request.actor, days=days)[grant.pk],
        "breaks": breaks_without_grant(grant, request.actor),
    }
    return render_page(
        request, "activity/would_break_page.html", context, regions=["dialog", "grant-use"]
    )


@require_GET
@page(policies.can_browse)
def credential_breaks(request: Request, pk: int) -> HttpResponse:
    """What would break without it."""
    rows = Credential.objects.visible_to(request.actor).for_table()
    credential = get_object_or_404(rows, pk=pk)
    breaks = breaks_without_credential(credential, request.actor)
    return render_page(
        request,
        "activity/would_break_page.html",
        {"subject": credential, "breaks": breaks},
        regions=["dialog"],
    )
