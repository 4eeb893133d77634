"""Templates: what campaigns are made from, and the calendar of those that come round."""

from datetime import timedelta
from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from apps.core.dialogs import Words, answer_dialog
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.listing import render_listing
from apps.core.policies import enforce, page
from apps.reviews.filters.templates import TemplateFilterSet
from apps.reviews.forms.campaigns import ReasonForm
from apps.reviews.forms.templates import StartForm, TemplateForm
from apps.reviews.markdown import rendered
from apps.reviews.models import Template
from apps.reviews.policies.campaigns import can_browse, can_plan
from apps.reviews.policies.templates import can_change_template, can_start
from apps.reviews.recurrence import in_words
from apps.reviews.scope import Scope
from apps.reviews.selectors.calendar import Calendar, calendar_of, due_occurrence, occurrences_of
from apps.reviews.selectors.coverage import scope_in_words
from apps.reviews.services import templates as services
from apps.reviews.services.campaigns import campaign_create_from_template
from apps.reviews.tables.templates import TemplateTable

BACK, AHEAD = timedelta(days=366), timedelta(days=183)


@require_GET
@page(can_browse)
def template_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "reviews/template_list.html",
        rows=Template.objects.visible_to(request.actor).for_table(),
        table_class=TemplateTable,
        filterset_class=TemplateFilterSet,
        context={
            "may_plan": can_plan(request.actor),
            "has_ready_ones": services.ready_ones_are_there(),
            "empty_title": "No templates yet",
            "empty_text": "Begin with the four ready ones, or write your own.",
            "empty_icon": "template",
        },
    )


@require_GET
@page(can_browse)
def template_detail(request: Request, pk: int) -> HttpResponse:
    template = _template(request, pk)
    now = timezone.now()
    told = occurrences_of(template, now - BACK, now + AHEAD, now)[-12:]
    return render_page(
        request,
        "reviews/template_detail.html",
        {
            "template": template,
            "comes_round": in_words(template.recurrence) if template.recurrence else "",
            "scope": scope_in_words(Scope.of(template.scope)),
            "instructions": rendered(template.instructions),
            "months": Calendar(told).months(),
            "campaigns": template.campaigns.visible_to(request.actor).order_by("-pk")[:12],
            "may_change": can_change_template(request.actor, template),
            "may_start": can_start(request.actor, template),
        },
        regions=["template-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(can_plan)
def template_new(request: Request) -> HttpResponse:
    initial = {"run_by": request.actor.user, "fallback_reviewer": request.actor.user}
    form = TemplateForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            made = services.template_create(content=form.content(), actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=made.get_absolute_url(), said="The template is made.")
    return _form_page(request, form, None)


@require_http_methods(["GET", "POST"])
@page(can_plan)
def template_change(request: Request, pk: int) -> HttpResponse:
    template = _template(request, pk)
    enforce(can_change_template(request.actor, template))
    form = TemplateForm.of(template, request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.template_change(template_id=pk, content=form.content(), actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=template.get_absolute_url(), said="Saved for later campaigns.")
    return _form_page(request, form, template)


def _form_page(request: Request, form: TemplateForm, template: Template | None) -> HttpResponse:
    return render_page(
        request,
        "reviews/template_form.html",
        {"form": form, "template": template},
        status=422 if form.errors else 200,
    )


@require_POST
@page(can_plan)
def instructions_preview(request: Request) -> HttpResponse:
    """Show what is being written as reviewers will see it. Nothing is saved."""
    text = request.POST.get("instructions", "")[:10_000]
    return render_page(
        request, "reviews/instructions_preview.html", {"instructions": rendered(text)}
    )


@require_http_methods(["GET", "POST"])
@page(can_plan)
def template_retire(request: Request, pk: int) -> HttpResponse:
    template = _template(request, pk)
    enforce(can_change_template(request.actor, template))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(services.template_retire, template_id=pk, actor=request.actor),
        words=Words(
            f"Retire {template}",
            "No more campaigns are made from it. Those made already go on.",
            "Retire",
            style="btn-danger",
            said="Retired.",
        ),
        changed="template",
        back=template.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(can_plan)
def template_start(request: Request, pk: int) -> HttpResponse:
    """Make a campaign from a template by hand; a due occurrence counts as held by it."""
    template = _template(request, pk)
    enforce(can_start(request.actor, template))
    form = StartForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = campaign_create_from_template(
                template_id=pk,
                occurrence_at=due_occurrence(template, timezone.now()),
                actor=request.actor,
                **form.cleaned_data,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=campaign.get_absolute_url(), said="The draft is made.")
    words = Words(
        f"Start {template}",
        "Makes a draft that copies the template. Nothing is frozen and nobody is asked yet.",
        "Make the draft",
    )
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": words, "back": template.get_absolute_url()},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_POST
@page(can_plan)
def templates_ready(request: Request) -> HttpResponse:
    made = services.templates_ensure_ready_ones(steward=request.actor.user, actor=request.actor)
    return moved(request, to=reverse("reviews:template_list"), said=f"{len(made)} templates made.")


@require_GET
@page(can_browse)
def calendar(request: Request) -> HttpResponse:
    """Whether every review that should be held was held."""
    now = timezone.now()
    told = calendar_of(request.actor, now - BACK, now + AHEAD, now)
    wanted = request.GET.get("state", "")
    return render_page(
        request,
        "reviews/calendar.html",
        {
            "months": told.months(wanted),
            "counts": told.counts(),
            "wanted": wanted,
            "may_plan": can_plan(request.actor),
        },
    )


def _template(request: Request, pk: int) -> Template:
    rows = Template.objects.visible_to(request.actor).for_table()
    return get_object_or_404(rows.prefetch_related("campaigns"), pk=pk)
