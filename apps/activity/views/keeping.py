"""What is kept of the trail: its months, its archive, and the words that were erased."""

from collections.abc import Callable
from functools import partial

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.activity import policies
from apps.activity.filters import ErasureFilterSet
from apps.activity.forms import ErasureForm
from apps.activity.models import Erasure
from apps.activity.selectors.archived import subject_visible
from apps.activity.selectors.keeping import keeping_told
from apps.activity.services.archiving import archiving_begin
from apps.activity.services.erasing import (
    erasure_approve,
    erasure_ask,
    erasure_refuse,
    erasure_withdraw,
)
from apps.activity.tables import ErasureTable
from apps.audit.models import AuditEntry
from apps.core.dialogs import Words, answer_dialog
from apps.core.forms import ReasonForm
from apps.core.htmx import Request, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page


@require_GET
@page(policies.can_see_kept)
def kept(request: Request) -> HttpResponse:
    """Every month, where it lies, and how long it stays."""
    context = {"told": keeping_told(), "may_archive": policies.can_archive(request.actor)}
    return render_page(request, "activity/kept.html", context, regions=["job"])


@require_http_methods(["GET", "POST"])
@page(policies.can_archive)
def months_archive(request: Request) -> HttpResponse:
    words = Words(
        "Archive what is due?",
        "Each month is written to files, read back, and compared with the log. Only then its tables"
        " are dropped. Its records can be proven from the files for good, and are no longer"
        " searched here.",
        "Archive",
        style="btn-danger",
        said="Begun. The page tells how far it is.",
    )

    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(archiving_begin, actor=request.actor),
        words=words,
        changed="archive",
        back=reverse("activity:kept"),
        reloads=True,
    )


@require_GET
@page(policies.can_see_kept)
def erasure_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "activity/erasure_list.html",
        rows=Erasure.objects.visible_to(request.actor).for_table(),
        table_class=ErasureTable,
        filterset_class=ErasureFilterSet,
        context={
            "empty_title": "Nobody asked to erase anything",
            "empty_text": "Open a record of the trail, and ask there.",
            "empty_icon": "eraser",
        },
        csv_name="erasures",
    )


@require_GET
@page(policies.can_see_kept)
def erasure_detail(request: Request, pk: int) -> HttpResponse:
    erasure = _erasure(request, pk)
    context = {
        "erasure": erasure,
        "entries": AuditEntry.objects.about(erasure, request.actor),
        "may_decide": policies.can_decide_erasure(request.actor, erasure),
        "may_withdraw": policies.can_withdraw_erasure(request.actor, erasure),
    }
    return render_page(request, "activity/erasure_detail.html", context)


@require_http_methods(["GET", "POST"])
@page(policies.can_ask_erasure)
def erasure_new(request: Request, leaf: int) -> HttpResponse:
    """Ask to erase the words of one record that the reader may see."""
    subject = subject_visible(leaf, request.actor)
    if subject is None:
        raise Http404
    words = Words(
        f"Ask to erase the words of record {leaf}?",
        "Another steward approves or refuses. The record itself stays, and its proof holds: it only"
        " commits to the words. What is erased cannot be brought back.",
        "Ask",
        style="btn-danger",
        said="Asked. Another steward decides.",
    )
    return answer_dialog(
        request,
        form=ErasureForm(request.POST or None),
        act=partial(erasure_ask, subject=subject, actor=request.actor),
        words=words,
        changed="erasure",
        back=reverse("activity:erasure_list"),
        reloads=True,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_archive)
def erasure_allow(request: Request, pk: int) -> HttpResponse:
    erasure = _erasure(request, pk)
    enforce(policies.can_decide_erasure(request.actor, erasure))
    words = Words(
        "Erase these words?",
        "They are erased at once, here and in the archive, and cannot be brought back. Copies in"
        " backups stay until those are over.",
        "Approve and erase",
        style="btn-danger",
        said="Approved.",
    )
    return _answer(request, erasure, words, erasure_approve)


@require_http_methods(["GET", "POST"])
@page(policies.can_archive)
def erasure_deny(request: Request, pk: int) -> HttpResponse:
    erasure = _erasure(request, pk)
    enforce(policies.can_decide_erasure(request.actor, erasure))
    words = Words("Refuse?", "The words stay.", "Refuse", said="Refused. Nothing was erased.")
    return _answer(request, erasure, words, erasure_refuse)


@require_http_methods(["GET", "POST"])
@page(policies.can_ask_erasure)
def erasure_take_back(request: Request, pk: int) -> HttpResponse:
    erasure = _erasure(request, pk)
    enforce(policies.can_withdraw_erasure(request.actor, erasure))
    words = Words("Take it back?", "The words stay.", "Take it back", said="Taken back.")
    return _answer(request, erasure, words, erasure_withdraw)


def _answer(
    request: Request, erasure: Erasure, words: Words, act: Callable[..., Erasure]
) -> HttpResponse:
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(act, erasure_id=erasure.pk, actor=request.actor),
        words=words,
        changed="erasure",
        back=erasure.get_absolute_url(),
        reloads=True,
    )


def _erasure(request: Request, pk: int) -> Erasure:
    return get_object_or_404(Erasure.objects.visible_to(request.actor).for_table(), pk=pk)
