"""Which systems' logs are read: what of each is here, and bringing more of it in."""

import hashlib
from datetime import datetime
from functools import partial

from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.activity import policies
from apps.activity.formats.lines import Bad
from apps.activity.log_forms import LogFileForm, LogForm, MappingForm, TryForm
from apps.activity.log_tables import LogFilterSet, LogImportFilterSet, LogImportTable, LogTable
from apps.activity.models import LogImport, Stream
from apps.activity.readings import Reading
from apps.activity.selectors.logs import sample_read, with_logs, with_newest
from apps.activity.services.keeping import times_of
from apps.activity.services.logs import import_upload
from apps.activity.services.streams import stream_add, stream_change, stream_resume
from apps.activity.states import LogFormat
from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.jobs import jobs_of
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.core.uploads import upload_delete, upload_keep
from apps.inventory.models import System


@require_GET
@page(policies.can_browse_logs)
def log_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "activity/log_list.html",
        rows=with_logs(System.objects.visible_to(request.actor).for_table()),
        table_class=LogTable,
        filterset_class=LogFilterSet,
        context={
            "may_bring": policies.can_bring_logs(request.actor),
            "empty_title": "No systems yet",
            "empty_text": "A log is of a system: bring in your systems first.",
            "empty_icon": "server",
        },
        csv_name="logs",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_bring_logs)
def log_new(request: Request) -> HttpResponse:
    systems = System.objects.visible_to(request.actor).present().order_by("name")
    initial = {"system": request.GET.get("system")}
    form = LogForm(request.POST or None, systems=systems, initial=initial)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            stream = stream_add(
                system=given["system"],
                log_format=given["log_format"],
                mapping=given["mapping"],
                actor=request.actor,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = "Added. Nothing of it is known until something of it is read."
            return moved(request, to=stream.get_absolute_url(), said=said)
    return _form_page(request, form, "Add a log", reverse("activity:log_list"))


@require_http_methods(["GET", "POST"])
@page(policies.can_bring_logs)
def log_change(request: Request, pk: int) -> HttpResponse:
    stream = _stream(request, pk)
    form = MappingForm(request.POST or None, initial={"mapping": stream.mapping})
    if request.method == "POST" and form.is_valid():
        try:
            stream_change(stream_id=pk, mapping=form.cleaned_data["mapping"], actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = "Saved. What was read stays as it was read."
            return moved(request, to=stream.get_absolute_url(), said=said)
    return _form_page(request, form, f"Mapping of {stream}", stream.get_absolute_url())


@require_POST
@page(policies.can_bring_logs)
def log_try(request: Request) -> HttpResponse:
    """What a pasted line would become. Nothing is kept."""
    form = TryForm(request.POST)
    tried = None
    if form.is_valid():
        given = form.cleaned_data
        line = given["sample"].strip().encode(errors="replace")
        tried = sample_read(given["log_format"], given["mapping"], line)
    return render_page(
        request,
        "activity/log_tried.html",
        {"form": form, "tried": tried, "when": _when(tried)},
        regions=["tried"],
    )


@require_GET
@page(policies.can_browse_logs)
def log_detail(request: Request, pk: int) -> HttpResponse:
    stream = _stream(request, pk)
    return render_listing(
        request,
        "activity/log_detail.html",
        rows=LogImport.objects.visible_to(request.actor).filter(stream=pk).for_table(),
        table_class=LogImportTable,
        filterset_class=LogImportFilterSet,
        context={
            "stream": stream,
            "is_mapped": stream.log_format == LogFormat.GENERIC,
            "may_bring": policies.can_bring_of(request.actor, stream),
            "may_end": policies.can_end_log(request.actor, stream),
            "may_resume": policies.can_resume_log(request.actor, stream),
            "entries": AuditEntry.objects.about(stream, request.actor)[:30],
            **_empty(stream),
        },
    )


def _empty(stream: Stream) -> dict[str, str]:
    """What stands in place of the readings: of a log that is here, none may be kept."""
    if stream.complete_until or stream.last_event_at:
        return {
            "empty_title": "No reading of it is listed",
            "empty_text": "What of it is here stands above. From now on each file, and each time"
            " that a connection reads it, is a row here.",
            "empty_icon": "file-search",
        }
    return {
        "empty_title": "Nothing of it was read yet",
        "empty_text": "Until then what happens there is not known, which is not nothing.",
        "empty_icon": "file-search",
    }


@require_http_methods(["GET", "POST"])
@page(policies.can_bring_logs)
def log_resume(request: Request, pk: int) -> HttpResponse:
    stream = _stream(request, pk)
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why it goes on"),
        act=partial(stream_resume, stream_id=pk, actor=request.actor),
        words=Words(
            "Take the log up again?",
            "Files of it may be brought in, and connections may read it. For the time between, it"
            " stays unknown what happened there until that is read.",
            "Take it up again",
            said="Taken up again. Read it, so that it counts as connected.",
        ),
        changed="stream",
        back=stream.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_bring_logs)
def log_upload(request: Request, pk: int) -> HttpResponse:
    stream = _stream(request, pk)
    refused = bool(getattr(request, "upload_refused", ""))
    sent = (request.POST, request.FILES) if request.method == "POST" else (None, None)
    form = LogFileForm(*sent, is_too_large=refused)
    if request.method == "POST" and form.is_valid():
        upload = form.cleaned_data["file"]
        path = upload_keep(upload)
        with path.open("rb") as kept:
            sha256 = hashlib.file_digest(kept, "sha256").hexdigest()
        try:
            held = import_upload(
                stream=stream,
                name=upload.name,
                path=str(path),
                sha256=sha256,
                is_whole=form.cleaned_data["is_whole"],
                actor=request.actor,
            )
        except DomainError as error:
            upload_delete(str(path))
            form.add_error(None, str(error))
        else:
            return moved(request, to=held.get_absolute_url())
    return render_page(
        request,
        "activity/log_upload.html",
        {"form": form, "stream": stream},
        regions=["upload"],
        status=422 if form.errors else 200,
    )


@require_GET
@page(policies.can_browse_logs)
def log_import_detail(request: Request, pk: int) -> HttpResponse:
    # Read first: by the time a job is seen to be over, the reading is as the job left it.
    job = jobs_of(LogImport(pk=pk)).first()
    rows = LogImport.objects.visible_to(request.actor).for_table()
    held = get_object_or_404(rows, pk=pk)
    return render_page(
        request,
        "activity/log_import_detail.html",
        {"held": held, "job": job, "is_going": not held.is_over},
        regions=["reading"],
    )


def _when(tried: Reading | Bad | None) -> datetime | None:
    """When a tried record would have happened."""
    times = times_of([tried]) if isinstance(tried, Reading) else []
    return times[0] if times else None


def _form_page(request: Request, form: Form, title: str, back: str) -> HttpResponse:
    return render_page(
        request,
        "activity/log_form.html",
        {"form": form, "title": title, "back": back},
        regions=["log-form"],
        status=422 if form.errors else 200,
    )


def _stream(request: Request, pk: int) -> Stream:
    rows = with_newest(Stream.objects.visible_to(request.actor).for_table())
    stream: Stream = get_object_or_404(rows, pk=pk)
    return stream
