"""Where the trail meets the rest: everything around a record, and what let a run do what it did."""

from datetime import datetime

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.views.decorators.http import require_GET

from apps.activity.models import Invocation
from apps.activity.policies import can_browse
from apps.activity.searching import UnclearSearch
from apps.console.selectors.around import SPANS, USUAL, around_of
from apps.console.selectors.run_access import access_of, access_of_record
from apps.core.htmx import Request, render_page
from apps.core.policies import page


@require_GET
@page(can_browse)
def around(request: Request, kind: str, pk: int) -> HttpResponse:
    """What was done about a record and what came in of it, about one moment."""
    span = request.GET.get("span", USUAL)
    span = span if span in SPANS else USUAL
    try:
        told = around_of(kind, pk, request.actor, at=_moment(request), span=span)
    except UnclearSearch as error:
        return render_page(request, "console/around_refused.html", {"why": error}, status=422)
    if told is None:
        raise Http404
    return render_page(request, "console/around.html", {"told": told, "spans": SPANS})


def _moment(request: Request) -> datetime | None:
    try:
        moment = parse_datetime(request.GET.get("at", ""))
    except ValueError:
        return None
    if moment is None:
        return None
    return moment if timezone.is_aware(moment) else timezone.make_aware(moment)


@require_GET
@page(can_browse)
def invocation_access(request: Request, pk: int) -> HttpResponse:
    """The permissions that a run used, and why each was there: a panel of the run's page.

    Beside the panel come the lines of its actions and calls, each for its own place in the run.
    """
    run = get_object_or_404(Invocation.objects.visible_to(request.actor), pk=pk)
    access = access_of(run, request.actor)
    return render_page(
        request,
        "console/invocation_access.html",
        {
            "access": access,
            "run": run,
            "is_beside": bool(request.htmx),
            "has_story": request.GET.get("view") != "waterfall",
        },
        regions=["invocation-access"],
    )


@require_GET
@page(can_browse)
def record_access(request: Request, leaf: int) -> HttpResponse:
    """What allowed one action or call: a panel of its record's page."""
    access = access_of_record(leaf, request.actor)
    if access is None:
        raise Http404
    return render_page(
        request, "console/record_access.html", {"access": access}, regions=["record-access"]
    )
