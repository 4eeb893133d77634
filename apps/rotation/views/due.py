"""What is due: as a list by day, and as a calendar."""

from datetime import date

from django.http import HttpResponse
from django.utils import timezone
from django.views.decorators.http import require_GET

from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.inventory.models import Credential
from apps.rotation import policies
from apps.rotation.filters import DueFilterSet
from apps.rotation.selectors.due import due_figures, month_of
from apps.rotation.tables import DueTable

EARLIEST, LATEST = 1970, 2199


@require_GET
@page(policies.can_browse)
def due_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "rotation/due_list.html",
        rows=Credential.objects.visible_to(request.actor).rotating().for_table(),
        table_class=DueTable,
        filterset_class=DueFilterSet,
        context={
            "figures": due_figures(request.actor, timezone.now()),
            "empty_title": "Nothing has to be rotated",
            "empty_text": "Static credentials stand here by the day they are due, as soon as a"
            " source tells when they were issued.",
            "empty_icon": "refresh",
        },
        csv_name="rotation-due",
    )


@require_GET
@page(policies.can_browse)
def due_calendar(request: Request) -> HttpResponse:
    today = timezone.localdate()
    first = _month(request.GET.get("month", "")) or today.replace(day=1)
    return render_page(
        request,
        "rotation/due_calendar.html",
        {
            "month": month_of(request.actor, first),
            "figures": due_figures(request.actor, timezone.now()),
        },
    )


def _month(text: str) -> date | None:
    """`2026-11`; nothing where it is no month."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    return first if EARLIEST <= first.year <= LATEST else None
