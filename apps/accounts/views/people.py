from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import policies
from apps.accounts.filters import PersonFilterSet
from apps.accounts.forms import PersonForm, ReasonForm
from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.accounts.models import Invitation, Team, User
from apps.accounts.services import people
from apps.accounts.tables import PersonTable
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.listing import render_listing
from apps.core.policies import page


@require_GET
@page(policies.can_browse)
def person_list(request: Request) -> HttpResponse:
    invitations = Invitation.objects.visible_to(request.actor).open().for_table()
    return render_listing(
        request,
        "accounts/person_list.html",
        rows=User.objects.visible_to(request.actor).for_table(),
        table_class=PersonTable,
        filterset_class=PersonFilterSet,
        csv_name="people",
        changed="person",
        regions=["listing", "invitations"],
        context={
            "may_invite": policies.can_invite(request.actor),
            "invitations": invitations,
        },
    )


@require_GET
@page(policies.can_browse)
def person_detail(request: Request, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.visible_to(request.actor).for_table(), pk=pk)
    return render_page(
        request,
        "accounts/person_detail.html",
        {
            "person": person,
            "seat": getattr(person, "seat", None),
            "may_change": policies.can_change_person(request.actor, person),
            "may_change_role": policies.can_change_role(request.actor, person),
            "may_change_seat": policies.can_change_seat(request.actor, person),
            "may_deactivate": policies.can_deactivate(request.actor, person),
            "may_reactivate": policies.can_reactivate(request.actor, person),
        },
        regions=["person-summary"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_browse)
def person_change(request: Request, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.visible_to(request.actor).for_table(), pk=pk)
    initial = {
        "display_name": person.display_name,
        "team": person.team,
        "time_zone": person.time_zone,
    }
    form = PersonForm(
        request.POST or None, initial=initial, teams=Team.objects.visible_to(request.actor)
    )
    if request.method == "POST" and form.is_valid():
        try:
            people.person_change(person_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request, changed="person", otherwise=person.get_absolute_url(), said="Changed."
            )
    return render_page(
        request,
        "accounts/person_change.html",
        {
            "person": person,
            "form": form,
            "may": policies.can_change_person(request.actor, person),
        },
        regions=["dialog"],
        status=422 if form.errors else 200,
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_invite)
@fresh_sign_in_required
def person_reactivate(request: Request, pk: int) -> HttpResponse:
    person = get_object_or_404(User.objects.visible_to(request.actor).for_table(), pk=pk)
    form = ReasonForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            people.person_reactivate(person_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return written(
                request,
                changed="person",
                otherwise=person.get_absolute_url(),
                said="They may sign in again.",
            )
    return render_page(
        request,
        "accounts/person_reactivate.html",
        {"person": person, "form": form},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
