"""Leaving an item out of a staged campaign, with a reason; it stays in the population."""

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_http_methods

from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request
from apps.core.policies import enforce, page
from apps.reviews.forms.campaigns import ReasonForm
from apps.reviews.models import ReviewItem
from apps.reviews.policies.campaigns import can_exclude, can_plan
from apps.reviews.services.campaigns import items_exclude


@require_http_methods(["GET", "POST"])
@page(can_plan)
def item_exclude(request: Request, pk: int) -> HttpResponse:
    item = get_object_or_404(ReviewItem.objects.visible_to(request.actor).for_table(), pk=pk)
    enforce(can_exclude(request.actor, item.campaign))

    def exclude(*, reason: str) -> None:
        items_exclude(item_ids=[pk], reason=reason, actor=request.actor)

    return answer_dialog(
        request,
        form=ReasonForm(request.POST or None, label="Why it is not reviewed"),
        act=exclude,
        words=Words(
            f"Leave out {item}",
            "Nobody is asked about it. It stays in the population as excluded, with this reason,"
            " and the evidence prints it.",
            "Leave it out",
            style="btn-danger",
            said="Left out.",
        ),
        changed=["reviewitem", "campaign"],
        back=item.get_absolute_url(),
    )
