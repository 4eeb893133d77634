from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_GET

from apps.audit.selectors import entry_proof, sealing_of
from apps.console import policies
from apps.console.filters import RecordFilterSet
from apps.console.tables import RecordTable
from apps.console.timelines import (
    entries_visible_to,
    kind_in_words,
    may_open,
    page_of,
    subject_of,
    timeline_of,
)
from apps.core.errors import DomainError
from apps.core.htmx import Request, download, render_page
from apps.core.listing import render_listing
from apps.core.policies import page

MOST_SHOWN = 200


@require_GET
@page(policies.can_read_record)
def record_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "console/record_list.html",
        rows=entries_visible_to(request.actor),
        table_class=RecordTable,
        filterset_class=RecordFilterSet,
        context={
            "empty_title": "Nothing is recorded yet",
            "empty_text": "Every change of a record writes an entry, and none is ever changed.",
            "empty_icon": "timeline",
        },
        csv_name="record",
    )


@require_GET
@page(policies.can_read_record)
def record_detail(request: Request, pk: int) -> HttpResponse:
    visible = entries_visible_to(request.actor).select_related("actor")
    entry = get_object_or_404(visible, pk=pk)
    beside = visible.none()
    if entry.request_id:
        beside = visible.filter(request_id=entry.request_id).exclude(pk=pk).order_by("pk")
    return render_page(
        request,
        "console/record_detail.html",
        {
            "entry": entry,
            "sealing": sealing_of(entry),
            "subject_href": page_of(entry.target_type, entry.target_id, request.actor),
            "beside": beside[:MOST_SHOWN],
        },
    )


@require_GET
@page(policies.can_read_record)
def record_proof(request: Request, pk: int) -> HttpResponse:
    """The proof of one entry alone, to be kept and checked outside."""
    entry = get_object_or_404(entries_visible_to(request.actor), pk=pk)
    try:
        text = entry_proof(entry)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect("console:record_detail", pk)
    return download(text, name=f"entry-{pk}.tlog-proof")


@require_GET
@page(policies.can_read_record)
def record_timeline(request: Request, target_type: str, pk: int) -> HttpResponse:
    """The story of one record: its own entries, and those of what belongs to it."""
    rows = timeline_of(target_type, pk, actor=request.actor)
    entries = list(rows.order_by("-pk")[: MOST_SHOWN + 1])
    subject = subject_of(target_type, pk)
    if subject is None or not (entries or may_open(target_type, pk, actor=request.actor)):
        raise Http404
    context: dict[str, Any] = {
        "subject": subject,
        "target_type": target_type,
        "kind": kind_in_words(target_type),
        "pk": pk,
        "subject_href": page_of(target_type, pk, request.actor),
        "entries": entries[:MOST_SHOWN],
        "is_cut": len(entries) > MOST_SHOWN,
        "most_shown": MOST_SHOWN,
    }
    return render_page(request, "console/record_timeline.html", context)
