from django.http import HttpResponse, StreamingHttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.audit.models import AuditEntry
from apps.connectors import policies
from apps.connectors.adapters.formats import FORMATS
from apps.connectors.filters import SourceFilterSet
from apps.connectors.forms import UploadForm
from apps.connectors.models import Sync
from apps.connectors.selectors import freshness_of, kind_rows, with_freshness
from apps.connectors.services.applying import sync_drop
from apps.connectors.services.exporting import inventory_export
from apps.connectors.services.jobs import sync_confirm, sync_upload
from apps.connectors.tables import SourceTable
from apps.core.htmx import Request, moved, render_page
from apps.core.jobs import jobs_of
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.core.uploads import upload_delete, upload_keep
from apps.inventory.models import Source


@require_GET
@page(policies.can_browse_sources)
def source_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "connectors/source_list.html",
        rows=with_freshness(Source.objects.visible_to(request.actor).for_table()),
        table_class=SourceTable,
        filterset_class=SourceFilterSet,
        context={
            "may_import": policies.can_import(request.actor),
            "may_export": policies.can_export(request.actor),
            "waiting": Sync.objects.visible_to(request.actor).waiting_for_a_person().for_table(),
            "empty_title": "Nothing has been read yet",
            "empty_text": "Bring in an AWS account, or a list of your agents, to begin.",
            "empty_icon": "plug-connected",
            "empty_href": reverse("connectors:sync_upload"),
            "empty_label": "Bring in a file",
        },
        csv_name="sources",
    )


@require_GET
@page(policies.can_browse_sources)
def source_detail(request: Request, pk: int) -> HttpResponse:
    source = get_object_or_404(Source.objects.visible_to(request.actor).for_table(), pk=pk)
    newest = Source.objects.visible_to(request.actor).current().filter(stream=source.stream)
    return render_page(
        request,
        "connectors/source_detail.html",
        {
            "source": source,
            "newest": newest.exclude(pk=pk).first(),
            "freshness": freshness_of(source),
            "kinds": kind_rows(source.changes),
            "format": FORMATS.get(source.format),
            "entries": AuditEntry.objects.about(source, request.actor),
        },
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_import)
def upload(request: Request) -> HttpResponse:
    form = UploadForm(
        request.POST or None,
        request.FILES or None,
        refused=getattr(request, "upload_refused", ""),
    )
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        sync = sync_upload(
            path=upload_keep(given["file"]),
            format_name=given["format"],
            file_name=given["file"].name,
            stream=given["stream"],
            command=given["command"],
            actor=request.actor,
        )
        return moved(request, to=sync.get_absolute_url())
    return render_page(
        request,
        "connectors/sync_upload.html",
        {"form": form, "formats": FORMATS.values()},
        regions=["upload"],
        status=422 if form.errors else 200,
    )


@require_GET
@page(policies.can_import)
def sync_detail(request: Request, pk: int) -> HttpResponse:
    # Read first: by the time a job is seen to be over, the reading is as the job left it.
    job = jobs_of(Sync(pk=pk)).first()
    sync = get_object_or_404(Sync.objects.visible_to(request.actor).for_table(), pk=pk)
    report = sync.report
    return render_page(
        request,
        "connectors/sync_detail.html",
        {
            "sync": sync,
            "job": job,
            "format": FORMATS.get(sync.format),
            "kinds": kind_rows(report.get("kinds", {})),
            "rejected": [*sync.rejected, *report.get("rejected", [])],
            "rejected_count": sync.rejected_count + report.get("rejected_count", 0),
            "notes": report.get("notes", []),
            "may_apply": policies.can_apply(request.actor, sync),
            "may_drop": policies.can_drop(request.actor, sync),
        },
        regions=["job", "reading"],
    )


@require_POST
@page(policies.can_import)
def sync_apply(request: Request, pk: int) -> HttpResponse:
    sync = get_object_or_404(Sync.objects.visible_to(request.actor), pk=pk)
    sync_confirm(sync_id=pk, actor=request.actor)
    return moved(request, to=sync.get_absolute_url())


@require_POST
@page(policies.can_import)
def sync_discard(request: Request, pk: int) -> HttpResponse:
    sync = get_object_or_404(Sync.objects.visible_to(request.actor), pk=pk)
    sync_drop(sync_id=pk, actor=request.actor)
    upload_delete(sync.path)
    return moved(
        request, to=reverse("connectors:source_list"), said="Dropped. Nothing was changed."
    )


@require_GET
@page(policies.can_export)
def export(request: Request) -> HttpResponse:
    """Stream the whole inventory as a document that can be brought in elsewhere."""
    response = StreamingHttpResponse(
        inventory_export(actor=request.actor), content_type="application/json"
    )
    name = f"countersign-inventory-{timezone.now():%Y-%m-%d}.json"
    response["Content-Disposition"] = f'attachment; filename="{name}"'
    return response  # type: ignore[return-value]
