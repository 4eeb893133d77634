from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_GET, require_http_methods

from apps.activity.selectors.measured import explained_of
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.numbers import whole_number, whole_numbers
from apps.core.policies import Verdict, page
from apps.reviews.choices import HITS, KEEP_DAYS, OUTCOMES, Chosen, in_words, what_is_missing
from apps.reviews.forms.items import RevokeSeveralForm
from apps.reviews.markdown import rendered
from apps.reviews.models import Campaign
from apps.reviews.policies.items import (
    can_ask,
    can_comment,
    can_decide,
    can_disown,
    can_reassign,
    can_use_bench,
    may_judge,
)
from apps.reviews.selectors.asking import items_asking
from apps.reviews.selectors.bench import Row, bench_of
from apps.reviews.selectors.units import Unit, drafts_of, units_of
from apps.reviews.services import items as services
from apps.reviews.states import CampaignState, ItemState


@dataclass(frozen=True, slots=True)
class Card:
    """A row of the bench as one person may use it."""

    row: Row
    may_decide: Verdict
    may_judge: Verdict
    may_ask: Verdict
    may_comment: Verdict
    may_disown: Verdict
    may_reassign: Verdict
    missing: str
    days: list[tuple[int, bool]]
    refusal: str = ""
    typed: str = ""

    @property
    def outcomes(self) -> list[tuple[str, str, str]]:
        keys = {"keep": "K", "narrow": "N", "revoke": "R", "rotate": "T", "abstain": "A"}
        offered = OUTCOMES[self.row.asked.kind]
        return [(one.value, one.label, keys[one.value]) for one in offered]

    @property
    def hits(self) -> list[tuple[str, str]]:
        return list(HITS.items()) if self.row.asked.shared_by > 1 else []

    @property
    def drafted_days(self) -> int:
        draft = self.row.draft
        if draft is None or draft.until is None:
            return 0
        return (draft.until - timezone.localtime(draft.saved_at).date()).days

    @property
    def has_other_date(self) -> bool:
        return self.drafted_days > 0 and self.drafted_days not in KEEP_DAYS


def card_of(request: Request, row: Row, *, refusal: str = "", typed: str = "") -> Card:
    actor, item = request.actor, row.item
    return Card(
        row=row,
        may_decide=can_decide(actor, item),
        may_judge=may_judge(actor.user.pk, item),
        may_ask=can_ask(actor, item),
        may_comment=can_comment(actor, item),
        may_disown=can_disown(actor, item),
        may_reassign=can_reassign(actor, item),
        missing=missing_in(row),
        days=[(days, days <= row.asked.longest_days) for days in KEEP_DAYS],
        refusal=refusal,
        typed=typed,
    )


def missing_in(row: Row) -> str:
    draft = row.draft
    if draft is None:
        return ""
    chosen = Chosen(draft.outcome, draft.until, draft.target, draft.hits, draft.reason)
    return in_words(what_is_missing(row.asked, chosen, timezone.localdate()))


@require_GET
@page(can_use_bench)
def bench(request: Request, pk: int) -> HttpResponse:
    """Go to the first agent that still has undecided work."""
    campaign = _campaign(request, pk)
    units = units_of(request.actor, campaign)
    first = next((unit for unit in units if unit.is_waiting), None) or next(iter(units), None)
    if first is None:
        return render_page(request, "reviews/bench_empty.html", {"campaign": campaign})
    return redirect("reviews:bench_agent", campaign.pk, first.agent_id)


@require_GET
@page(can_use_bench)
def bench_agent(request: Request, pk: int, agent_pk: int) -> HttpResponse:
    campaign = _campaign(request, pk)
    units = units_of(request.actor, campaign)
    at = _position(units, agent_pk)
    after = whole_number(request.GET.get("after", "")) or 0
    shown = bench_of(request.actor, campaign, agent_pk, after=after)
    context = {
        "campaign": campaign,
        "bench": shown,
        "instructions": rendered(campaign.instructions),
        "cards": [card_of(request, row) for row in shown.rows],
        "unit": units[at],
        "before": units[at - 1] if at else None,
        "next": units[at + 1] if at + 1 < len(units) else None,
        "may_submit": is_open_campaign(campaign),
        "open_count": sum(row.item.state == ItemState.OPEN for row in shown.rows),
        "explained": _explained(agent_pk),
        **_progress(units, at),
    }
    return render_page(request, "reviews/bench_agent.html", context, regions=["bench-items"])


def _explained(agent_pk: int) -> dict[str, int]:
    calls, traced = explained_of(agent_pk, timezone.now())
    return {"calls": calls, "percent": 100 * traced // calls if calls else 0}


@require_GET
@page(can_use_bench)
def bench_progress(request: Request, pk: int, agent_pk: int) -> HttpResponse:
    """The progress alone: it is asked for again after every draft."""
    campaign = _campaign(request, pk)
    units = units_of(request.actor, campaign)
    at = _position(units, agent_pk)
    context = {"campaign": campaign, "unit": units[at], **_progress(units, at)}
    return render_page(
        request,
        "reviews/bench_progress.html",
        {**context, "may_submit": is_open_campaign(campaign)},
    )


@require_http_methods(["GET", "POST"])
@page(can_use_bench)
def bench_submit(request: Request, pk: int) -> HttpResponse:
    """Show what would be decided, then decide it and answer item by item."""
    campaign = _campaign(request, pk)
    agent = whole_number(request.GET.get("agent", ""))
    back = reverse("reviews:bench", args=[pk])
    if agent is not None:
        back = reverse("reviews:bench_agent", args=[pk, agent])
    context: dict[str, Any] = {"campaign": campaign, "back": back}
    if request.method == "POST":
        chosen = whole_numbers(request.POST.getlist("items"))
        answers = services.items_submit(campaign_id=pk, item_ids=chosen, actor=request.actor)
        context["answers"] = answers
        context["counted"] = sum(answer.counts for answer in answers)
        response = render_page(request, "reviews/bench_submitted.html", context, regions=["dialog"])
        return _told(response)
    context["drafts"] = drafts_of(request.actor, campaign)
    return render_page(request, "reviews/bench_submit.html", context, regions=["dialog"])


@require_http_methods(["GET", "POST"])
@page(can_use_bench)
def bench_revoke(request: Request, pk: int, agent_pk: int) -> HttpResponse:
    """Draft the revocation of several items with one reason. Keeping has no such shortcut."""
    campaign = _campaign(request, pk)
    if agent_pk not in {unit.agent_id for unit in units_of(request.actor, campaign)}:
        raise Http404
    rows = bench_of(request.actor, campaign, agent_pk).rows
    able = [row for row in rows if can_decide(request.actor, row.item)]
    form = RevokeSeveralForm(
        request.POST or None,
        items=[row.item for row in able],
        shared=any(row.asked.shared_by > 1 for row in able),
    )
    back = reverse("reviews:bench_agent", args=[pk, agent_pk])
    if request.method == "POST" and form.is_valid():
        try:
            count = services.drafts_revoke(
                campaign_id=pk,
                item_ids=form.cleaned_data["items"],
                reason=form.cleaned_data["reason"],
                hits=form.cleaned_data.get("hits", ""),
                actor=request.actor,
            )
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            said = f"{count} drafted as revoke. Nothing is decided until you submit."
            return written(request, changed=["bench", "draft"], otherwise=back, said=said)
    return render_page(
        request,
        "reviews/bench_revoke.html",
        {"campaign": campaign, "form": form, "back": back},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_GET
@page(can_use_bench)
def bench_owner(request: Request, pk: int) -> HttpResponse:
    """What the review asks of an agent's owner: to attest a need, or to answer a question."""
    campaign = _campaign(request, pk)
    items = items_asking(request.actor, campaign)[:200]
    return render_page(request, "reviews/bench_owner.html", {"campaign": campaign, "items": items})


def is_open_campaign(campaign: Campaign) -> bool:
    return campaign.state == CampaignState.RUNNING


def _campaign(request: Request, pk: int) -> Campaign:
    rows = Campaign.objects.visible_to(request.actor).for_table()
    return get_object_or_404(rows, pk=pk)


def _position(units: list[Unit], agent_id: int) -> int:
    for at, unit in enumerate(units):
        if unit.agent_id == agent_id:
            return at
    raise Http404


def _progress(units: list[Unit], at: int) -> dict[str, int]:
    total = sum(unit.total for unit in units)
    drafted = sum(unit.drafted for unit in units)
    left = sum(unit.open for unit in units)
    return {
        "agent_number": at + 1,
        "agent_count": len(units),
        "total": total,
        "drafted": drafted,
        "decided": total - left,
        "prepared": total - left + drafted,
    }


def _told(response: HttpResponse) -> HttpResponse:
    """Let the bench beneath the dialog show what was decided."""
    response["HX-Trigger"] = '{"bench:changed": {}, "draft:changed": {}}'
    return response
