"""What agents did: the list of invocations, each one's story, and one record's own words."""

from collections.abc import Mapping

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from apps.activity import policies, services
from apps.activity.filters import InvocationFilterSet
from apps.activity.models import Invocation
from apps.activity.selectors.keeping import archives_of
from apps.activity.selectors.neighbours import neighbours_of
from apps.activity.selectors.reach import systems_reached
from apps.activity.selectors.stories import story_of
from apps.activity.services.opening import Opened
from apps.activity.tables import InvocationTable
from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import page


@require_GET
@page(policies.can_browse)
def invocation_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "activity/invocation_list.html",
        rows=Invocation.objects.visible_to(request.actor).for_table(),
        table_class=InvocationTable,
        filterset_class=InvocationFilterSet,
        context={
            "empty_title": "No agent has told of an invocation yet",
            "empty_text": "Give an agent a client that may deliver to the trail, and point its"
            " OpenTelemetry exporter here.",
            "empty_icon": "timeline",
        },
        csv_name="invocations",
    )


@require_GET
@page(policies.can_browse)
def invocation_detail(request: Request, pk: int) -> HttpResponse:
    return _story(request, _invocation(request, pk))


def _story(
    request: Request, invocation: Invocation, *, words: Mapping[int, Opened] | None = None
) -> HttpResponse:
    story = story_of(invocation, request.actor)
    for moment in story.moments:
        if words and moment.event:
            moment.opened = words.get(moment.event.leaf_index)
    return render_page(
        request,
        "activity/invocation_detail.html",
        {
            "invocation": invocation,
            "story": story,
            "archives": archives_of([invocation.first_recorded, invocation.last_recorded]),
            "view": "waterfall" if request.GET.get("view") == "waterfall" else "story",
            "neighbours": neighbours_of(invocation, story.joined, request.actor),
            "reaches": systems_reached(
                invocation.agent_id, invocation.started_at, invocation.ended_at, request.actor
            ),
            "may_open": policies.can_open_payload(request.actor),
        },
        regions=["story"],
    )


@require_POST
@page(policies.can_open_payload)
def payload_open(request: Request, leaf: int) -> HttpResponse:
    """The words of one record. A POST, because the record notes who read them."""
    opened = services.payload_open(leaf=leaf, actor=request.actor)
    if opened is None:
        raise Http404
    return _words(request, [opened])


@require_POST
@page(policies.can_open_payload)
def payloads_open(request: Request, pk: int) -> HttpResponse:
    """The words of every record of a run, in place of its story."""
    invocation = _invocation(request, pk)
    opened = services.payloads_open(invocation=invocation, actor=request.actor)
    return _story(request, invocation, words={one.event.leaf_index: one for one in opened})


def _words(request: Request, opened: list[Opened]) -> HttpResponse:
    # Many stand on one page, each its own region: what htmx wants is always this part.
    part = "#words" if request.htmx and not request.htmx.boosted else ""
    return render_page(request, f"activity/payload.html{part}", {"opened": opened[0]})


def _invocation(request: Request, pk: int) -> Invocation:
    return get_object_or_404(Invocation.objects.visible_to(request.actor).for_table(), pk=pk)
