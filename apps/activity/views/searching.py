"""Records of the trail by a search, as they come in, and one by one."""

from collections.abc import Iterator
from typing import cast

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_POST

from apps.activity import policies, services
from apps.activity.models import Erasure, SavedSearch
from apps.activity.querysets.events import EventQuerySet
from apps.activity.searching import KEYS, Terms, UnclearSearch, terms_of
from apps.activity.selectors.archived import subject_visible
from apps.activity.selectors.records import record_at, record_told
from apps.activity.selectors.searching import (
    MOST_EXPORTED,
    events_found,
    in_time,
    search,
)
from apps.core.csv import csv_lines
from apps.core.errors import DomainError
from apps.core.htmx import Request, download, moved, render_page
from apps.core.listing import RowsResponse
from apps.core.policies import page
from apps.proof.alone import proof_alone

COLUMNS = (
    "leaf_index", "recorded_at", "happened_at", "kind", "level", "name", "target", "outcome",
    "address", "trace_id", "correlation", "request_id", "agent_id", "identity_id",
    "credential_id", "system_id",
)  # fmt: skip


@require_GET
@page(policies.can_browse)
def search_list(request: Request) -> HttpResponse:
    """What matches a search: a page of it, a file of it, or the newest of it as it comes in."""
    text = request.GET.get("q", "")
    if request.GET.get("export") in EXPORTS:
        try:
            return _exported(request, terms_of(text, now=timezone.now()))
        except UnclearSearch:
            pass  # the page says what is unclear
    return _page(request, text)


def _page(request: Request, text: str, *, refused: str = "") -> HttpResponse:
    now, found, unclear = timezone.now(), None, ""
    try:
        found = search(terms_of(text, now=now), request.actor, below=_leaf(request), now=now)
    except UnclearSearch as error:
        unclear = str(error)
    context = {
        "text": text,
        "found": found,
        "unclear": unclear,
        "refused": refused,
        "keys": KEYS.items(),
        "is_live": "live" in request.GET and "from" not in request.GET,
        "saved": SavedSearch.objects.of(request.actor),
    }
    return render_page(
        request,
        "activity/search.html",
        context,
        regions=["found"],
        status=422 if unclear or refused else 200,
    )


@require_GET
@page(policies.can_browse)
def record_detail(request: Request, leaf: int) -> HttpResponse:
    """One record of the trail, whole, with its seal and what it is joined to."""
    told = record_told(leaf, request.actor)
    if told is not None:
        context = {
            "told": told,
            "erasure": Erasure.objects.of_record(told.event.log_id, leaf).first(),
            "may_open": policies.can_open_payload(request.actor),
            "may_erase": policies.can_ask_erasure(request.actor),
        }
        return render_page(request, "activity/record_detail.html", context)
    archived = subject_visible(leaf, request.actor)
    if archived is None:
        raise Http404
    may_erase = policies.can_ask_erasure(request.actor)
    told_of = {"subject": archived, "may_erase": may_erase}
    return render_page(request, "activity/archived.html", told_of)


@require_GET
@page(policies.can_browse)
def record_proof(request: Request, leaf: int) -> HttpResponse:
    """The proof of one record alone, to be kept and checked outside."""
    found = record_at(leaf, request.actor)
    if found is None:
        raise Http404
    log, event = found
    try:
        text = proof_alone(log, leaf, event.header)
    except DomainError as error:
        messages.error(request, str(error))
        return redirect(event)
    return download(text, name=f"record-{leaf}.tlog-proof")


@require_POST
@page(policies.can_browse)
def search_save(request: Request) -> HttpResponse:
    text = request.POST.get("q", "")
    try:
        services.search_save(name=request.POST.get("name", ""), text=text, actor=request.actor)
    except DomainError as error:
        return _page(request, text, refused=str(error))
    return moved(request, to=_address(text), said="Saved.")


@require_POST
@page(policies.can_browse)
def search_forget(request: Request, pk: int) -> HttpResponse:
    if not services.search_forget(pk=pk, actor=request.actor):
        raise Http404
    return redirect("activity:search")


def _address(text: str) -> str:
    return reverse("activity:search", query={"q": text})


def _leaf(request: Request) -> int:
    told = request.GET.get("from", "")
    return int(told) if told.isascii() and told.isdigit() and len(told) < 19 else 0


def _exported(request: Request, terms: Terms) -> HttpResponse:
    """The same records as a file. Lines are the exact headers, whose hashes are the leaves."""
    kind = request.GET["export"]
    with in_time():
        rows = events_found(terms, request.actor, now=timezone.now())
        last = list(rows.values_list("leaf_index", flat=True)[:MOST_EXPORTED])
    taken = rows.filter(leaf_index__gte=last[-1]) if last else rows.none()
    content_type, lines = EXPORTS[kind]
    response = RowsResponse(lines(taken), row_count=len(last), content_type=content_type)
    day = timezone.now().strftime("%Y-%m-%d")
    response["Content-Disposition"] = f'attachment; filename="trail-{day}.{kind}"'
    # A stream shares only its base with HttpResponse; for views and decorators it is one.
    return cast("HttpResponse", response)


def _csv(rows: EventQuerySet) -> Iterator[str]:
    yield from csv_lines([COLUMNS])
    yield from csv_lines(rows.values_list(*COLUMNS).iterator(chunk_size=1000))


def _jsonl(rows: EventQuerySet) -> Iterator[str]:
    for header in rows.values_list("header", flat=True).iterator(chunk_size=1000):
        yield f"{header}\n"


EXPORTS = {
    "csv": ("text/csv; charset=utf-8", _csv),
    "jsonl": ("application/jsonl; charset=utf-8", _jsonl),
}
