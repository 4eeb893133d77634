"""What people do to a request: each act a dialog, each with the rule that allows it."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from apps.approvals import policies
from apps.approvals.forms.requests import (
    ApproveForm,
    DenyForm,
    ProvisionForm,
    ReasonForm,
    WordsForm,
)
from apps.approvals.models import RequestNote
from apps.approvals.services.provisioning import request_provision
from apps.approvals.services.requests import request_cancel
from apps.approvals.services.votes import question_answer, question_ask, vote_cast
from apps.approvals.states import Choice, NoteKind
from apps.approvals.views.requests import request_of
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request
from apps.core.policies import enforce, page

CHANGED = "accessrequest"


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_approve(request: Request, pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    enforce(policies.can_vote(request.actor, asked))
    form = ApproveForm(request.POST or None, request=asked)

    def approve(*, seen: str, reason: str, **terms: object) -> None:
        vote_cast(
            request_id=pk,
            choice=Choice.APPROVE,
            reason=reason,
            seen=seen,
            terms=form.terms(),
            actor=request.actor,
        )

    words = Words(
        f"Approve {asked}",
        "Your name, your words, and what you leave on the table stand in the record. Take away"
        " what the task does not need.",
        "Approve",
        said="Approved, in your name.",
    )
    back = asked.get_absolute_url()
    return answer_dialog(request, form=form, act=approve, words=words, changed=CHANGED, back=back)


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_deny(request: Request, pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    enforce(policies.can_vote(request.actor, asked))
    return answer_dialog(
        request,
        form=DenyForm(request.POST or None, initial={"seen": asked.digest}),
        act=partial(vote_cast, request_id=pk, choice=Choice.DENY, actor=request.actor),
        words=Words(
            f"Deny {asked}",
            "Whoever asked is told why. They may ask again, for less or with better words.",
            "Deny",
            style="btn-danger",
            said="Denied, in your name.",
        ),
        changed=CHANGED,
        back=asked.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_question(request: Request, pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    enforce(policies.can_question(request.actor, asked))
    return answer_dialog(
        request,
        form=WordsForm(request.POST or None),
        act=partial(question_ask, request_id=pk, actor=request.actor),
        words=Words(
            f"Ask about {asked}",
            "It is mailed to whoever asked and to the agent's owner, and kept with the request.",
            "Ask",
            said="Asked.",
        ),
        changed=CHANGED,
        back=asked.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_answer(request: Request, pk: int, note_pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    enforce(policies.can_answer(request.actor, asked))
    note = get_object_or_404(RequestNote, request=asked, kind=NoteKind.QUESTION, pk=note_pk)
    return answer_dialog(
        request,
        form=WordsForm(request.POST or None),
        act=partial(question_answer, request_id=pk, note_id=note_pk, actor=request.actor),
        words=Words(f"Answer {note.author_label}", f"“{note.text}”", "Answer", said="Answered."),
        changed=CHANGED,
        back=asked.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_cancel_view(request: Request, pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    enforce(policies.can_cancel(request.actor, asked))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(request_cancel, request_id=pk, actor=request.actor),
        words=Words(
            f"Cancel {asked}",
            "Nobody judges it any more. It stays to be found.",
            "Cancel the request",
            style="btn-danger",
            said="Cancelled.",
        ),
        changed=CHANGED,
        back=asked.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def request_provision_view(request: Request, pk: int) -> HttpResponse:
    asked = request_of(request, pk)
    enforce(policies.can_provision(request.actor, asked))
    return answer_dialog(
        request,
        form=ProvisionForm(request.POST or None, request.FILES or None),
        act=partial(request_provision, request_id=pk, actor=request.actor),
        words=Words(
            f"{asked} is in place",
            "No connection can grant it, so a person does, in its system, exactly as approved. The"
            " next import confirms it by itself where it shows it.",
            "It is in place",
            said="In place, with your proof.",
        ),
        changed=CHANGED,
        back=asked.get_absolute_url(),
    )
