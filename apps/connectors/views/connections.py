from collections.abc import Callable
from functools import partial
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.audit.models import AuditEntry
from apps.connectors import policies
from apps.connectors.adapters.registry import kinds
from apps.connectors.filters import ConnectionFilterSet
from apps.connectors.forms import ConnectionChangeForm, ConnectionForm
from apps.connectors.models import Connection
from apps.connectors.selectors import health_of
from apps.connectors.services import connections
from apps.connectors.states import ConnectionKind
from apps.connectors.tables import ConnectionTable
from apps.core.actors import Actor
from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, moved, render_page
from apps.core.jobs import jobs_of
from apps.core.listing import render_listing
from apps.core.policies import Verdict, enforce, page


@require_GET
@page(policies.can_connect)
def connection_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "connectors/connection_list.html",
        rows=Connection.objects.visible_to(request.actor).for_table(),
        table_class=ConnectionTable,
        filterset_class=ConnectionFilterSet,
        context={
            "kinds": _offered(),
            "empty_title": "Nothing is connected yet",
            "empty_text": "Connect a system to read it by itself, and to remove access from here.",
            "empty_icon": "plug-connected",
        },
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def connection_new(request: Request, kind: str) -> HttpResponse:
    if kind not in kinds():
        raise Http404
    form = ConnectionForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        try:
            connection = connections.connection_add(kind=kind, actor=request.actor, **form.values())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(
                request, to=connection.get_absolute_url(), said="Added. Test it to let it read."
            )
    return _form_page(request, form, f"Connect {ConnectionKind(kind).label}")


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def connection_change(request: Request, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    enforce(policies.can_change_connection(request.actor, connection))
    told = {
        **connection.told,
        "name": connection.name,
        "every_minutes": connection.every_minutes,
        "calls_per_second": connection.calls_per_second,
        "may_issue": connection.may_issue,
    }
    form = ConnectionChangeForm(
        request.POST or None, kind=connection.kind, connection=connection, initial=told
    )
    if request.method == "POST" and form.is_valid():
        try:
            connections.connection_change(connection_id=pk, actor=request.actor, **form.values())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=connection.get_absolute_url(), said="Saved.")
    return _form_page(request, form, f"Change {connection}", connection)


@require_GET
@page(policies.can_connect)
def connection_detail(request: Request, pk: int) -> HttpResponse:
    job = jobs_of(Connection(pk=pk)).first()
    connection = _connection(request, pk)
    actor = request.actor
    return render_page(
        request,
        "connectors/connection_detail.html",
        {
            "connection": connection,
            "health": health_of(connection, job),
            "job": job,
            "entries": AuditEntry.objects.about(connection, actor)[:30],
            "may_change": policies.can_change_connection(actor, connection),
            "may_read": policies.can_read_now(actor, connection),
            "may_ask": policies.can_ask_removal(actor, connection),
            "may_allow": policies.can_allow_removal(actor, connection),
            "may_stop": policies.can_stop_removal(actor, connection),
        },
        regions=["connection-summary", "connection-readings"],
    )


@require_POST
@page(policies.can_connect)
def connection_test(request: Request, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    tested = connections.connection_test(connection_id=pk, actor=request.actor)
    said = f"Tested: {tested.problem}" if tested.problem else "Tested: it works."
    return moved(request, to=connection.get_absolute_url(), said=said)


@require_POST
@page(policies.can_connect)
def connection_read(request: Request, pk: int) -> HttpResponse:
    connection = _connection(request, pk)
    connections.connection_read(connection_id=pk, actor=request.actor)
    return moved(request, to=connection.get_absolute_url())


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def connection_ask_removal(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_ask_removal,
        service=connections.connection_ask_removal,
        words=Words(
            "May it remove access?",
            "Another steward has to allow it. Until then it only reads.",
            "Ask for removal",
            said="Asked. Another steward allows it on this page.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def connection_allow_removal(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_allow_removal,
        service=connections.connection_allow_removal,
        words=Words(
            "Let it remove access?",
            "Orders about this system are then carried out by Countersign itself: keys are "
            "disabled and deleted, policies changed.",
            "Let it remove",
            style="btn-danger",
            said="It may remove now.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def connection_stop_removal(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_stop_removal,
        service=connections.connection_stop_removal,
        words=Words(
            "Stop it from removing?",
            "It goes on reading. New orders then go to people.",
            "Stop removal",
            said="It only reads now.",
        ),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_connect)
def connection_retire(request: Request, pk: int) -> HttpResponse:
    return _act(
        request,
        pk,
        rule=policies.can_change_connection,
        service=connections.connection_retire,
        words=Words(
            "Retire this connection?",
            "It reads and removes nothing any more. What it has read stays.",
            "Retire",
            style="btn-danger",
            said="Retired.",
        ),
    )


def _connection(request: Request, pk: int) -> Connection:
    return get_object_or_404(Connection.objects.visible_to(request.actor).for_table(), pk=pk)


def _act(
    request: Request,
    pk: int,
    *,
    rule: Callable[[Actor, Connection], Verdict],
    service: Callable[..., Any],
    words: Words,
) -> HttpResponse:
    connection = _connection(request, pk)
    enforce(rule(request.actor, connection))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(service, connection_id=pk, actor=request.actor),
        words=words,
        changed="connection",
        back=connection.get_absolute_url(),
        reloads=True,
    )


def _form_page(
    request: Request, form: ConnectionForm, title: str, connection: Connection | None = None
) -> HttpResponse:
    return render_page(
        request,
        "connectors/connection_form.html",
        {"form": form, "form_title": title, "connection": connection},
        status=422 if form.errors else 200,
    )


def _offered() -> list[tuple[str, str]]:
    return [(kind, ConnectionKind(kind).label) for kind in kinds()]
