from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods
from django_htmx.http import trigger_client_event

from apps.audit.models import AuditEntry
from apps.core.actors import Actor, Person
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page
from apps.core.jobs import jobs_of
from apps.core.listing import render_listing
from apps.core.models import Job
from apps.core.policies import page
from apps.remediation.models import Order
from apps.reviews.filters.campaigns import CampaignFilterSet, ItemFilterSet
from apps.reviews.forms.campaigns import CampaignForm
from apps.reviews.markdown import rendered
from apps.reviews.models import Campaign, ReviewItem
from apps.reviews.policies import campaigns as policies
from apps.reviews.scope import Scope
from apps.reviews.selectors import progress
from apps.reviews.selectors.asking import items_asking
from apps.reviews.selectors.closing import streams_not_read_again
from apps.reviews.selectors.contacts import contacts_of
from apps.reviews.selectors.coverage import needs_fallback_reason, scope_in_words
from apps.reviews.selectors.deadlines import what_is_odd
from apps.reviews.services.campaigns import campaign_create
from apps.reviews.states import OVER, CampaignState, ItemState
from apps.reviews.tables.campaigns import CampaignTable, ItemTable

CONTACTS_SHOWN = 50
ACTS = {
    "may_stage": policies.can_stage,
    "may_launch": policies.can_launch,
    "may_remind": policies.can_remind,
    "may_close_early": policies.can_close_early,
    "may_cancel": policies.can_cancel,
    "may_close": policies.can_close,
    "may_acknowledge": policies.can_acknowledge,
    "may_export": policies.can_export,
    "may_see_whole": policies.can_see_whole,
}


@require_GET
@page(policies.can_browse)
def campaign_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "reviews/campaign_list.html",
        rows=Campaign.objects.visible_to(request.actor).for_table(),
        table_class=CampaignTable,
        filterset_class=CampaignFilterSet,
        context={
            "may_plan": policies.can_plan(request.actor),
            "empty_title": "No reviews yet",
            "empty_text": "A steward starts one from a template, or by hand.",
            "empty_icon": "checklist",
        },
        csv_name="campaigns",
    )


@require_GET
@page(policies.can_browse)
def campaign_detail(request: Request, pk: int) -> HttpResponse:
    """The owner's page: where it stands, what comes next, and who is late."""
    # Read first: by the time a job is seen to be over, the campaign is as the job left it.
    job = jobs_of(Campaign(pk=pk)).order_by("-pk").first()
    campaign = campaign_of(request, pk)
    acts = {name: rule(request.actor, campaign) for name, rule in ACTS.items()}
    orders_open = Order.objects.of_campaign(campaign.pk).unsettled().count()
    context: dict[str, Any] = {
        "campaign": campaign,
        "scope": scope_in_words(Scope.of(campaign.scope)),
        "instructions": rendered(campaign.instructions),
        "job": job,
        "goes_on": _goes_on(campaign, job, orders_open),
        "orders_open": orders_open,
        "result": progress.dispositions_of(campaign) if campaign.state in OVER else [],
        "mine": _mine(request, campaign),
        "asked": _asked(request, campaign),
        "sources": campaign.campaign_sources.select_related("source").order_by("moment", "pk"),
        "holds": [
            (hold, policies.can_decide_hold(request.actor, hold))
            for hold in campaign.holds.select_related("placed_by", "decided_by", "campaign")
        ],
        "odd_deadline": what_is_odd(campaign, timezone.now()),
        "needs_fallback_reason": needs_fallback_reason(campaign),
        **acts,
    }
    if acts["may_see_whole"]:
        context |= _whole(campaign, request.actor)
    response = render_page(
        request,
        "reviews/campaign_detail.html",
        context,
        regions=["campaign-summary", "campaign-progress", "campaign-record"],
    )
    if request.htmx.target == "campaign-summary":
        # What stands below follows what was drawn above.
        trigger_client_event(response, "campaign:drawn")
    return response


def _goes_on(campaign: Campaign, job: Job | None, orders_open: int) -> bool:
    """Whether the campaign is about to move by itself, so that the page looks again."""
    if campaign.state == CampaignState.REMEDIATING and not orders_open:
        return True
    return job is not None and not job.is_over


def _whole(campaign: Campaign, actor: Actor) -> dict[str, object]:
    return {
        "reviewers": progress.by_reviewer(campaign),
        "systems": progress.by_system(campaign),
        "dispositions": progress.dispositions_of(campaign),
        "found": progress.reviewers_found(campaign),
        "chart": progress.burn_down(campaign),
        "decisions": progress.newest_decisions(campaign),
        "notices": contacts_of(campaign)[:CONTACTS_SHOWN],
        "more_notices": max(0, contacts_of(campaign).count() - CONTACTS_SHOWN),
        "entries": AuditEntry.objects.about(campaign, actor)[:40],
        "orders_all": Order.objects.of_campaign(campaign.pk).count(),
        "carried": ReviewItem.objects.filter(campaign=campaign, state=ItemState.CARRIED).count(),
        "at_close": progress.seen_at_close(campaign),
        "shows_beyond": (CampaignState.RUNNING, CampaignState.DECIDED),
        "unread": streams_not_read_again(campaign)
        if campaign.state == CampaignState.VERIFYING
        else [],
    }


def _mine(request: Request, campaign: Campaign) -> int:
    """How many items wait here for the reader."""
    if not isinstance(request.actor, Person) or campaign.state != CampaignState.RUNNING:
        return 0
    rows = ReviewItem.objects.assigned_to(request.actor).waiting()
    return rows.filter(campaign=campaign).count()


def _asked(request: Request, campaign: Campaign) -> int:
    """How many items ask the reader to attest a need, or to answer."""
    if not isinstance(request.actor, Person) or campaign.state != CampaignState.RUNNING:
        return 0
    return items_asking(request.actor, campaign).count()


@require_GET
@page(policies.can_browse)
def campaign_items(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    return render_listing(
        request,
        "reviews/campaign_items.html",
        rows=ReviewItem.objects.visible_to(request.actor).filter(campaign=campaign).for_table(),
        table_class=ItemTable,
        filterset_class=ItemFilterSet,
        context={"campaign": campaign},
        csv_name=f"items-of-campaign-{campaign.pk}",
        changed="reviewitem",
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_new(request: Request) -> HttpResponse:
    form = CampaignForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            campaign = campaign_create(new=form.new_campaign(request.actor), actor=request.actor)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=campaign.get_absolute_url(), said="The draft is made.")
    return render_page(
        request, "reviews/campaign_new.html", {"form": form}, status=422 if form.errors else 200
    )


def campaign_of(request: Request, pk: int) -> Campaign:
    rows = Campaign.objects.visible_to(request.actor).for_table()
    return get_object_or_404(rows, pk=pk)
