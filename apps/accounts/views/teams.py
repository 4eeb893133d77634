from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import policies
from apps.accounts.filters import TeamFilterSet
from apps.accounts.forms import TeamChangeForm, TeamForm
from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.accounts.models import Team, User
from apps.accounts.services import teams
from apps.accounts.tables import TeamTable
from apps.core.errors import DomainError
from apps.core.htmx import Request, moved, render_page, written
from apps.core.listing import render_listing
from apps.core.policies import page
from apps.notices.policies import can_change_ladder


@require_GET
@page(policies.can_browse)
def team_list(request: Request) -> HttpResponse:
    return render_listing(
        request,
        "accounts/team_list.html",
        rows=Team.objects.visible_to(request.actor).for_table(),
        table_class=TeamTable,
        filterset_class=TeamFilterSet,
        csv_name="teams",
        context={
            "may_create": policies.can_create_team(request.actor),
            "empty_title": "No team yet",
            "empty_text": "A team's manager decides the write access of its agents.",
            "empty_icon": "users-group",
        },
    )


@require_GET
@page(policies.can_browse)
def team_detail(request: Request, pk: int) -> HttpResponse:
    teams_seen = Team.objects.visible_to(request.actor).with_ladder().for_table()
    team = get_object_or_404(teams_seen, pk=pk)
    members = User.objects.visible_to(request.actor).in_team(team).for_table()
    return render_page(
        request,
        "accounts/team_detail.html",
        {
            "team": team,
            "members": members,
            "may_change": policies.can_change_team(request.actor),
            "may_change_ladder": can_change_ladder(request.actor),
        },
        regions=["team-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_create_team)
def team_create(request: Request) -> HttpResponse:
    people = User.objects.visible_to(request.actor).who_may_decide()
    form = TeamForm(request.POST or None, people=people)
    if request.method == "POST" and form.is_valid():
        try:
            team = teams.team_create(actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return moved(request, to=team.get_absolute_url(), said="The team is made.")
    return render_page(
        request,
        "accounts/team_create.html",
        {"form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_change_team)
@fresh_sign_in_required
def team_change(request: Request, pk: int) -> HttpResponse:
    team = get_object_or_404(Team.objects.visible_to(request.actor).for_table(), pk=pk)
    form = TeamChangeForm(
        request.POST or None,
        initial={"name": team.name, "manager": team.manager},
        people=User.objects.visible_to(request.actor).who_may_decide(),
    )
    if request.method == "POST" and form.is_valid():
        try:
            teams.team_change(team_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request, changed="team", otherwise=team.get_absolute_url(), said="Changed."
            )
    return render_page(
        request,
        "accounts/team_change.html",
        {"team": team, "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
