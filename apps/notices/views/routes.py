from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page, written
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.notices import policies, services
from apps.notices.filters import RouteFilterSet
from apps.notices.forms import ROUTE_FORMS, ReasonForm
from apps.notices.models import Notice, Route
from apps.notices.selectors import who_may_be_called
from apps.notices.states import By
from apps.notices.tables import RouteTable

NEWEST = 10
WORDS = {
    By.MAIL: Words("Mail to a person", "Pages reach one person by mail.", "Make the route"),
    By.CHAT: Words(
        "A chat",
        "Pages are posted to a channel, as Slack's incoming webhooks take them; Mattermost and"
        " others do alike. Their address is itself the secret.",
        "Make the route",
    ),
    By.PAGERDUTY: Words(
        "PagerDuty",
        "Pages open an incident of one service, by its integration “Events API v2”. Acknowledged"
        " or resolved here, it is so there too.",
        "Make the route",
    ),
    By.WEBHOOK: Words(
        "A signed webhook",
        "Pages are posted as JSON to a system of your own, signed as Standard Webhooks say; so is"
        " what becomes of them.",
        "Make the route",
    ),
}


@require_GET
@page(policies.can_browse_routes)
def route_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "notices/route_list.html",
        rows=Route.objects.visible_to(request.actor).for_table(),
        table_class=RouteTable,
        filterset_class=RouteFilterSet,
        context={
            "kinds": By,
            "may_make": policies.can_make_routes(request.actor),
            "empty_title": "No route yet",
            "empty_text": "Until there is one on a ladder, pages reach every steward by mail.",
            "empty_icon": "route",
        },
    )


@require_GET
@page(policies.can_browse_routes)
def route_detail(request: Request, pk: int) -> HttpResponse:
    route = _route(request, pk)
    sent = Notice.objects.by_route(route).for_table().order_by("-pk")[:NEWEST]
    return render_page(
        request,
        "notices/route_detail.html",
        {
            "route": route,
            "sent": sent,
            "steps": route.steps.select_related("ladder__team"),
            "is_waiting": any(one.delivery.is_waiting for one in sent),
            "may_test": policies.can_test_route(request.actor, route),
            "may_retire": policies.can_retire_route(request.actor, route),
        },
        regions=["route-sent"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_make_routes)
def route_new(request: Request, by: str) -> HttpResponse:
    if by not in ROUTE_FORMS:
        raise Http404
    form = ROUTE_FORMS[by](request.POST or None, people=who_may_be_called())
    if request.method == "POST" and form.is_valid():
        try:
            route = services.route_create(by=by, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = "The route is made. Test it, then put it on a ladder."
            return moved(request, to=route.get_absolute_url(), said=said)
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": WORDS[By(by)], "back": reverse("notices:route_list")},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_POST
@page(policies.can_make_routes)
def route_test(request: Request, pk: int) -> HttpResponse:
    route = _route(request, pk)
    services.route_test(route_id=route.pk, actor=request.actor)
    said = "On its way; the answer stands here in a moment."
    return written(request, changed="route", otherwise=route.get_absolute_url(), said=said)


@require_http_methods(["GET", "POST"])
@page(policies.can_make_routes)
def route_retire(request: Request, pk: int) -> HttpResponse:
    route = _route(request, pk)

    def act(reason: str) -> None:
        services.route_retire(route_id=pk, reason=reason, actor=request.actor)

    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=act,
        words=Words(
            f"Retire {route}",
            "Nothing goes there from now on. What went there stays in the record.",
            "Retire it",
            style="btn-danger",
            said="Retired.",
        ),
        changed="route",
        back=route.get_absolute_url(),
        reloads=True,
    )


def _route(request: Request, pk: int) -> Route:
    return get_object_or_404(Route.objects.visible_to(request.actor).for_table(), pk=pk)
