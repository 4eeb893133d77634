from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_POST

from apps.core.htmx import Request, render_page, written
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.notices import policies, services
from apps.notices.filters import NoticeFilterSet
from apps.notices.models import Notice
from apps.notices.tables import NoticeTable


@require_GET
@page(policies.can_browse)
def notice_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "notices/notice_list.html",
        rows=Notice.objects.visible_to(request.actor).for_table(),
        table_class=NoticeTable,
        filterset_class=NoticeFilterSet,
        context={
            "empty_title": "Nothing was mailed yet",
            "empty_text": "Invitations, reminders, and other notices appear here as they leave.",
            "empty_icon": "mail",
        },
    )


@require_GET
@page(policies.can_browse)
def notice_detail(request: Request, pk: int) -> HttpResponse:
    notice = get_object_or_404(Notice.objects.visible_to(request.actor).for_table(), pk=pk)
    return render_page(
        request,
        "notices/notice_detail.html",
        {"notice": notice, "may_retry": policies.can_retry(request.actor, notice)},
        regions=["notice-delivery"],
    )


@require_POST
@page(policies.can_browse)
def notice_retry(request: Request, pk: int) -> HttpResponse:
    notice = get_object_or_404(Notice.objects.visible_to(request.actor).for_table(), pk=pk)
    services.notice_retry(notice_id=notice.pk, actor=request.actor)
    return written(
        request, changed="notice", otherwise=notice.get_absolute_url(), said="Queued once more."
    )
