"""The invented company's people and teams. Their names are their roles."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from apps.accounts.models import Seat, Team, User
from apps.accounts.services.people import address_note
from apps.accounts.services.teams import team_create
from apps.audit.services import record
from apps.audit.verbs import Verb
from apps.console.sample.catalogue import PEOPLE, TEAMS
from apps.core.actors import Role, System


@transaction.atomic
def people_load(*, password: str, actor: System) -> dict[str, User]:
    """Create everybody with one password; returns them by the part before the @."""
    people = {
        name: _person(name, display_name, role, password, actor)
        for name, display_name, role, _ in PEOPLE
    }
    for team_name, manager in TEAMS.items():
        team_create(name=team_name, manager=people[manager], actor=actor)
    teams = {team.name: team for team in Team.objects.all()}
    for name, _, _, team_name in PEOPLE:
        if team_name:
            people[name].team = teams[team_name]
            people[name].save(update_fields=["team"])
    return people


def _person(name: str, display_name: str, role: str, password: str, actor: System) -> User:
    address = f"{name}@example.com"
    person = User(username=address, email=address, display_name=display_name, role=role)
    person.set_password(password)
    person.save()
    address_note(person)
    if role == Role.AUDITOR:
        Seat.objects.create(user=person, ends_on=timezone.localdate() + timedelta(days=60))
    record(actor=actor, verb=Verb.PERSON_CREATED, target=person, changes={"role": (None, role)})
    return person
