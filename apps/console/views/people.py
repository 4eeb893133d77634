"""Acts on people that concern every app: what they answer for, and which systems a seat covers."""

from django.db.models import QuerySet
from django.forms import Form
from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.views.decorators.http import require_GET, require_http_methods

from apps.accounts import policies
from apps.accounts.fresh_sign_in import fresh_sign_in_required
from apps.accounts.models import User
from apps.console.forms.people import DeactivateForm, RoleForm, SeatForm
from apps.console.selectors.duties import duties_of
from apps.console.services import people
from apps.core.errors import DomainError
from apps.core.htmx import Request, render_page, written
from apps.core.policies import Verdict, page
from apps.inventory.models import System


@require_GET
@page(policies.can_browse)
def person_duties(request: Request, pk: int) -> HttpResponse:
    person = _person(request, pk)
    return render_page(
        request,
        "console/person_duties.html",
        {"person": person, "duties": duties_of(person)},
        regions=["person-duties"],
    )


@require_GET
@page(policies.can_browse)
def person_seat_systems(request: Request, pk: int) -> HttpResponse:
    person = _person(request, pk)
    systems = System.objects.visible_to(request.actor).in_seat_of(person)
    return render_page(
        request,
        "console/person_seat_systems.html",
        {"person": person, "systems": systems},
        regions=["seat-systems"],
    )


@require_http_methods(["GET", "POST"])
@page(policies.can_invite)
@fresh_sign_in_required
def person_deactivate(request: Request, pk: int) -> HttpResponse:
    person = _person(request, pk)
    form = DeactivateForm(
        request.POST or None, people=_successors(request, person), duties=str(duties_of(person))
    )
    if request.method == "POST" and form.is_valid():
        try:
            people.person_deactivate(person_id=pk, actor=request.actor, **form.values())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return _changed(request, person, "Deactivated. Every session of theirs has ended.")
    may = policies.can_deactivate(request.actor, person)
    return _dialog(request, "console/person_deactivate.html", person, form, may)


@require_http_methods(["GET", "POST"])
@page(policies.can_invite)
@fresh_sign_in_required
def person_change_role(request: Request, pk: int) -> HttpResponse:
    person = _person(request, pk)
    form = RoleForm(
        request.POST or None,
        initial={"role": person.role},
        people=_successors(request, person),
        duties=str(duties_of(person)),
    )
    if request.method == "POST" and form.is_valid():
        try:
            people.person_change_role(person_id=pk, actor=request.actor, **form.values())
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return _changed(request, person, "The role is changed, from now on.")
    may = policies.can_change_role(request.actor, person)
    return _dialog(request, "console/person_change_role.html", person, form, may)


@require_http_methods(["GET", "POST"])
@page(policies.can_invite)
@fresh_sign_in_required
def seat_change(request: Request, pk: int) -> HttpResponse:
    person = _person(request, pk)
    seat = getattr(person, "seat", None)
    systems = System.objects.visible_to(request.actor)
    names = ("ends_on", "period_from", "period_until", "limited_to_systems", "sees_payloads")
    initial = {name: getattr(seat, name, None) for name in names}
    initial["systems"] = [system.pk for system in systems.in_seat_of(person)]
    form = SeatForm(request.POST or None, initial=initial, systems=systems)
    if request.method == "POST" and form.is_valid():
        try:
            people.seat_change(person_id=pk, actor=request.actor, **form.cleaned_data)
        except DomainError as error:
            form.add_error(None, str(error))
        else:
            return _changed(request, person, "The seat is changed.")
    may = policies.can_change_seat(request.actor, person)
    return _dialog(request, "console/seat_change.html", person, form, may)


def _person(request: Request, pk: int) -> User:
    seen = User.objects.visible_to(request.actor).for_table()
    person: User = get_object_or_404(seen, pk=pk)
    return person


def _successors(request: Request, person: User) -> QuerySet[User]:
    seen = User.objects.visible_to(request.actor)
    able: QuerySet[User] = seen.who_may_decide().other_than(person)
    return able


def _changed(request: Request, person: User, said: str) -> HttpResponse:
    return written(request, changed="person", otherwise=person.get_absolute_url(), said=said)


def _dialog(
    request: Request, template: str, person: User, form: Form, may: Verdict
) -> HttpResponse:
    return render_page(
        request,
        template,
        {"person": person, "form": form, "may": may},
        regions=["dialog"],
        status=422 if form.errors else 200,
    )
