"""Who is on call: the house's ladder, and each team's."""

from collections.abc import Callable
from typing import Any

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import policies
from apps.accounts.filters import TeamFilterSet
from apps.accounts.forms import LadderForm
from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.accounts.models import Team
from apps.accounts.tables import OnCallTable
from apps.core.dialogs import Words, answer_dialog
from apps.core.htmx import Request
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.core.preferences import preference
from apps.notices.models import Ladder, Route
from apps.notices.policies import can_change_ladder
from apps.notices.services import ladder_change


@require_GET
@page(policies.can_browse)
def ladder_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "accounts/ladder_list.html",
        rows=Team.objects.visible_to(request.actor).with_ladder().for_table(),
        table_class=OnCallTable,
        filterset_class=TeamFilterSet,
        changed="ladder",
        regions=["listing", "house"],
        context={
            "house": Ladder.objects.with_steps().filter(team=None).first(),
            "minutes": preference("page_minutes"),
            "may_change": can_change_ladder(request.actor),
            "empty_title": "No team yet",
            "empty_text": "Until there is one, every page goes to the house's ladder.",
            "empty_icon": "users-group",
        },
    )


@require_http_methods(["GET", "POST"])
@page(can_change_ladder)
@fresh_sign_in_required
def ladder_house(request: Request) -> HttpResponse:
    text = (
        "Pages of teams that have no ladder of their own go here. Past its last step, or without"
        " any, they go to every steward by mail."
    )
    return _change(request, None, Words("On call of the house", text, "Save"))


@require_http_methods(["GET", "POST"])
@page(can_change_ladder)
@fresh_sign_in_required
def ladder_team(request: Request, pk: int) -> HttpResponse:
    team = get_object_or_404(Team.objects.visible_to(request.actor), pk=pk)
    text = (
        "Pages of this team go here. Past the last step they go to every steward by mail; without"
        " any, the house's ladder takes them."
    )
    return _change(request, team, Words(f"On call of {team}", text, "Save"))


def _change(request: Request, team: Team | None, words: Words) -> HttpResponse:
    ladder = Ladder.objects.with_steps().filter(team=team).first()
    form = LadderForm(
        request.POST or None,
        routes=Route.objects.visible_to(request.actor).standing().order_by("name"),
        initial=LadderForm.initial_of(ladder),
    )
    return answer_dialog(
        request,
        form=form,
        act=_act(team, request, form),
        words=words,
        changed=["ladder", "team"],
        back=reverse("accounts:ladder_list") if team is None else team.get_absolute_url(),
    )


def _act(team: Team | None, request: Request, form: LadderForm) -> Callable[..., None]:
    def act(**said: Any) -> None:
        ladder_change(
            team_id=None if team is None else team.pk,
            steps=form.steps(),
            reason=said["reason"],
            actor=request.actor,
        )

    return act
