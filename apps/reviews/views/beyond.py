"""Access that is new beside a launched campaign: shown as it runs, asked about in a small one."""

from django import forms
from django.http import HttpResponse
from django.views.decorators.http import require_GET, require_http_methods

from apps.core.dialogs import Words
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.policies import enforce, page
from apps.reviews.policies import campaigns as policies
from apps.reviews.selectors.beyond import asked_about_in, beyond
from apps.reviews.services.campaigns import campaign_create_beyond
from apps.reviews.views.campaigns import campaign_of

SHOWN = 200


@require_GET
@page(policies.can_browse)
def campaign_beyond(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_see_whole(request.actor, campaign))
    new = beyond(campaign)
    count = new.count
    return render_page(
        request,
        "reviews/campaign_beyond.html",
        {
            "campaign": campaign,
            "count": count,
            "writing": new.writing,
            "grants": new.grants[:SHOWN],
            "credentials": new.credentials[:SHOWN],
            "more": max(0, count - SHOWN),
            "asked_in": asked_about_in(campaign),
            "may_start": policies.can_start_beyond(request.actor, campaign),
        },
        regions=["beyond-told"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def beyond_start(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_start_beyond(request.actor, campaign))
    form = forms.Form(request.POST if request.method == "POST" else None)
    if request.method == "POST" and form.is_valid():
        try:
            made = campaign_create_beyond(campaign_id=pk, actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=made.get_absolute_url(), said="The draft is made.")
    words = Words(
        f"A small campaign beside {campaign}",
        f"Makes a draft about the {beyond(campaign).count} that are new, under the same rules. "
        "Nothing is frozen and nobody is asked yet.",
        "Make the draft",
    )
    return render_page(
        request,
        "core/dialog_page.html",
        {"form": form, "words": words, "back": campaign.get_absolute_url()},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
