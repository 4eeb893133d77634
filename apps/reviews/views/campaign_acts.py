"""What people do to a campaign: each act a dialog, each with the rule that allows it."""

from functools import partial

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request
from apps.core.policies import enforce, page
from apps.reviews.forms.campaigns import AcknowledgeForm, HoldForm, ReasonForm
from apps.reviews.models import Hold
from apps.reviews.policies import campaigns as policies
from apps.reviews.selectors.closing import streams_not_read_again
from apps.reviews.selectors.coverage import needs_fallback_reason
from apps.reviews.services import campaigns as services
from apps.reviews.services.acknowledging import WORDS
from apps.reviews.views.campaigns import campaign_of

CHANGED = ["campaign", "reviewitem"]


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_stage(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_stage(request.actor, campaign))

    def stage(*, reason: str) -> None:
        services.campaign_stage(campaign_id=pk, actor=request.actor, stale_reason=reason)

    return answer_dialog(
        request,
        form=ReasonForm(
            request.POST or None,
            required=False,
            label="Why stale sources will do (only where a source is stale)",
        ),
        act=stage,
        words=Words(
            f"Stage {campaign}",
            "Freezes who and what is reviewed, by whom, and under which policy. Nobody is asked "
            "yet: you look it over first.",
            "Stage",
            said="Staging has begun.",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_launch(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_launch(request.actor, campaign))

    def launch(*, reason: str) -> None:
        services.campaign_launch(campaign_id=pk, actor=request.actor, fallback_reason=reason)

    asks = needs_fallback_reason(campaign)
    return answer_dialog(
        request,
        form=ReasonForm(
            request.POST or None,
            required=asks,
            label="Why so much ends at the fallback" if asks else "A word on it (not needed)",
        ),
        act=launch,
        words=Words(
            f"Launch {campaign}",
            f"{campaign.population_count} items are put to their reviewers, by mail.",
            "Launch",
            said="Launched. Everybody asked gets a mail.",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_decide(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_close_early(request.actor, campaign))

    def decide(*, reason: str) -> None:
        services.campaign_decide(campaign_id=pk, actor=request.actor, early_reason=reason)

    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why before the deadline"),
        act=decide,
        words=Words(
            "End the deciding early",
            "Answers become final, and the no-answer policy applies to every open item.",
            "End it now",
            style="btn-danger",
            said="The deciding has ended.",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_cancel(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_cancel(request.actor, campaign))
    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None),
        act=partial(services.campaign_cancel, campaign_id=pk, actor=request.actor),
        words=Words(
            f"Cancel {campaign}",
            "It stays readable, and nothing of it takes effect.",
            "Cancel the campaign",
            style="btn-danger",
            said="Cancelled.",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_remind(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_remind(request.actor, campaign))

    def remind(*, reason: str) -> None:
        services.campaign_remind(campaign_id=pk, actor=request.actor)

    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, required=False, label="A word on it (not needed)"),
        act=remind,
        words=Words(
            "Remind everybody with open items",
            "Only people who still have something to decide get a mail, at most one a day.",
            "Remind them",
            said="Reminded.",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_close(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_close(request.actor, campaign))
    unread = streams_not_read_again(campaign)

    def close(*, reason: str) -> None:
        services.campaign_close(campaign_id=pk, actor=request.actor, unread_reason=reason)

    return answer_dialog(
        request,
        form=ReasonForm(
            request.POST or None,
            required=bool(unread),
            label=f"Why without a newer reading of {', '.join(unread)}"
            if unread
            else "A word on it (not needed)",
        ),
        act=close,
        words=Words(
            f"Close {campaign}",
            "Holds the frozen population against the newest reading of each source. The "
            "dispositions must sum to the population, or it stays open.",
            "Close",
            said="Closing has begun.",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
@fresh_sign_in_required
def campaign_acknowledge(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_acknowledge(request.actor, campaign))

    def acknowledge(*, agreed: bool, comment: str) -> None:
        services.campaign_acknowledge(campaign_id=pk, comment=comment, actor=request.actor)

    return answer_dialog(
        request,
        form=AcknowledgeForm(request.POST or None),
        act=acknowledge,
        words=Words(
            f"Acknowledge {campaign}", WORDS, "Acknowledge", said="Acknowledged, in your name."
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def hold_decide(request: Request, pk: int, hold_pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    hold = get_object_or_404(Hold.objects.select_related("campaign"), campaign=campaign, pk=hold_pk)
    enforce(policies.can_decide_hold(request.actor, hold))
    return answer_dialog(
        request,
        form=HoldForm(request.POST or None),
        act=partial(services.hold_decide, hold_id=hold_pk, actor=request.actor),
        words=Words(
            f"{hold.count} consequences wait for you",
            f"Nobody answered, and {hold.share_percent} % of the population would change. A second "
            "person looks before it happens.",
            "Decide",
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )
