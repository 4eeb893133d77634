from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from apps.core.htmx import Request, render_page, written
from apps.core.listing import render_listing
from apps.core.policies import page as declares
from apps.notices import policies, services
from apps.notices.filters import PageFilterSet
from apps.notices.models import Notice, Page
from apps.notices.tables import PageTable


@require_GET
@declares(policies.can_browse_pages)
def page_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "notices/page_list.html",
        rows=Page.objects.visible_to(request.actor).for_table(),
        table_class=PageTable,
        filterset_class=PageFilterSet,
        context={
            "empty_title": "Nobody was paged yet",
            "empty_text": "What cannot wait calls whoever is on call, and then stands here.",
            "empty_icon": "bell",
        },
    )


@require_GET
@declares(policies.can_browse_pages)
def page_detail(request: Request, pk: int) -> HttpResponse:
    page = _page(request, pk)
    return render_page(
        request,
        "notices/page_detail.html",
        {
            "page": page,
            "told": Notice.objects.of_page(page).for_table().order_by("pk"),
            "may_acknowledge": policies.can_acknowledge(request.actor, page),
            "may_resolve": policies.can_resolve(request.actor, page),
            "may_open_notices": policies.can_browse(request.actor),
        },
        regions=["page-state"],
    )


@require_POST
@declares(policies.can_browse_pages)
def page_acknowledge(request: Request, pk: int) -> HttpResponse:
    page = services.page_acknowledge(page_id=_page(request, pk).pk, actor=request.actor)
    mine = page.acknowledged_by == request.actor.user
    said = (
        "Acknowledged: nobody else is called."
        if mine
        else f"{page.acknowledged_by or 'Somebody'} was quicker."
    )
    return written(request, changed="page", otherwise=page.get_absolute_url(), said=said)


@require_POST
@declares(policies.can_browse_pages)
def page_resolve(request: Request, pk: int) -> HttpResponse:
    page = services.page_resolve(page_id=_page(request, pk).pk, actor=request.actor)
    return written(request, changed="page", otherwise=page.get_absolute_url(), said="Resolved.")


def _page(request: Request, pk: int) -> Page:
    return get_object_or_404(Page.objects.visible_to(request.actor).for_table(), pk=pk)
