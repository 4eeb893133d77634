from dataclasses import replace

from django import forms
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.activity.selectors.breaking import breaks_without_credential, breaks_without_grant
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.numbers import whole_number
from apps.core.policies import page
from apps.reviews.choices import actions_of
from apps.reviews.forms.items import (
    AttestForm,
    ChoiceForm,
    NotMineForm,
    ReassignForm,
    UndoForm,
    WordsForm,
)
from apps.reviews.models import ReviewItem
from apps.reviews.policies.campaigns import can_browse, can_exclude
from apps.reviews.policies.items import (
    can_answer,
    can_ask,
    can_attest,
    can_comment,
    can_decide,
    can_disown,
    can_reassign,
    can_use_bench,
)
from apps.reviews.selectors.bench import Row, bench_of
from apps.reviews.selectors.stories import proposed_reviewer_of, story_of
from apps.reviews.services import items as services
from apps.reviews.states import NoteKind
from apps.reviews.views.bench import card_of, missing_in

NOTES: dict[str, tuple[NoteKind, type[forms.Form], str, str, str]] = {
    "question": (
        NoteKind.QUESTION,
        WordsForm,
        "Ask the owner",
        "They get it by mail; the answer is kept beside the item.",
        "Ask",
    ),
    "answer": (NoteKind.ANSWER, WordsForm, "Answer", "Whoever asked gets it by mail.", "Answer"),
    "comment": (
        NoteKind.COMMENT,
        WordsForm,
        "Comment",
        "Everybody who sees the item reads it. It cannot be taken back.",
        "Comment",
    ),
    "attestation": (
        NoteKind.ATTESTATION,
        AttestForm,
        "Attest the need",
        "You say why the agent needs this; your team's manager decides.",
        "Attest",
    ),
    "not-mine": (
        NoteKind.NOT_MINE,
        NotMineForm,
        "Not mine",
        "Whoever runs the campaign gets your proposal by mail. Until they act it stays with you.",
        "Propose",
    ),
}


@require_GET
@page(can_browse)
def item_detail(request: Request, pk: int) -> HttpResponse:
    item = _item(request, pk)
    actor = request.actor
    story = story_of(item)
    context = {
        "item": item,
        "story": story,
        "actions": actions_of(item.frozen),
        "may_decide": can_decide(actor, item),
        "may_reassign": can_reassign(actor, item),
        "may_attest": can_attest(actor, item),
        "may_answer": can_answer(actor, item),
        "may_comment": can_comment(actor, item),
        "may_ask": can_ask(actor, item),
        "may_disown": can_disown(actor, item),
        "may_exclude": can_exclude(actor, item.campaign),
    }
    return render_page(request, "reviews/item_detail.html", context, regions=["item-story"])


@require_GET
@page(can_browse)
def item_breaks(request: Request, pk: int) -> HttpResponse:
    """What would break without what the item asks about."""
    item = _item(request, pk)
    breaks = None
    if item.grant is not None:
        breaks = breaks_without_grant(item.grant, request.actor)
    elif item.credential is not None:
        breaks = breaks_without_credential(item.credential, request.actor)
    return render_page(
        request,
        "reviews/item_breaks.html",
        {"item": item, "breaks": breaks},
        regions=["dialog"],
    )


@require_GET
@page(can_use_bench)
def item_card(request: Request, pk: int) -> HttpResponse:
    """One row of the bench, as the reviewer of the item sees it."""
    return _card(request, _item(request, pk))


@require_POST
@page(can_use_bench)
def item_draft(request: Request, pk: int) -> HttpResponse:
    """Keep what was chosen so far. Two tabs are told apart by the version each one shows."""
    item = _item(request, pk)
    row = _row(request, item)
    form = ChoiceForm(request.POST, asked=row.asked)
    typed = request.POST.get("reason", "")
    if not form.is_valid():
        why = "Choose what should happen first." if "outcome" in form.errors else "Check the date."
        return _card(request, item, refusal=why, typed=typed)
    try:
        draft = services.draft_save(
            item_id=pk,
            chosen=form.chosen(),
            version=form.cleaned_data["version"] or 0,
            actor=request.actor,
        )
    except (DomainError, PermissionDenied) as error:
        return _card(request, item, refusal=str(error), typed=typed)
    missing = missing_in(replace(row, draft=draft))
    says = {
        "item": pk,
        "version": draft.version,
        "says": f"Draft: {draft.get_outcome_display().lower()}",
        "missing": f"Still needs {missing}." if missing else "",
    }
    return written(
        request, changed="draft", otherwise=_bench(item), said="", told={"draft:saved": says}
    )


@require_POST
@page(can_use_bench)
def item_undo(request: Request, pk: int) -> HttpResponse:
    item = _item(request, pk)
    form = UndoForm(request.POST)
    if not form.is_valid():
        return _card(request, item, refusal="This draft was changed. Look again.")
    try:
        services.draft_clear(item_id=pk, version=form.cleaned_data["version"], actor=request.actor)
    except DomainError as error:
        return _card(request, item, refusal=str(error))
    return written(request, changed=["draft", f"item-{pk}"], otherwise=_bench(item))


@require_http_methods(["GET", "POST"])
@page(can_browse)
def item_note(request: Request, pk: int, kind: str) -> HttpResponse:
    """Write beside an item: a question, an answer, a comment, an attestation, or “not mine”."""
    if kind not in NOTES:
        raise Http404
    item = _item(request, pk)
    note_kind, form_class, title, text, submit = NOTES[kind]
    form = form_class(request.POST or None)
    if request.method == "POST" and form.is_valid():
        answers = whole_number(request.GET.get("to", ""))
        person = form.cleaned_data.get("person")
        try:
            services.item_note_add(
                item_id=pk,
                kind=note_kind,
                text=form.cleaned_data["text"],
                proposed_id=person.pk if person else None,
                answers_id=answers,
                actor=request.actor,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request,
                changed=[f"item-{pk}", "reviewitem"],
                otherwise=item.get_absolute_url(),
                said="Kept beside the item.",
            )
    context = {"item": item, "form": form, "title": title, "text": text, "submit": submit}
    return render_page(
        request,
        "reviews/item_dialog.html",
        context,
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(can_browse)
def item_reassign(request: Request, pk: int) -> HttpResponse:
    item = _item(request, pk)
    form = ReassignForm(request.POST or None, initial={"person": proposed_reviewer_of(item)})
    if request.method == "POST" and form.is_valid():
        try:
            services.item_reassign(
                item_id=pk,
                to_user_id=form.cleaned_data["person"].pk,
                reason=form.cleaned_data["reason"],
                actor=request.actor,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request,
                changed=["bench", "draft", "reviewitem"],
                otherwise=reverse("reviews:bench", args=[item.campaign_id]),
                said=f"{form.cleaned_data['person']} decides it now and was told by mail.",
            )
    left = 2 - item.reassigned_count
    context = {
        "item": item,
        "form": form,
        "title": "Reassign",
        "text": f"It can be reassigned {left} more time{'' if left == 1 else 's'}. Your own draft"
        " of it stays yours.",
        "submit": "Reassign",
    }
    return render_page(
        request,
        "reviews/item_dialog.html",
        context,
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_POST
@page(can_use_bench)
def item_reroute(request: Request, pk: int) -> HttpResponse:
    """Pass on an item that is one's own."""
    item = _item(request, pk)
    try:
        moved = services.item_reroute(item_id=pk, actor=request.actor)
    except DomainError as error:
        return _card(request, item, refusal=str(error))
    return written(
        request,
        changed=["bench", "draft"],
        otherwise=reverse("reviews:bench", args=[item.campaign_id]),
        said=f"{moved.reviewer} decides it now.",
    )


def _item(request: Request, pk: int) -> ReviewItem:
    rows = ReviewItem.objects.visible_to(request.actor).with_subject().select_related("order")
    return get_object_or_404(rows, pk=pk)


def _row(request: Request, item: ReviewItem) -> Row:
    rows = bench_of(request.actor, item.campaign, item.agent_id or 0, only=item.pk).rows
    if not rows:
        raise PermissionDenied(f"It was reassigned to {item.reviewer} meanwhile.")
    return rows[0]


def _card(
    request: Request, item: ReviewItem, *, refusal: str = "", typed: str = ""
) -> HttpResponse:
    row = _row(request, item)
    kept = row.draft.reason if row.draft else ""
    card = card_of(request, row, refusal=refusal, typed="" if typed.strip() == kept else typed)
    return render_page(
        request,
        "reviews/bench_item.html" if request.htmx else "reviews/bench_one.html",
        {"card": card, "item": item},
        status=422 if refusal else 200,
    )


def _bench(item: ReviewItem) -> str:
    url = reverse("reviews:bench_agent", args=[item.campaign_id, item.agent_id or 0])
    return f"{url}#item-{item.pk}"
