"""Connections that read a system's log: a panel on the log's own page."""

from datetime import datetime, time, timedelta
from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.activity.models import Stream
from apps.connectors import policies
from apps.connectors.forms import LogSourceForm
from apps.connectors.models import LogSource
from apps.connectors.services import logs
from apps.core.dialogs import Words, answer_dialog
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import page


@require_GET
@page(policies.can_browse_sources)
def log_sources(request: Request, pk: int) -> HttpResponse:
    stream = _stream(request, pk)
    return render_page(
        request,
        "connectors/log_sources.html",
        {
            "stream": stream,
            "sources": LogSource.objects.standing().of_stream(pk).for_table(),
            "may_connect": policies.can_connect(request.actor),
            "offered": logs.connections_for(stream),
        },
        regions=["log-sources"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def log_source_add(request: Request, pk: int) -> HttpResponse:
    stream = _stream(request, pk)

    def add(*, connection: str, since: datetime) -> str:
        start = timezone.make_aware(datetime.combine(since, time.min))
        logs.log_source_add(
            stream=stream, connection_id=int(connection), since=start, actor=request.actor
        )
        return "It reads now. What came is listed below."

    week_ago = timezone.localdate() - timedelta(days=7)
    return answer_dialog(
        request,
        form=LogSourceForm(
            request.POST or None,
            connections=logs.connections_for(stream),
            initial={"since": week_ago},
        ),
        act=add,
        words=Words(
            f"Have the log of {stream.system} read",
            "It is read from that day on, now and whenever the connection reads.",
            "Read it",
        ),
        changed="stream",
        back=stream.get_absolute_url(),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def log_end(request: Request, pk: int) -> HttpResponse:
    """Say that nothing more of a log comes."""
    stream = _stream(request, pk)
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why nothing more comes"),
        act=partial(logs.log_end, stream_id=pk, actor=request.actor),
        words=Words(
            f"Has the log of {stream.system} ended?",
            "No connection reads it any more, and no file of it is taken in. What was read stays;"
            " what happens there from now on is not known.",
            "It has ended",
            said="Ended. What was read of it stays.",
        ),
        changed="stream",
        back=stream.get_absolute_url(),
        reloads=True,
    )


@require_POST
@page(policies.can_connect)
def log_source_read(request: Request, pk: int) -> HttpResponse:
    source = _source(request, pk)
    logs.log_source_read(source_id=pk, actor=request.actor)
    return moved(request, to=source.get_absolute_url(), said="It reads now.")


@require_POST
@page(policies.can_connect)
def log_source_stop(request: Request, pk: int) -> HttpResponse:
    source = _source(request, pk)
    logs.log_source_stop(source_id=pk, actor=request.actor)
    return moved(request, to=source.get_absolute_url(), said="Stopped. What was read of it stays.")


def _stream(request: Request, pk: int) -> Stream:
    return get_object_or_404(Stream.objects.visible_to(request.actor).for_table(), pk=pk)


def _source(request: Request, pk: int) -> LogSource:
    seen = Stream.objects.visible_to(request.actor).values("pk")
    return get_object_or_404(LogSource.objects.filter(stream__in=seen).for_table(), pk=pk)
