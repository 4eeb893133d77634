from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.evidence import policies
from apps.evidence.filters import SampleFilterSet
from apps.evidence.forms import SampleForm
from apps.evidence.models import Sample
from apps.evidence.selectors import items_of, story_of
from apps.evidence.services.samples import sample_draw
from apps.evidence.tables import SampleTable
from apps.reviews.models import Campaign, ReviewItem


@require_GET
@page(policies.can_browse)
def sample_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "evidence/sample_list.html",
        rows=Sample.objects.visible_to(request.actor).for_table(),
        table_class=SampleTable,
        filterset_class=SampleFilterSet,
        context={
            "empty_title": "No sample yet",
            "empty_text": "Open a campaign or its package, and draw one.",
            "empty_icon": "dice-5",
        },
        csv_name="samples",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def sample_create(request: Request, campaign_pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign.objects.readable_whole_by(request.actor), pk=campaign_pk)
    form = SampleForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            sample = sample_draw(campaign_id=campaign_pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=sample.get_absolute_url())
    return render_page(
        request,
        "evidence/sample_create.html",
        {
            "campaign": campaign,
            "form": form,
            "may_sample": policies.can_sample(request.actor, campaign),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_GET
@page(policies.can_browse)
def sample_detail(request: Request, pk: int) -> HttpResponse:
    sample = get_object_or_404(Sample.objects.visible_to(request.actor).for_table(), pk=pk)
    return render_page(
        request, "evidence/sample_detail.html", {"sample": sample, "items": items_of(sample)}
    )


@require_GET
@page(policies.can_browse)
def item_story(request: Request, pk: int) -> HttpResponse:
    """One item as one story: what it was, who was asked, what they said, what became of it."""
    rows = ReviewItem.objects.visible_to(request.actor).select_related(
        "campaign", "agent", "system", "reviewer", "grant", "credential", "binding__identity"
    )
    return render_page(
        request, "evidence/item_story.html", {"story": story_of(get_object_or_404(rows, pk=pk))}
    )
