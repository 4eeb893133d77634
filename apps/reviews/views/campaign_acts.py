"""What people do to a campaign: each act a dialog, each with the rule that allows it."""

from functools import partial

from django.http import HttpResponse, QueryDict
from django.shortcuts import get_object_or_404
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request
from apps.core.policies import enforce, page
from apps.reviews.forms.campaigns import (
    AcknowledgeForm,
    AskForm,
    HoldForm,
    LaunchForm,
    ReasonForm,
    RemindForm,
)
from apps.reviews.models import Hold
from apps.reviews.policies import campaigns as policies
from apps.reviews.selectors.asked import Asked, people_asked
from apps.reviews.selectors.closing import streams_not_read_again
from apps.reviews.selectors.coverage import needs_fallback_reason
from apps.reviews.selectors.deadlines import day_to_offer, what_is_odd
from apps.reviews.selectors.progress import asked_in
from apps.reviews.services import campaigns as services
from apps.reviews.services.acknowledging import WORDS
from apps.reviews.services.sources import stale_sources, told
from apps.reviews.views.campaigns import campaign_of

CHANGED = ["campaign", "reviewitem"]


def _posted(request: Request) -> QueryDict | None:
    """What was posted, though a form that asks nothing posts nothing of its own."""
    return request.POST if request.method == "POST" else None


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_stage(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_stage(request.actor, campaign))

    stale = stale_sources(campaign)
    about = f"Why these stale sources will do: {told(stale)}" if stale else ""
    return answer_dialog(
        request,
        form=AskForm(_posted(request), asks="stale_reason", about=about),
        act=partial(services.campaign_stage, campaign_id=pk, actor=request.actor),
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
    """Launch with the deadline in view: it may be moved until now, and not afterwards."""
    campaign = campaign_of(request, pk)
    enforce(policies.can_launch(request.actor, campaign))
    now = timezone.now()
    odd = what_is_odd(campaign, now)
    return answer_dialog(
        request,
        form=LaunchForm(
            _posted(request),
            initial={"new_deadline": day_to_offer(campaign, now)},
            time_zone=campaign.time_zone,
            about="Why so much ends at the fallback" if needs_fallback_reason(campaign) else "",
        ),
        act=partial(services.campaign_launch, campaign_id=pk, actor=request.actor),
        words=Words(
            f"Launch {campaign}",
            f"{asked_in(campaign).count()} items are put to their reviewers, by mail. {odd}",
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
        form=ReasonForm(_posted(request), label="Why before the deadline"),
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
        form=ReasonForm(_posted(request)),
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

    asked = people_asked(campaign)

    def remind(*, words: str) -> str:
        count = services.campaign_remind(campaign_id=pk, words=words, actor=request.actor)
        return f"{count} reminded, by mail."

    return answer_dialog(
        request,
        form=RemindForm(_posted(request)),
        act=remind,
        words=Words(
            "Remind everybody with something open", _whom(asked), "Remind them", said="Reminded."
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


def _whom(asked: list[Asked]) -> str:
    """Who gets a mail, with what each has open; and who had theirs today."""
    told_today = [str(one.person) for one in asked if one.reminded_today]
    names = [f"{one.person} ({one.in_words})" for one in asked if not one.reminded_today]
    if not names:
        return f"Everybody with something open was reminded today: {', '.join(told_today)}."
    had_theirs = f" Reminded today already: {', '.join(told_today)}." if told_today else ""
    return f"A mail goes to {', '.join(names)}. At most one a day.{had_theirs}"


@require_http_methods(["GET", "POST"])
@page(policies.can_plan)
def campaign_close(request: Request, pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    enforce(policies.can_close(request.actor, campaign))
    unread = ", ".join(streams_not_read_again(campaign))
    about = f"Why without a newer reading of {unread}" if unread else ""
    return answer_dialog(
        request,
        form=AskForm(_posted(request), asks="unread_reason", about=about),
        act=partial(services.campaign_close, campaign_id=pk, actor=request.actor),
        words=Words(
            f"Close {campaign}",
            "Holds the frozen population against the newest reading of each source. The "
            "dispositions must sum to the population, or it stays open.",
            "Close the campaign",
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
        form=AcknowledgeForm(_posted(request)),
        act=acknowledge,
        words=Words(
            f"Acknowledge {campaign}", WORDS, "Acknowledge", said="Acknowledged, in your name."
        ),
        changed=CHANGED,
        back=campaign.get_absolute_url(),
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
@fresh_sign_in_required
def hold_decide(request: Request, pk: int, hold_pk: int) -> HttpResponse:
    campaign = campaign_of(request, pk)
    hold = get_object_or_404(Hold.objects.select_related("campaign"), campaign=campaign, pk=hold_pk)
    enforce(policies.can_decide_hold(request.actor, hold))
    return answer_dialog(
        request,
        form=HoldForm(_posted(request)),
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
